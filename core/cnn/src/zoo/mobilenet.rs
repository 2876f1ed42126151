//! MobileNet: A. Howard et al., "MobileNets", 2017, table 1; M. Sandler et al., "MobileNetV2", 2018, table 2; A. Howard
//! et al., "Searching for MobileNetV3", 2019, tables 1 and 2.

use super::build::{INPUT, Module, chain, mean_and_classes};
use super::cnn;
use codebench_model::{CnnGraph, CnnModule, Join};

pub(super) fn v1() -> CnnGraph {
    let mut modules = vec![chain(["conv3x3-c32-p1-s2-bn-relu"])];
    let wide = [(512, 1); 5];
    let first = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)];
    for (channels, stride) in first.into_iter().chain(wide).chain([(1024, 2), (1024, 1)]) {
        modules.push(chain([
            format!("conv3x3-dw-p1-s{stride}-bn-relu"),
            format!("conv1x1-c{channels}-bn-relu"),
        ]));
    }
    modules.push(mean_and_classes());
    cnn(modules)
}

pub(super) fn v2() -> CnnGraph {
    let mut modules = vec![chain(["conv3x3-c32-p1-s2-bn-relu6"])];
    let stages = [
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    ];
    let mut arriving = 32;
    for (expansion, channels, count, first_stride) in stages {
        for index in 0..count {
            let stride = if index == 0 { first_stride } else { 1 };
            let block = InvertedResidual {
                arriving,
                expanded: arriving * expansion,
                leaving: channels,
                kernel: 3,
                stride,
                norm: "-bn",
                activation: "relu6",
                excite: None,
            };
            modules.push(block.module());
            arriving = channels;
        }
    }
    modules.push(chain(["conv1x1-c1280-bn-relu6"]));
    modules.push(chain(["global-avg-pool", "dropout-p2", "dense_classes"]));
    cnn(modules)
}

pub(super) fn v3_large() -> CnnGraph {
    const RE: &str = "relu";
    const HS: &str = "hswish";
    let blocks = [
        (3, 16, 16, false, RE, 1),
        (3, 64, 24, false, RE, 2),
        (3, 72, 24, false, RE, 1),
        (5, 72, 40, true, RE, 2),
        (5, 120, 40, true, RE, 1),
        (5, 120, 40, true, RE, 1),
        (3, 240, 80, false, HS, 2),
        (3, 200, 80, false, HS, 1),
        (3, 184, 80, false, HS, 1),
        (3, 184, 80, false, HS, 1),
        (3, 480, 112, true, HS, 1),
        (3, 672, 112, true, HS, 1),
        (5, 672, 160, true, HS, 2),
        (5, 960, 160, true, HS, 1),
        (5, 960, 160, true, HS, 1),
    ];
    v3(&blocks, 960, 1280)
}

pub(super) fn v3_small() -> CnnGraph {
    const RE: &str = "relu";
    const HS: &str = "hswish";
    let blocks = [
        (3, 16, 16, true, RE, 2),
        (3, 72, 24, false, RE, 2),
        (3, 88, 24, false, RE, 1),
        (5, 96, 40, true, HS, 2),
        (5, 240, 40, true, HS, 1),
        (5, 240, 40, true, HS, 1),
        (5, 120, 48, true, HS, 1),
        (5, 144, 48, true, HS, 1),
        (5, 288, 96, true, HS, 2),
        (5, 576, 96, true, HS, 1),
        (5, 576, 96, true, HS, 1),
    ];
    v3(&blocks, 576, 1024)
}

/// Blocks as in the paper's tables: kernel, expanded channels, channels, squeeze-and-excite, activation, stride.
fn v3(blocks: &[(u64, u64, u64, bool, &'static str, u64)], last: u64, features: u64) -> CnnGraph {
    let mut modules = vec![chain(["conv3x3-c16-p1-s2-bn-e3-hswish"])];
    let mut arriving = 16;
    for &(kernel, expanded, leaving, excites, activation, stride) in blocks {
        let squeezed = divisible_by_8(expanded);
        let excite = excites.then_some(Excite { squeezed, activation: "relu", gate: "hsigmoid" });
        let block = InvertedResidual {
            arriving,
            expanded,
            leaving,
            kernel,
            stride,
            norm: "-bn-e3",
            activation,
            excite,
        };
        modules.push(block.module());
        arriving = leaving;
    }
    modules.push(chain([format!("conv1x1-c{last}-bn-e3-hswish")]));
    modules.push(chain([
        "global-avg-pool".to_owned(),
        format!("dense-{features}-hswish"),
        "dropout-p2".to_owned(),
        "dense_classes".to_owned(),
    ]));
    cnn(modules)
}

/// A quarter of `channels` as a multiple of 8, but never less than 90 % of it.
fn divisible_by_8(channels: u64) -> u64 {
    let rounded = ((channels + 16) / 32 * 8).max(8);
    if rounded * 40 < channels * 9 { rounded + 8 } else { rounded }
}

/// Squeeze and excite: the mean of each channel, two 1x1 convolutions, and a product.
pub(super) struct Excite {
    pub(super) squeezed: u64,
    pub(super) activation: &'static str,
    pub(super) gate: &'static str,
}

/// A narrow, wide, narrow block with a depthwise convolution in the middle, and a skip where the shape stays.
pub(super) struct InvertedResidual {
    pub(super) arriving: u64,
    pub(super) expanded: u64,
    pub(super) leaving: u64,
    pub(super) kernel: u64,
    pub(super) stride: u64,
    /// The options of every batch norm.
    pub(super) norm: &'static str,
    pub(super) activation: &'static str,
    pub(super) excite: Option<Excite>,
}

impl InvertedResidual {
    pub(super) fn module(&self) -> CnnModule {
        let InvertedResidual { arriving, expanded, leaving, kernel, stride, norm, activation, excite } = self;
        let mut module = Module::new();
        let mut last = INPUT;
        if expanded != arriving {
            last = module.op(last, format!("conv1x1-c{expanded}{norm}-{activation}"));
        }
        let padding = kernel / 2;
        last = module.op(last, format!("conv{kernel}x{kernel}-dw-p{padding}-s{stride}{norm}-{activation}"));
        let project = format!("conv1x1-c{leaving}{norm}");
        last = match excite {
            None => module.op(last, project),
            Some(Excite { squeezed, activation, gate }) => {
                let factors = module.chain(
                    last,
                    [
                        "global-avg-pool".to_owned(),
                        format!("conv1x1-c{squeezed}-{activation}"),
                        format!("conv1x1-c{expanded}-{gate}"),
                    ],
                );
                module.join(Join::Multiply, &[last, factors], project)
            }
        };
        if *stride == 1 && arriving == leaving {
            module.end(Join::Sum, &[INPUT, last])
        } else {
            module.end(Join::Sum, &[last])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::divisible_by_8;

    #[test]
    fn squeezed_channels_are_those_of_the_reference() {
        let squeezed = [16, 72, 96, 120, 144, 240, 288, 480, 576, 672, 960].map(divisible_by_8);
        assert_eq!(squeezed, [8, 24, 24, 32, 40, 64, 72, 120, 144, 168, 240]);
    }
}
