//! ResNet: K. He et al., "Deep residual learning for image recognition", 2016, table 1, with projections where the
//! shape changes (option B). The bottleneck strides in its 3x3 convolution, as in torchvision.

use super::build::{INPUT, Module, chain, mean_and_classes};
use super::cnn;
use codebench_model::{CnnGraph, CnnModule, Join};

/// ResNet of two 3x3 convolutions per block.
pub(super) fn basic(blocks: [usize; 4]) -> CnnGraph {
    graph(blocks, 1, |channels, stride| {
        vec![format!("conv3x3-c{channels}-p1-s{stride}-bn-relu"), format!("conv3x3-c{channels}-p1-bn")]
    })
}

/// ResNet of bottlenecks that widen four times.
pub(super) fn bottleneck(blocks: [usize; 4]) -> CnnGraph {
    graph(blocks, 4, |channels, stride| {
        vec![
            format!("conv1x1-c{channels}-bn-relu"),
            format!("conv3x3-c{channels}-p1-s{stride}-bn-relu"),
            format!("conv1x1-c{}-bn", 4 * channels),
        ]
    })
}

fn graph(blocks: [usize; 4], widening: u64, branch: fn(u64, u64) -> Vec<String>) -> CnnGraph {
    let mut modules = vec![chain(["conv7x7-c64-p3-s2-bn-relu", "maxpool3x3-p1-s2"])];
    let mut arriving = 64;
    for (stage, (count, channels)) in blocks.into_iter().zip([64, 128, 256, 512]).enumerate() {
        for index in 0..count {
            let stride = if stage > 0 && index == 0 { 2 } else { 1 };
            let leaving = channels * widening;
            let projects = stride != 1 || arriving != leaving;
            let projection = projects.then(|| format!("conv1x1-c{leaving}-s{stride}-bn"));
            modules.push(block(branch(channels, stride), projection));
            arriving = leaving;
        }
    }
    modules.push(mean_and_classes());
    cnn(modules)
}

fn block(branch: Vec<String>, projection: Option<String>) -> CnnModule {
    let mut module = Module::new();
    let branch = module.chain(INPUT, branch);
    let mut summands = match projection {
        Some(projection) => [branch, module.op(INPUT, projection)],
        None => [branch, INPUT],
    };
    summands.sort_unstable();
    let sum = module.join(Join::Sum, &summands, "act-relu");
    module.end(Join::Sum, &[sum])
}
