//! GoogLeNet: C. Szegedy et al., "Going deeper with convolutions", 2015, table 1. As in torchvision, with batch norm,
//! and with 3x3 convolutions in the branch for which the paper has 5x5.

use super::build::{INPUT, Module, chain};
use super::cnn;
use codebench_model::{CnnGraph, CnnModule, Join};

pub(super) fn graph() -> CnnGraph {
    cnn(vec![
        chain([
            "conv7x7-c64-p3-s2-bn-e3-relu",
            "maxpool3x3-s2-ceil",
            "conv1x1-c64-bn-e3-relu",
            "conv3x3-c192-p1-bn-e3-relu",
            "maxpool3x3-s2-ceil",
        ]),
        inception([64, 96, 128, 16, 32, 32]),
        inception([128, 128, 192, 32, 96, 64]),
        chain(["maxpool3x3-s2-ceil"]),
        inception([192, 96, 208, 16, 48, 64]),
        inception([160, 112, 224, 24, 64, 64]),
        inception([128, 128, 256, 24, 64, 64]),
        inception([112, 144, 288, 32, 64, 64]),
        inception([256, 160, 320, 32, 128, 128]),
        chain(["maxpool2x2-s2-ceil"]),
        inception([256, 160, 320, 32, 128, 128]),
        inception([384, 192, 384, 48, 128, 128]),
        chain(["global-avg-pool", "dropout-p2", "dense_classes"]),
    ])
}

/// Channels as in the paper's table: 1x1, 3x3 reduce, 3x3, 5x5 reduce, 5x5, pool projection.
fn inception([narrow, reduce3, conv3, reduce5, conv5, pool]: [u64; 6]) -> CnnModule {
    let pointwise = |channels| format!("conv1x1-c{channels}-bn-e3-relu");
    let wide = |channels| format!("conv3x3-c{channels}-p1-bn-e3-relu");
    let mut module = Module::new();
    let branches = [
        module.op(INPUT, pointwise(narrow)),
        module.chain(INPUT, [pointwise(reduce3), wide(conv3)]),
        module.chain(INPUT, [pointwise(reduce5), wide(conv5)]),
        module.chain(INPUT, ["maxpool3x3-p1-ceil".to_owned(), pointwise(pool)]),
    ];
    module.end(Join::Concat, &branches)
}
