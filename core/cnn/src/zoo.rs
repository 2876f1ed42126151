//! The true networks of the literature as explicit modules: every tensor joins as its paper says.
//!
//! Where an implementation is the reference (torchvision, Keras), vertices are numbered in its order of execution, so
//! that the lowered layers stand in that order too.

mod alexnet;
mod build;
mod densenet;
mod efficientnet;
mod googlenet;
mod inception;
mod lenet;
mod mobilenet;
mod resnet;
mod shufflenet;
mod squeezenet;
mod vgg;
mod xception;

use crate::named::{Build, Entry};
use codebench_model::{CnnGraph, CnnModule};

fn cnn(modules: Vec<CnnModule>) -> CnnGraph {
    CnnGraph { default_channels: CnnGraph::standard_default_channels(), modules }
}

/// A network for ImageNet: three channels, 1000 classes.
const fn imagenet(name: &'static str, image: u64, summary: &'static str, build: fn() -> CnnGraph) -> Entry {
    Entry { name, summary, image, channels: 3, classes: 1000, build: Build::Modules(build) }
}

/// The true networks by family.
pub(crate) static ENTRIES: [Entry; 24] = [
    imagenet("alexnet", 224, "AlexNet in one column (Krizhevsky 2014), as in torchvision.", alexnet::graph),
    imagenet("densenet121", 224, "DenseNet-121 (Huang et al. 2017).", densenet::graph),
    imagenet(
        "efficientnet-b0",
        224,
        "EfficientNet-B0 (Tan and Le 2019) with multiplicative squeeze-and-excite.",
        efficientnet::graph,
    ),
    imagenet(
        "googlenet",
        224,
        "GoogLeNet (Szegedy et al. 2015) with batch norm, as in torchvision, without auxiliary heads.",
        googlenet::graph,
    ),
    imagenet(
        "inception-v3",
        299,
        "Inception-v3 (Szegedy et al. 2016) without its auxiliary head.",
        inception::graph,
    ),
    Entry {
        name: "lenet-5",
        summary: "LeNet-5 (LeCun et al. 1998) with its table of connections; a dense layer for the fixed RBF outputs.",
        image: 32,
        channels: 1,
        classes: 10,
        build: Build::Modules(lenet::graph),
    },
    imagenet("mobilenet-v1", 224, "MobileNet at width 1.0 (Howard et al. 2017).", mobilenet::v1),
    imagenet("mobilenet-v2", 224, "MobileNetV2 at width 1.0 (Sandler et al. 2018).", mobilenet::v2),
    imagenet("mobilenet-v3-large", 224, "MobileNetV3-Large (Howard et al. 2019).", mobilenet::v3_large),
    imagenet("mobilenet-v3-small", 224, "MobileNetV3-Small (Howard et al. 2019).", mobilenet::v3_small),
    imagenet("resnet18", 224, "ResNet-18 (He et al. 2016).", || resnet::basic([2, 2, 2, 2])),
    imagenet("resnet34", 224, "ResNet-34 (He et al. 2016).", || resnet::basic([3, 4, 6, 3])),
    imagenet("resnet50", 224, "ResNet-50 (He et al. 2016), its stride in the 3x3 convolutions.", || {
        resnet::bottleneck([3, 4, 6, 3])
    }),
    imagenet("resnet101", 224, "ResNet-101 (He et al. 2016), its stride in the 3x3 convolutions.", || {
        resnet::bottleneck([3, 4, 23, 3])
    }),
    imagenet("resnet152", 224, "ResNet-152 (He et al. 2016), its stride in the 3x3 convolutions.", || {
        resnet::bottleneck([3, 8, 36, 3])
    }),
    imagenet("shufflenet-v2", 224, "ShuffleNetV2 at width 1.0 (Ma et al. 2018).", shufflenet::graph),
    imagenet("squeezenet-1.0", 224, "SqueezeNet 1.0 (Iandola et al. 2016).", squeezenet::v1_0),
    imagenet(
        "squeezenet-1.1",
        224,
        "SqueezeNet 1.1, which needs less computation than 1.0.",
        squeezenet::v1_1,
    ),
    imagenet("vgg11", 224, "VGG-11, configuration A (Simonyan and Zisserman 2015).", || {
        vgg::graph([1, 1, 2, 2, 2], false)
    }),
    imagenet("vgg13", 224, "VGG-13, configuration B (Simonyan and Zisserman 2015).", || {
        vgg::graph([2, 2, 2, 2, 2], false)
    }),
    imagenet("vgg16", 224, "VGG-16, configuration D (Simonyan and Zisserman 2015).", || {
        vgg::graph([2, 2, 3, 3, 3], false)
    }),
    imagenet("vgg16-bn", 224, "VGG-16 with batch norm behind every convolution, as in torchvision.", || {
        vgg::graph([2, 2, 3, 3, 3], true)
    }),
    imagenet("vgg19", 224, "VGG-19, configuration E (Simonyan and Zisserman 2015).", || {
        vgg::graph([2, 2, 4, 4, 4], false)
    }),
    imagenet("xception", 299, "Xception (Chollet 2017).", xception::graph),
];
