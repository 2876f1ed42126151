//! AlexNet in one column: A. Krizhevsky, "One weird trick for parallelizing convolutional neural networks", 2014.

use super::build::chain;
use super::cnn;
use codebench_model::CnnGraph;

pub(super) fn graph() -> CnnGraph {
    cnn(vec![
        chain([
            "conv11x11-c64-p2-s4-relu",
            "maxpool3x3-s2",
            "conv5x5-c192-p2-relu",
            "maxpool3x3-s2",
            "conv3x3-c384-p1-relu",
            "conv3x3-c256-p1-relu",
            "conv3x3-c256-p1-relu",
            "maxpool3x3-s2",
        ]),
        chain([
            "avgpool1x1",
            "flatten",
            "dropout-p5",
            "dense-4096-relu",
            "dropout-p5",
            "dense-4096-relu",
            "dense_classes",
        ]),
    ])
}
