//! The true networks, layer by layer, against torchvision and against the papers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use codebench_cnn::{Lowered, named};
use codebench_model::{Layer, Padding, Primitive, TensorShape, Workload};
use common::language;
use serde::Deserialize;
use std::path::Path;

/// A network as torchvision 0.28.0 runs it. Each layer is one line, such as
/// `conv 3x224x224 -> 64x112x112 k7x7 s2x2 p3x3 d1x1 g1 bias`. Pools that torchvision computes by a function instead of a
/// layer are marked `functional`: they are not among the layers that it reports.
#[derive(Deserialize)]
struct Reference {
    network: String,
    torchvision: String,
    image: u64,
    classes: u64,
    params: u64,
    macs: u64,
    layers: Vec<String>,
}

fn lower(name: &str, image: u64, classes: u64) -> Lowered {
    let network = named::find(name).unwrap();
    let input = TensorShape::new(network.channels, image, image);
    language().lower(&network.graph, input, classes).unwrap_or_else(|e| panic!("{name} at {image}: {e}"))
}

fn describe(workload: &Workload, layer: &Layer) -> Option<String> {
    let input = workload.tensors[layer.inputs[0]];
    let output = workload.tensors[layer.output];
    let pair = |[y, x]: [u64; 2]| format!("{y}x{x}");
    let padding = |p: Padding| {
        assert_eq!((p.top, p.left), (p.bottom, p.right), "{}", layer.name);
        pair([p.top, p.left])
    };
    let shapes = format!("{input} -> {output}");
    Some(match &layer.primitive {
        Primitive::Conv { kernel, stride, padding: p, dilation, groups, bias, .. } => {
            let (k, s, d, p) = (pair(*kernel), pair(*stride), pair(*dilation), padding(*p));
            format!("conv {shapes} k{k} s{s} p{p} d{d} g{groups}{}", if *bias { " bias" } else { "" })
        }
        Primitive::Dense { in_features, out_features, bias } => {
            format!("dense {in_features} -> {out_features}{}", if *bias { " bias" } else { "" })
        }
        Primitive::BatchNorm { .. } => format!("bn {shapes}"),
        Primitive::MaxPool { kernel, stride, padding: p, ceil } => {
            let (k, s, p) = (pair(*kernel), pair(*stride), padding(*p));
            format!("max {shapes} k{k} s{s} p{p}{}", if *ceil { " ceil" } else { "" })
        }
        Primitive::AveragePool { kernel: [1, 1], stride: [1, 1], .. } => format!("adaptive {shapes}"),
        Primitive::AveragePool { kernel, stride, padding: p, ceil, .. } => {
            let (k, s, p) = (pair(*kernel), pair(*stride), padding(*p));
            format!("avg {shapes} k{k} s{s} p{p}{}", if *ceil { " ceil" } else { "" })
        }
        Primitive::GlobalAveragePool => format!("adaptive {shapes}"),
        _ => return None,
    })
}

fn references() -> Vec<Reference> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/torchvision.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn networks_are_those_of_torchvision_layer_by_layer() {
    let references = references();
    assert_eq!(references.len(), 21);
    for reference in references {
        let Lowered { workload, .. } = lower(&reference.network, reference.image, reference.classes);
        let layers: Vec<String> =
            workload.layers.iter().filter_map(|layer| describe(&workload, layer)).collect();
        let expected = reference.layers.iter().map(|l| l.strip_prefix("functional ").unwrap_or(l));
        for (index, (ours, theirs)) in layers.iter().zip(expected).enumerate() {
            assert_eq!(ours, theirs, "layer {index} of {}", reference.network);
        }
        assert_eq!(layers.len(), reference.layers.len(), "{}", reference.network);
        assert_eq!(workload.parameters(), reference.params, "{}", reference.network);
        assert_eq!(workload.macs(), reference.macs, "{}", reference.network);
        assert_eq!(named::find(&reference.torchvision).unwrap().name, reference.network);
    }
}

/// Products in the module, as factors of squeeze and excite, and sums.
fn joins(name: &str) -> [usize; 3] {
    let network = named::find(name).unwrap();
    let Lowered { workload, .. } = lower(name, network.image, network.classes);
    let count = |primitive: &Primitive| workload.layers.iter().filter(|l| l.primitive == *primitive).count();
    [count(&Primitive::Add), count(&Primitive::Multiply), count(&Primitive::Concat)]
}

/// What layers without parameters join is not among torchvision's layers; the papers' figures say how many there are.
#[test]
fn tensors_meet_as_often_as_in_the_papers() {
    assert_eq!(joins("resnet18"), [8, 0, 0]);
    assert_eq!(joins("resnet50"), [16, 0, 0]);
    assert_eq!(joins("mobilenet-v2"), [10, 0, 0]);
    assert_eq!(joins("mobilenet-v3-large"), [10, 8, 0]);
    assert_eq!(joins("mobilenet-v3-small"), [6, 9, 0]);
    assert_eq!(joins("efficientnet-b0"), [9, 16, 0]);
    assert_eq!(joins("squeezenet-1.1"), [0, 0, 8]);
    assert_eq!(joins("googlenet"), [0, 0, 9]);
    assert_eq!(joins("inception-v3"), [0, 0, 11]);
    assert_eq!(joins("shufflenet-v2"), [0, 0, 16]);
    // A layer whose only feature is the block's input concatenates nothing; each block's end does.
    assert_eq!(joins("densenet121"), [0, 0, 58 - 4 + 4]);
    assert_eq!(joins("xception"), [12, 0, 0]);
}

/// Sums that read the very tensor their module reads.
fn identity_skips(name: &str) -> usize {
    let network = named::find(name).unwrap();
    let Lowered { workload, .. } = lower(name, network.image, network.classes);
    let input_of = |module: usize| workload.layers.iter().find(|l| l.module == module).unwrap().inputs[0];
    let skips = workload.layers.iter().filter(|l| l.primitive == Primitive::Add);
    skips.filter(|l| l.inputs.contains(&input_of(l.module))).count()
}

/// Skips are identities but where the shape changes, which happens once in each stage that says so.
#[test]
fn skips_are_identities() {
    assert_eq!(identity_skips("resnet18"), 8 - 3);
    assert_eq!(identity_skips("resnet34"), 16 - 3);
    assert_eq!(identity_skips("resnet50"), 16 - 4);
    assert_eq!(identity_skips("resnet101"), 33 - 4);
    assert_eq!(identity_skips("resnet152"), 50 - 4);
    assert_eq!(identity_skips("mobilenet-v2"), 10);
    assert_eq!(identity_skips("mobilenet-v3-large"), 10);
    assert_eq!(identity_skips("mobilenet-v3-small"), 6);
    assert_eq!(identity_skips("efficientnet-b0"), 9);
    assert_eq!(identity_skips("xception"), 12 - 4);
}

/// Squeeze and excite multiplies the map whose means it has computed.
#[test]
fn factors_scale_the_map_that_they_come_from() {
    for name in ["mobilenet-v3-large", "mobilenet-v3-small", "efficientnet-b0"] {
        let network = named::find(name).unwrap();
        let Lowered { workload, .. } = lower(name, network.image, network.classes);
        for product in workload.layers.iter().filter(|l| l.primitive == Primitive::Multiply) {
            let in_module = || workload.layers.iter().filter(|l| l.module == product.module);
            let mean = in_module().find(|l| l.primitive == Primitive::GlobalAveragePool).unwrap();
            let gate = in_module().rfind(|l| l.output < product.output).unwrap();
            assert_eq!(product.inputs, [mean.inputs[0], gate.output], "{}", product.name);
            assert_eq!(workload.tensors[gate.output].height, 1);
        }
    }
}

/// A. Howard et al. 2017, table 8: 569 million multiply-adds and 4.2 million parameters at 224 pixels; the exact numbers
/// follow from table 1, with batch norm after every convolution.
#[test]
fn mobilenet_v1_is_that_of_its_paper() {
    let Lowered { workload, .. } = lower("mobilenet-v1", 224, 1000);
    assert_eq!(workload.parameters(), 4_231_976);
    assert_eq!(workload.macs(), 568_740_352);
    let convolutions: Vec<(u64, u64, bool)> = (workload.layers.iter())
        .filter_map(|layer| match layer.primitive {
            Primitive::Conv { in_channels, out_channels, groups, .. } if groups > 1 => {
                assert_eq!((in_channels, out_channels), (groups, groups));
                Some((workload.tensors[layer.inputs[0]].height, out_channels, true))
            }
            Primitive::Conv { out_channels, .. } => {
                Some((workload.tensors[layer.inputs[0]].height, out_channels, false))
            }
            _ => None,
        })
        .collect();
    // Table 1: input size and filters, depthwise or not. Its last depthwise convolution reads 7x7 maps and strides 1.
    let mut expected = vec![(224, 32, false), (112, 32, true), (112, 64, false), (112, 64, true)];
    expected.extend([(56, 128, false), (56, 128, true), (56, 128, false), (56, 128, true)]);
    expected.extend([(28, 256, false), (28, 256, true), (28, 256, false), (28, 256, true)]);
    expected.push((14, 512, false));
    expected.extend([(14, 512, true), (14, 512, false)].repeat(5));
    expected.extend([(14, 512, true), (7, 1024, false), (7, 1024, true), (7, 1024, false)]);
    assert_eq!(convolutions, expected);
}

/// F. Chollet 2017, table 3: 22,855,952 parameters; figure 5: 299x299x3 images, 19x19x728 maps in the middle flow, and
/// 36 convolutional layers, the pointwise ones of separable convolutions counted once.
#[test]
fn xception_is_that_of_its_paper() {
    let Lowered { workload, .. } = lower("xception", 299, 1000);
    assert_eq!(workload.parameters(), 22_855_952);
    let mut separable = 0;
    let mut outputs = Vec::new();
    for (index, layer) in workload.layers.iter().enumerate() {
        if let Primitive::Conv { groups, bias, .. } = layer.primitive {
            assert!(!bias);
            separable += usize::from(groups > 1);
            if groups > 1 {
                let next = &workload.layers[index + 1];
                assert!(matches!(next.primitive, Primitive::Conv { kernel: [1, 1], groups: 1, .. }));
                outputs.push(workload.tensors[next.output]);
            }
        }
    }
    assert_eq!(separable + 2, 36, "two ordinary convolutions begin the entry flow");
    let mut expected = [(128, 147), (128, 147), (256, 74), (256, 74), (728, 37), (728, 37)].to_vec();
    expected.extend([(728, 19); 24]);
    expected.extend([(728, 19), (1024, 19), (1536, 10), (2048, 10)]);
    let outputs: Vec<(u64, u64)> = outputs.iter().map(|s| (s.channels, s.height)).collect();
    assert_eq!(outputs, expected);
}

/// Y. LeCun et al. 1998, section II.B: trainable parameters and connections of every layer; table I for C3.
#[test]
fn lenet_5_is_that_of_its_paper() {
    let Lowered { workload, .. } = lower("lenet-5", 32, 10);
    let mut parameters = [0; 6];
    let mut connections = [0; 6];
    for layer in &workload.layers {
        let output = workload.tensors[layer.output];
        parameters[layer.module] += layer.parameters;
        connections[layer.module] += match layer.primitive {
            // Every unit of a convolution also reads its bias.
            Primitive::Conv { groups: 1, .. } => layer.macs + output.elements().unwrap(),
            // A subsampling unit reads four inputs and its bias; its coefficient is no connection.
            Primitive::Conv { .. } => output.elements().unwrap(),
            Primitive::AveragePool { .. } => 4 * output.elements().unwrap(),
            Primitive::Dense { out_features: 84, .. } => layer.macs + 84,
            Primitive::Dense { in_features: 84, out_features: 10, .. } => {
                // The paper's output units are fixed: 840 connections and nothing trained.
                parameters[layer.module] -= layer.parameters;
                0
            }
            _ => 0,
        };
    }
    assert_eq!(parameters, [156, 12, 1_516, 32, 48_120, 10_164]);
    assert_eq!(connections, [122_304, 5_880, 151_600, 2_000, 48_120, 10_164]);
    assert_eq!(parameters.iter().sum::<u64>(), 60_000);
    assert_eq!(connections.iter().sum::<u64>() + 840, 340_908);
    let c3_reads = |map: usize| {
        workload
            .layers
            .iter()
            .filter(|l| l.module == 2 && matches!(l.primitive, Primitive::Conv { .. }))
            .nth(map)
    };
    let in_channels = |map| match c3_reads(map).unwrap().primitive {
        Primitive::Conv { in_channels, .. } => in_channels,
        _ => 0,
    };
    assert_eq!(
        (0..16).map(in_channels).collect::<Vec<_>>(),
        [3, 3, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4, 4, 6]
    );
}

/// Networks that end in a mean over the map take any image that their strides leave something of.
#[test]
fn networks_lower_at_other_sizes_and_numbers_of_classes() {
    for name in named::names().filter(|n| !n.starts_with("published/")) {
        let network = named::find(name).unwrap();
        // Five maximum pools or strides with small maps behind them.
        let smallest = match name {
            "alexnet" => 63,
            "inception-v3" => 75,
            "xception" => 64,
            _ => 32,
        };
        for image in [smallest, network.image] {
            let Lowered { workload, .. } = lower(name, image, 7);
            assert_eq!(workload.tensors[workload.output], TensorShape::new(7, 1, 1), "{name} at {image}");
        }
    }
}
