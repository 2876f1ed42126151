//! Inception-v3: C. Szegedy et al., "Rethinking the inception architecture for computer vision", 2016, table 1 and
//! figures 5 to 7 and 10.

use super::build::{INPUT, Module, chain};
use super::cnn;
use codebench_model::{CnnGraph, CnnModule, Join};

pub(super) fn graph() -> CnnGraph {
    cnn(vec![
        chain([
            "conv3x3-c32-s2-bn-e3-relu",
            "conv3x3-c32-bn-e3-relu",
            "conv3x3-c64-p1-bn-e3-relu",
            "maxpool3x3-s2",
            "conv1x1-c80-bn-e3-relu",
            "conv3x3-c192-bn-e3-relu",
            "maxpool3x3-s2",
        ]),
        square(32),
        square(64),
        square(64),
        shrink_to_768(),
        asymmetric(128),
        asymmetric(160),
        asymmetric(160),
        asymmetric(192),
        shrink_to_1280(),
        expanded(),
        expanded(),
        chain(["global-avg-pool", "dropout-p5", "dense_classes"]),
    ])
}

fn conv(kernel: &str, channels: u64, options: &str) -> String {
    format!("conv{kernel}-c{channels}{options}-bn-e3-relu")
}

/// Figure 5: 5x5 and double 3x3 branches.
fn square(pool: u64) -> CnnModule {
    let mut module = Module::new();
    let branches = [
        module.op(INPUT, conv("1x1", 64, "")),
        module.chain(INPUT, [conv("1x1", 48, ""), conv("5x5", 64, "-p2")]),
        module.chain(INPUT, [conv("1x1", 64, ""), conv("3x3", 96, "-p1"), conv("3x3", 96, "-p1")]),
        module.chain(INPUT, ["avgpool3x3-p1".to_owned(), conv("1x1", pool, "")]),
    ];
    module.end(Join::Concat, &branches)
}

/// Figure 10: half the resolution, 288 to 768 channels.
fn shrink_to_768() -> CnnModule {
    let mut module = Module::new();
    let branches = [
        module.op(INPUT, conv("3x3", 384, "-s2")),
        module.chain(INPUT, [conv("1x1", 64, ""), conv("3x3", 96, "-p1"), conv("3x3", 96, "-s2")]),
        module.op(INPUT, "maxpool3x3-s2"),
    ];
    module.end(Join::Concat, &branches)
}

/// Figure 6: 7x7 convolutions as 1x7 and 7x1.
fn asymmetric(channels: u64) -> CnnModule {
    let row = |channels| conv("1x7", channels, "-p0x3");
    let column = |channels| conv("7x1", channels, "-p3x0");
    let narrow = || conv("1x1", channels, "");
    let mut module = Module::new();
    let branches = [
        module.op(INPUT, conv("1x1", 192, "")),
        module.chain(INPUT, [narrow(), row(channels), column(192)]),
        module.chain(INPUT, [narrow(), column(channels), row(channels), column(channels), row(192)]),
        module.chain(INPUT, ["avgpool3x3-p1".to_owned(), conv("1x1", 192, "")]),
    ];
    module.end(Join::Concat, &branches)
}

/// Half the resolution, 768 to 1280 channels.
fn shrink_to_1280() -> CnnModule {
    let mut module = Module::new();
    let branches = [
        module.chain(INPUT, [conv("1x1", 192, ""), conv("3x3", 320, "-s2")]),
        module.chain(
            INPUT,
            [
                conv("1x1", 192, ""),
                conv("1x7", 192, "-p0x3"),
                conv("7x1", 192, "-p3x0"),
                conv("3x3", 192, "-s2"),
            ],
        ),
        module.op(INPUT, "maxpool3x3-s2"),
    ];
    module.end(Join::Concat, &branches)
}

/// Figure 7: 3x3 convolutions as 1x3 and 3x1 side by side.
fn expanded() -> CnnModule {
    let mut module = Module::new();
    let mut branches = vec![module.op(INPUT, conv("1x1", 320, ""))];
    let stems = [vec![conv("1x1", 384, "")], vec![conv("1x1", 448, ""), conv("3x3", 384, "-p1")]];
    for stem in stems {
        let stem = module.chain(INPUT, stem);
        branches.push(module.op(stem, conv("1x3", 384, "-p0x1")));
        branches.push(module.op(stem, conv("3x1", 384, "-p1x0")));
    }
    branches.push(module.chain(INPUT, ["avgpool3x3-p1".to_owned(), conv("1x1", 192, "")]));
    module.end(Join::Concat, &branches)
}
