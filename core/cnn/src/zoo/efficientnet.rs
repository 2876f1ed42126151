//! EfficientNet-B0: M. Tan and Q. Le, "EfficientNet: rethinking model scaling for convolutional neural networks", 2019,
//! table 1.

use super::build::chain;
use super::cnn;
use super::mobilenet::{Excite, InvertedResidual};
use codebench_model::CnnGraph;

pub(super) fn graph() -> CnnGraph {
    let mut modules = vec![chain(["conv3x3-c32-p1-s2-bn-silu"])];
    let stages = [
        (1, 3, 1, 16, 1),
        (6, 3, 2, 24, 2),
        (6, 5, 2, 40, 2),
        (6, 3, 2, 80, 3),
        (6, 5, 1, 112, 3),
        (6, 5, 2, 192, 4),
        (6, 3, 1, 320, 1),
    ];
    let mut arriving = 32;
    for (expansion, kernel, first_stride, leaving, count) in stages {
        for index in 0..count {
            let stride = if index == 0 { first_stride } else { 1 };
            let excite = Some(Excite { squeezed: arriving / 4, activation: "silu", gate: "sigmoid" });
            let expanded = arriving * expansion;
            let (norm, activation) = ("-bn", "silu");
            let block =
                InvertedResidual { arriving, expanded, leaving, kernel, stride, norm, activation, excite };
            modules.push(block.module());
            arriving = leaving;
        }
    }
    modules.push(chain(["conv1x1-c1280-bn-silu"]));
    modules.push(chain(["global-avg-pool", "dropout-p2", "dense_classes"]));
    cnn(modules)
}
