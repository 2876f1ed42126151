//! The CNNs of the CODEBench paper, exactly as its authors wrote them, mistakes included.

use super::{Build, Entry};
use crate::file::{self, Format};
use codebench_model::{CnnGraph, CnnModule};

/// The CNN of an embedded file, without the enlargement of its images where they are large enough.
pub(super) fn graph(text: &str, resolution: Option<u64>, image: u64) -> CnnGraph {
    let mut graph = embedded(text);
    if resolution.is_some_and(|resolution| image >= resolution)
        && let Some(first) = graph.modules.first_mut()
    {
        *first = without_first_operation(first);
    }
    graph
}

#[expect(clippy::expect_used, reason = "the embedded files are constants, which a test reads one by one")]
fn embedded(text: &str) -> CnnGraph {
    file::parse(text, Format::Json).expect("an embedded CNN file is valid")
}

/// The chain without its vertex 1.
fn without_first_operation(chain: &CnnModule) -> CnnModule {
    let vertices: Vec<_> = chain
        .vertices
        .iter()
        .enumerate()
        .filter(|(v, _)| *v != 1)
        .map(|(_, vertex)| vertex.clone())
        .collect();
    CnnModule { edges: (1..vertices.len()).map(|to| [to - 1, to]).collect(), vertices }
}

macro_rules! published {
    ($name:literal, $summary:literal, $resolution:expr) => {
        Entry {
            name: concat!("published/", $name),
            summary: $summary,
            image: 224,
            channels: 3,
            classes: 10,
            build: Build::Published {
                file: include_str!(concat!("../../networks/published/", $name, ".json")),
                resolution: $resolution,
            },
        }
    };
}

/// The published networks by family.
pub(super) static ENTRIES: [Entry; 25] = [
    published!("alexnet", "AlexNet as the CODEBench paper publishes it.", None),
    published!("efficientnet-b0", "EfficientNet-B0 as the CODEBench paper publishes it.", Some(224)),
    published!("efficientnet-b1", "EfficientNet-B1 as the CODEBench paper publishes it.", Some(240)),
    published!("efficientnet-b2", "EfficientNet-B2 as the CODEBench paper publishes it.", Some(260)),
    published!("efficientnet-b3", "EfficientNet-B3 as the CODEBench paper publishes it.", Some(300)),
    published!("efficientnet-b4", "EfficientNet-B4 as the CODEBench paper publishes it.", Some(380)),
    published!("efficientnet-b5", "EfficientNet-B5 as the CODEBench paper publishes it.", Some(465)),
    published!("efficientnet-b6", "EfficientNet-B6 as the CODEBench paper publishes it.", Some(528)),
    published!("efficientnet-b7", "EfficientNet-B7 as the CODEBench paper publishes it.", Some(600)),
    published!("efficientnet-l2", "EfficientNet-L2 as the CODEBench paper publishes it.", Some(800)),
    published!("googlenet", "GoogLeNet as the CODEBench paper publishes it.", None),
    published!(
        "inception",
        "Inception (the same CNN as GoogLeNet) as the CODEBench paper publishes it.",
        None
    ),
    published!("lenet", "LeNet as the CODEBench paper publishes it.", None),
    published!("mobilenet", "MobileNet as the CODEBench paper publishes it.", None),
    published!("resnet18", "ResNet-18 as the CODEBench paper publishes it.", None),
    published!("resnet34", "ResNet-34 as the CODEBench paper publishes it.", None),
    published!("resnet50", "ResNet-50 as the CODEBench paper publishes it.", None),
    published!("resnet101", "ResNet-101 as the CODEBench paper publishes it.", None),
    published!("resnet152", "ResNet-152 as the CODEBench paper publishes it.", None),
    published!("shufflenet", "ShuffleNet as the CODEBench paper publishes it.", None),
    published!("vgg11", "VGG-11 as the CODEBench paper publishes it.", None),
    published!("vgg13", "VGG-13 as the CODEBench paper publishes it.", None),
    published!("vgg16", "VGG-16 as the CODEBench paper publishes it.", None),
    published!("vgg19", "VGG-19 as the CODEBench paper publishes it.", None),
    published!("xception", "Xception as the CODEBench paper publishes it.", None),
];
