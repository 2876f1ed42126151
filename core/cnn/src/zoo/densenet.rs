//! DenseNet-121: G. Huang et al., "Densely connected convolutional networks", 2017, table 1, growth rate 32.

use super::build::{INPUT, Module, chain};
use super::cnn;
use codebench_model::{CnnGraph, CnnModule, Join};

const GROWTH: u64 = 32;

pub(super) fn graph() -> CnnGraph {
    let mut modules = vec![chain(["conv7x7-c64-p3-s2-bn-relu", "maxpool3x3-p1-s2"])];
    let mut channels = 64;
    for (index, layers) in [6, 12, 24, 16].into_iter().enumerate() {
        if index > 0 {
            channels /= 2;
            modules.push(transition(channels));
        }
        modules.push(dense_block(layers));
        channels += layers * GROWTH;
    }
    modules.push(chain(["bn", "act-relu", "global-avg-pool", "dense_classes"]));
    cnn(modules)
}

/// Every layer reads the block's input and the outputs of all earlier layers.
fn dense_block(layers: u64) -> CnnModule {
    let mut module = Module::new();
    let mut features = vec![INPUT];
    for _ in 0..layers {
        let norm = module.join(Join::Concat, &features, "bn");
        let bottleneck = format!("conv1x1-c{}-bn-relu", 4 * GROWTH);
        let layer =
            module.chain(norm, ["act-relu".to_owned(), bottleneck, format!("conv3x3-c{GROWTH}-p1-nb")]);
        features.push(layer);
    }
    module.end(Join::Concat, &features)
}

fn transition(channels: u64) -> CnnModule {
    chain([
        "bn".to_owned(),
        "act-relu".to_owned(),
        format!("conv1x1-c{channels}-nb"),
        "avgpool2x2-s2".to_owned(),
    ])
}
