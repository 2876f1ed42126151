//! VGG: K. Simonyan and A. Zisserman, "Very deep convolutional networks for large-scale image recognition", 2015,
//! table 1.

use super::build::chain;
use super::cnn;
use codebench_model::CnnGraph;

/// Convolutions per stage; each stage ends with a pool. With batch norm the convolutions keep their bias, as in
/// torchvision.
pub(super) fn graph(convolutions: [usize; 5], batch_norm: bool) -> CnnGraph {
    let mut modules = Vec::new();
    for (count, channels) in convolutions.into_iter().zip([64, 128, 256, 512, 512]) {
        let layer = if batch_norm {
            vec![format!("conv3x3-c{channels}-p1"), "bn".to_owned(), "act-relu".to_owned()]
        } else {
            vec![format!("conv3x3-c{channels}-p1-relu")]
        };
        let layers = std::iter::repeat_n(layer, count).flatten();
        modules.push(chain(layers.chain(["maxpool2x2-s2".to_owned()])));
    }
    modules.push(chain([
        "avgpool1x1",
        "flatten",
        "dense-4096-relu",
        "dropout-p5",
        "dense-4096-relu",
        "dropout-p5",
        "dense_classes",
    ]));
    cnn(modules)
}
