//! Random labels never panic, and whatever is lowered keeps the invariants of a workload, checked by rules of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use codebench_model::{
    CnnGraph, CnnModule, Join, Padding, Primitive, TensorShape, Vertex, WeightRole, Workload,
};
use common::{cnn, head, language};
use proptest::prelude::*;
use std::collections::BTreeSet;

const LABELS: [&str; 34] = [
    "conv3x3-c8-p1-bn-relu",
    "conv3x3-c16-p1-s2-bn-relu",
    "conv1x1-c4",
    "conv1x3-c6-nb",
    "conv3x1-c6-p1x0-bn-e3-silu",
    "conv5x5-ps-g3-c9-relu6",
    "conv3x3-dw-p1-bn-hswish",
    "conv3x3-d2-c5",
    "conv1x1-c64-g8-bn-relu",
    "conv1x1-classes-gelu",
    "conv1x1",
    "conv7x7-c8-s4-bn-tanh",
    "maxpool3x3-s2-p1",
    "maxpool2x2-s2-ceil",
    "maxpool3x3-ps",
    "avgpool3x3-p1-nopad",
    "avgpool2x2-s3-ceil",
    "global-avg-pool",
    "upsample-s9",
    "upsample-s7x5-nearest",
    "upsample",
    "channel_shuffle-g2",
    "channel_shuffle-g3",
    "dropout-p5",
    "bn",
    "bn-e3-relu",
    "act-sigmoid",
    "lrn",
    "slice-a1-b3",
    "identity",
    "flatten",
    "dense-12-relu",
    "dense-7-nb",
    "dense_classes",
];

/// A module of up to five interior vertices; half of them explicit.
fn module() -> impl Strategy<Value = CnnModule> {
    let vertex = (prop::sample::select(&LABELS[..]), 0..3usize);
    (prop::collection::vec(vertex, 0..5), any::<u32>(), any::<bool>()).prop_map(
        |(interior, bits, explicit)| {
            let join = |j: usize| explicit.then_some([Join::Sum, Join::Concat, Join::Multiply][j % 3]);
            let mut vertices = vec![Vertex::new("input")];
            vertices.extend(
                interior.iter().map(|(label, j)| Vertex { label: label.to_string(), join: join(*j) }),
            );
            vertices.push(Vertex { label: "output".into(), join: join(bits as usize) });
            let last = vertices.len() - 1;
            let mut edges = BTreeSet::from([[last - 1, last]]);
            let mut bit = 0;
            for to in 1..=last {
                edges.insert([to - 1, to]);
                for from in 0..to.saturating_sub(1) {
                    bit += 1;
                    if bits >> (bit % 32) & 3 == 3 {
                        edges.insert([from, to]);
                    }
                }
            }
            let mut edges: Vec<[usize; 2]> = edges.into_iter().collect();
            edges.sort_by_key(|e| (e[1], e[0]));
            CnnModule { vertices, edges }
        },
    )
}

fn graph() -> impl Strategy<Value = CnnGraph> {
    let heads = prop::sample::select(vec![
        head(),
        common::chain(&["flatten", "dense-9-relu", "dropout-p3", "dense_classes"]),
    ]);
    (prop::collection::vec(module(), 0..4), heads).prop_map(|(mut modules, head)| {
        modules.push(head);
        cnn(modules)
    })
}

/// Extent of a window operation, counted one window at a time.
fn count_windows(
    extent: u64,
    before: u64,
    after: u64,
    kernel: u64,
    stride: u64,
    dilation: u64,
    ceil: bool,
) -> u64 {
    let end = extent + before + after;
    let (mut start, mut count) = (0, 0);
    while start + (kernel - 1) * dilation < end {
        count += 1;
        start += stride;
    }
    // Rounded up, one more window may hang over the end if it starts before the padding behind the map.
    let hangs = start - stride + (kernel - 1) * dilation + 1 < end;
    if ceil && hangs && start < extent + before { count + 1 } else { count }
}

fn expected_shape(primitive: &Primitive, inputs: &[TensorShape]) -> TensorShape {
    let first = inputs[0];
    let window = |k: &[u64; 2], s: &[u64; 2], p: &Padding, d: [u64; 2], ceil: bool| {
        (
            count_windows(first.height, p.top, p.bottom, k[0], s[0], d[0], ceil),
            count_windows(first.width, p.left, p.right, k[1], s[1], d[1], ceil),
        )
    };
    match primitive {
        Primitive::Conv { out_channels, kernel, stride, padding, dilation, .. } => {
            let (y, x) = window(kernel, stride, padding, *dilation, false);
            TensorShape::new(*out_channels, y, x)
        }
        Primitive::MaxPool { kernel, stride, padding, ceil }
        | Primitive::AveragePool { kernel, stride, padding, ceil, .. } => {
            let (y, x) = window(kernel, stride, padding, [1, 1], *ceil);
            TensorShape::new(first.channels, y, x)
        }
        Primitive::Dense { out_features, .. } => TensorShape::new(*out_features, 1, 1),
        Primitive::GlobalAveragePool => TensorShape::new(first.channels, 1, 1),
        Primitive::Flatten => TensorShape::new(first.channels * first.height * first.width, 1, 1),
        Primitive::Slice { start, end } => TensorShape::new(end - start, first.height, first.width),
        Primitive::Resize { height, width, .. } => TensorShape::new(first.channels, *height, *width),
        Primitive::Concat => {
            TensorShape::new(inputs.iter().map(|s| s.channels).sum(), first.height, first.width)
        }
        Primitive::Add | Primitive::Multiply => {
            let max = |f: fn(&TensorShape) -> u64| inputs.iter().map(f).max().unwrap();
            TensorShape::new(first.channels, max(|s| s.height), max(|s| s.width))
        }
        _ => first,
    }
}

/// Parameters and multiply-accumulates by the textbook.
fn expected_counts(primitive: &Primitive, output: TensorShape) -> (u64, u64) {
    match primitive {
        Primitive::Conv { in_channels, out_channels, kernel, groups, bias, .. } => {
            assert_eq!((in_channels % groups, out_channels % groups), (0, 0));
            let filter = in_channels / groups * kernel[0] * kernel[1];
            let bias = if *bias { *out_channels } else { 0 };
            (out_channels * filter + bias, output.elements().unwrap() * filter)
        }
        Primitive::Dense { in_features, out_features, bias } => {
            let weights = in_features * out_features;
            (weights + if *bias { *out_features } else { 0 }, weights)
        }
        Primitive::BatchNorm { channels, .. } => (2 * channels, 0),
        _ => (0, 0),
    }
}

fn check(workload: &Workload) {
    let mut written = vec![false; workload.tensors.len()];
    written[workload.input] = true;
    let mut names = BTreeSet::new();
    let mut place = (0, 0);
    for layer in &workload.layers {
        assert!(names.insert(layer.name.clone()), "{} occurs twice", layer.name);
        assert!(place <= (layer.module, layer.vertex), "{} is out of order", layer.name);
        place = (layer.module, layer.vertex);
        assert!(layer.inputs.iter().all(|t| written[*t]), "{} reads what is not written", layer.name);
        assert!(!std::mem::replace(&mut written[layer.output], true), "{} is written twice", layer.output);
        let inputs: Vec<TensorShape> = layer.inputs.iter().map(|t| workload.tensors[*t]).collect();
        let output = workload.tensors[layer.output];
        assert_eq!(output, expected_shape(&layer.primitive, &inputs), "{}", layer.name);
        assert!(output.elements().unwrap() > 0);
        let channels_in = match &layer.primitive {
            Primitive::Conv { in_channels, .. } => Some(*in_channels),
            Primitive::Dense { in_features, .. } => Some(*in_features),
            Primitive::BatchNorm { channels, .. } => Some(*channels),
            _ => None,
        };
        assert!(channels_in.is_none_or(|c| c == inputs[0].channels), "{}", layer.name);
        assert_eq!(
            (layer.parameters, layer.macs),
            expected_counts(&layer.primitive, output),
            "{}",
            layer.name
        );
        let trained = layer
            .weights
            .iter()
            .filter(|w| !matches!(w.role, WeightRole::RunningMean | WeightRole::RunningVariance));
        assert_eq!(trained.map(|w| w.shape.iter().product::<u64>()).sum::<u64>(), layer.parameters);
        for weight in &layer.weights {
            assert!(names.insert(weight.name.clone()), "{} occurs twice", weight.name);
        }
    }
    assert!(written.iter().all(|w| *w));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn garbage_labels_never_panic(label in "\\PC{0,24}", rest in "[a-z0-9x/_-]{0,24}") {
        let language = language();
        for keyword in ["", "conv3x3", "conv", "maxpool2x2", "dense", "dropout", "slice", "lrn", "bn", "act-"] {
            for text in [format!("{keyword}{label}"), format!("{keyword}-{rest}"), format!("{keyword}{rest}")] {
                let modules = vec![common::chain(&[text.as_str()]), head()];
                let lowered = language.lower(&cnn(modules), TensorShape::new(3, 8, 8), 10);
                match lowered {
                    Ok(lowered) => check(&lowered.workload),
                    Err(error) => prop_assert!(error.to_string().contains(&text), "{error} does not quote {text:?}"),
                }
            }
        }
    }

    #[test]
    fn lowered_workloads_keep_their_invariants(graph in graph(), channels in 1u64..7, extent in 6u64..24) {
        if let Ok(lowered) = language().lower(&graph, TensorShape::new(channels, extent, extent), 10) {
            check(&lowered.workload);
            let published = &lowered.published;
            prop_assert_eq!(published.macs, lowered.workload.macs());
            prop_assert!(published.params >= lowered.workload.parameters());
            let explicit = graph.modules.iter().any(CnnModule::is_explicit);
            prop_assert!(!explicit || published.params == lowered.workload.parameters());
            let layers: Vec<usize> = published.layers.iter().map(|l| l.unwrap()).collect();
            prop_assert!(layers.iter().all(|l| *l < lowered.workload.layers.len()));
            let distinct: BTreeSet<&usize> = layers.iter().collect();
            prop_assert_eq!(distinct.len(), layers.len());
        }
    }
}

/// The generator above must reach what it is meant to check.
#[test]
fn random_graphs_are_often_lowered() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let language = language();
    let (mut lowered, mut explicit) = (0, 0);
    for _ in 0..500 {
        let graph = graph().new_tree(&mut runner).unwrap().current();
        if language.lower(&graph, TensorShape::new(6, 16, 16), 10).is_ok() {
            lowered += 1;
            explicit += u32::from(graph.modules.iter().any(CnnModule::is_explicit));
        }
    }
    assert!(lowered >= 50 && explicit >= 20, "{lowered} lowered, {explicit} of them explicit");
}
