//! SqueezeNet: F. Iandola et al., "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and <0.5MB model size",
//! 2016, table 1; version 1.1 from its authors' repository.

use super::build::{INPUT, Module, chain};
use super::cnn;
use codebench_model::{CnnGraph, CnnModule, Join};

pub(super) fn v1_0() -> CnnGraph {
    cnn(vec![
        chain(["conv7x7-c96-s2-relu", POOL]),
        fire(16),
        fire(16),
        fire(32),
        chain([POOL]),
        fire(32),
        fire(48),
        fire(48),
        fire(64),
        chain([POOL]),
        fire(64),
        head(),
    ])
}

pub(super) fn v1_1() -> CnnGraph {
    cnn(vec![
        chain(["conv3x3-c64-s2-relu", POOL]),
        fire(16),
        fire(16),
        chain([POOL]),
        fire(32),
        fire(32),
        chain([POOL]),
        fire(48),
        fire(48),
        fire(64),
        fire(64),
        head(),
    ])
}

const POOL: &str = "maxpool3x3-s2-ceil";

/// Squeezes to `channels`, then expands to four times as many in each of two branches.
fn fire(channels: u64) -> CnnModule {
    let mut module = Module::new();
    let squeezed = module.op(INPUT, format!("conv1x1-c{channels}-relu"));
    let narrow = module.op(squeezed, format!("conv1x1-c{}-relu", 4 * channels));
    let wide = module.op(squeezed, format!("conv3x3-c{}-p1-relu", 4 * channels));
    module.end(Join::Concat, &[narrow, wide])
}

fn head() -> CnnModule {
    chain(["dropout-p5", "conv1x1-classes-relu", "global-avg-pool"])
}
