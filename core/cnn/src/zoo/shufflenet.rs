//! ShuffleNetV2 at width 1.0: N. Ma et al., "ShuffleNet V2: practical guidelines for efficient CNN architecture design",
//! 2018, table 5 and figure 3.

use super::build::{INPUT, Module, chain, mean_and_classes};
use super::cnn;
use codebench_model::{CnnGraph, CnnModule, Join};

pub(super) fn graph() -> CnnGraph {
    let mut modules = vec![chain(["conv3x3-c24-p1-s2-bn-relu", "maxpool3x3-p1-s2"])];
    for (channels, units) in [(116, 4), (232, 8), (464, 4)] {
        modules.push(downsampling_unit(channels));
        modules.extend((1..units).map(|_| unit(channels)));
    }
    modules.push(chain(["conv1x1-c1024-bn-relu"]));
    modules.push(mean_and_classes());
    cnn(modules)
}

/// One half of the channels passes; the other runs through a branch.
fn unit(channels: u64) -> CnnModule {
    let half = channels / 2;
    let mut module = Module::new();
    let passing = module.op(INPUT, format!("slice-a0-b{half}"));
    let split = module.op(INPUT, format!("slice-a{half}-b{channels}"));
    let branch = module.chain(split, branch(half, 1));
    let shuffled = module.join(Join::Concat, &[passing, branch], "channel_shuffle-g2");
    module.end(Join::Sum, &[shuffled])
}

/// Both halves come from all channels, at half the resolution.
fn downsampling_unit(channels: u64) -> CnnModule {
    let half = channels / 2;
    let mut module = Module::new();
    let short = module.chain(INPUT, ["conv3x3-dw-p1-s2-bn".to_owned(), format!("conv1x1-c{half}-bn-relu")]);
    let branch = module.chain(INPUT, branch(half, 2));
    let shuffled = module.join(Join::Concat, &[short, branch], "channel_shuffle-g2");
    module.end(Join::Sum, &[shuffled])
}

fn branch(channels: u64, stride: u64) -> [String; 3] {
    let pointwise = format!("conv1x1-c{channels}-bn-relu");
    [pointwise.clone(), format!("conv3x3-dw-p1-s{stride}-bn"), pointwise]
}
