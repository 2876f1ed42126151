//! Xception: F. Chollet, "Xception: deep learning with depthwise separable convolutions", 2017, figure 5, padded as Keras
//! pads.

use super::build::{INPUT, Module, chain, mean_and_classes};
use super::cnn;
use codebench_model::{CnnGraph, CnnModule, Join};

pub(super) fn graph() -> CnnGraph {
    let mut modules = vec![
        chain(["conv3x3-c32-s2-bn-e3-relu", "conv3x3-c64-bn-e3-relu"]),
        shrinking(128, &[separable(128, "-relu"), separable(128, "")]),
    ];
    for channels in [256, 728] {
        modules.push(shrinking(channels, &[relu(), separable(channels, "-relu"), separable(channels, "")]));
    }
    modules.extend((0..8).map(|_| middle()));
    modules.push(shrinking(1024, &[relu(), separable(728, "-relu"), separable(1024, "")]));
    modules.push(chain([separable(1536, "-relu"), separable(2048, "-relu")].concat()));
    modules.push(mean_and_classes());
    cnn(modules)
}

fn relu() -> Vec<String> {
    vec!["act-relu".to_owned()]
}

/// A depthwise convolution, then a pointwise one with batch norm.
fn separable(channels: u64, activation: &str) -> Vec<String> {
    vec!["conv3x3-dw-ps-nb".to_owned(), format!("conv1x1-c{channels}-bn-e3{activation}")]
}

/// A block of the entry and exit flow: half the resolution.
fn shrinking(channels: u64, branch: &[Vec<String>]) -> CnnModule {
    let mut module = Module::new();
    let branch = module.chain(INPUT, branch.concat());
    let pooled = module.op(branch, "maxpool3x3-s2-ps");
    let short = module.op(INPUT, format!("conv1x1-c{channels}-s2-bn-e3"));
    module.end(Join::Sum, &[pooled, short])
}

/// A block of the middle flow: the shape stays.
fn middle() -> CnnModule {
    let mut module = Module::new();
    let branch = module.chain(
        INPUT,
        [relu(), separable(728, "-relu"), separable(728, "-relu"), separable(728, "")].concat(),
    );
    module.end(Join::Sum, &[INPUT, branch])
}
