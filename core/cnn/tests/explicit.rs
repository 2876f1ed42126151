//! Explicit modules, and the labels that the released code does not know.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use codebench_cnn::Lowered;
use codebench_model::{Activation, CnnModule, Padding, Primitive, PublishedOp, ResizeMode, TensorShape};
use common::{chain, head, lower, module};

fn lowered(modules: Vec<CnnModule>) -> Lowered {
    lower(modules).unwrap()
}

/// Primitive names of a workload in order.
fn names(lowered: &Lowered) -> Vec<&'static str> {
    lowered.workload.layers.iter().map(|l| l.primitive.name()).collect()
}

/// The only primitive of a vertex with `label` on a 3 x 32 x 32 image, in an explicit module.
fn primitive(label: &str) -> Primitive {
    let lowered = lowered(vec![module(&["input", label, "sum:output"], &[[0, 1], [1, 2]])]);
    assert_eq!(lowered.workload.layers.len(), 1, "{label}");
    lowered.workload.layers[0].primitive.clone()
}

#[test]
fn a_residual_block_projects_nothing() {
    let block = module(
        &["input", "conv3x3-c3-p1-bn-relu", "conv3x3-c3-p1-bn", "sum:act-relu", "output"],
        &[[0, 1], [1, 2], [0, 3], [2, 3], [3, 4]],
    );
    let lowered = lowered(vec![block, head()]);
    let expected = "conv batch_norm activation conv batch_norm add activation global_average_pool dense";
    assert_eq!(names(&lowered).join(" "), expected);
    // 2 convolutions of 81, 2 norms of 6, a dense layer of 40.
    assert_eq!(lowered.workload.parameters(), 2 * 81 + 2 * 6 + 40);
    assert_eq!(lowered.published.params, lowered.workload.parameters());
    let add = &lowered.workload.layers[5];
    assert_eq!((add.name.as_str(), add.inputs.clone()), ("m0.v3.in.sum", vec![0, 5]));
}

#[test]
fn squeeze_and_excite_multiplies() {
    let block = module(
        &["input", "global-avg-pool", "conv1x1-c2-relu", "conv1x1-c3-hsigmoid", "multiply:output"],
        &[[0, 1], [1, 2], [2, 3], [0, 4], [3, 4]],
    );
    let lowered = lowered(vec![block, head()]);
    let product = lowered.workload.layers.iter().find(|l| l.primitive == Primitive::Multiply).unwrap();
    assert_eq!(lowered.workload.tensors[product.output], TensorShape::new(3, 32, 32));
    assert_eq!(lowered.workload.parameters(), (3 * 2 + 2) + (2 * 3 + 3) + 40);
}

#[test]
fn branches_concatenate_in_order_of_their_vertices() {
    let block = module(
        &["input", "conv1x1-c4", "conv1x1-c8", "identity", "concat:output"],
        &[[0, 1], [0, 2], [0, 3], [1, 4], [2, 4], [3, 4]],
    );
    let lowered = lowered(vec![block, head()]);
    let concat = lowered.workload.layers.iter().find(|l| l.primitive == Primitive::Concat).unwrap();
    assert_eq!(concat.inputs, [1, 2, 0]);
    assert_eq!(lowered.workload.tensors[concat.output], TensorShape::new(15, 32, 32));
}

#[test]
fn bias_and_batch_norm_follow_the_label() {
    let parameters = |label: &str| {
        let block = module(&["input", label, "sum:output"], &[[0, 1], [1, 2]]);
        lower(vec![block]).unwrap().workload.parameters()
    };
    assert_eq!(parameters("conv1x1-c4"), 12 + 4);
    assert_eq!(parameters("conv1x1-c4-bn"), 12 + 8);
    assert_eq!(parameters("conv1x1-c4-nb"), 12);
    assert_eq!(parameters("conv3x3-dw-bn"), 27 + 6);
    assert_eq!(parameters("conv1x1-classes"), 30 + 10);
    assert_eq!(parameters("conv1x1"), 3 * 128 + 128);
}

#[test]
fn every_option_reaches_its_primitive() {
    let conv = primitive("conv1x7-c6-p0x3-s2x1-d1x2-g3-nb");
    assert_eq!(
        conv,
        Primitive::Conv {
            in_channels: 3,
            out_channels: 6,
            kernel: [1, 7],
            stride: [2, 1],
            padding: Padding::symmetric(0, 3),
            dilation: [1, 2],
            groups: 3,
            bias: false,
        }
    );
    let same = primitive("conv3x3-c6-ps-s2");
    let expected = Padding { top: 0, left: 0, bottom: 1, right: 1 };
    assert!(matches!(same, Primitive::Conv { padding, .. } if padding == expected));
    assert_eq!(
        primitive("maxpool3x3-s2-ceil"),
        Primitive::MaxPool { kernel: [3, 3], stride: [2, 2], padding: Padding::default(), ceil: true }
    );
    assert_eq!(
        primitive("avgpool3x3-p1-nopad"),
        Primitive::AveragePool {
            kernel: [3, 3],
            stride: [1, 1],
            padding: Padding::symmetric(1, 1),
            ceil: false,
            count_include_padding: false,
        }
    );
    assert_eq!(primitive("bn-e3"), Primitive::BatchNorm { channels: 3, epsilon: 1e-3 });
    assert_eq!(primitive("slice-a1-b3"), Primitive::Slice { start: 1, end: 3 });
    assert_eq!(primitive("dropout-p25"), Primitive::Dropout { probability: 0.25 });
    assert_eq!(primitive("lrn"), Primitive::LocalResponseNorm { size: 5, alpha: 1e-4, beta: 0.75, k: 2.0 });
    assert_eq!(
        primitive("upsample-s64x16-nearest"),
        Primitive::Resize { mode: ResizeMode::Nearest, height: 64, width: 16 }
    );
    assert_eq!(primitive("codebench/channel_shuffle-g3"), Primitive::Shuffle { groups: 3 });
    for (function, name) in Activation::ALL {
        assert_eq!(primitive(&format!("act-{name}")), Primitive::Activation { function });
    }
}

#[test]
fn epsilon_of_a_convolution_goes_to_its_batch_norm() {
    let lowered = lowered(vec![chain(&["conv3x3-c4-bn-e3-relu"]), head()]);
    let norm = &lowered.workload.layers[1].primitive;
    assert_eq!(*norm, Primitive::BatchNorm { channels: 4, epsilon: 1e-3 });
}

#[test]
fn rounding_up_leaves_out_a_window_that_starts_in_the_padding() {
    let extent = |label: &str, extent: u64| {
        let block = module(&["input", label, "sum:output"], &[[0, 1], [1, 2]]);
        let language = common::language();
        let image = TensorShape::new(1, extent, extent);
        let workload = language.lower(&common::cnn(vec![block]), image, 10).unwrap().workload;
        workload.tensors[workload.output].height
    };
    assert_eq!(extent("maxpool3x3-s2", 112), 55);
    assert_eq!(extent("maxpool3x3-s2-ceil", 112), 56);
    assert_eq!(extent("maxpool2x2-s2-ceil", 7), 4);
    assert_eq!(extent("maxpool3x3-s3-p1-ceil", 7), 3);
    assert_eq!(extent("maxpool2x2-s3-p1-ceil", 5), 2);
}

#[test]
fn a_map_that_is_not_square_is_squared_between_published_vertices() {
    let lowered = lowered(vec![chain(&["conv1x3-c4-bn-relu", "conv1x1-c4-bn-relu"]), head()]);
    let resize = lowered.workload.layers.iter().find(|l| l.primitive.name() == "resize").unwrap();
    assert_eq!(lowered.workload.tensors[resize.inputs[0]], TensorShape::new(4, 32, 30));
    assert_eq!(lowered.workload.tensors[resize.output], TensorShape::new(4, 32, 32));
    assert_eq!((resize.module, resize.vertex), (0, 2));
}

#[test]
fn the_stream_of_an_explicit_cnn_has_true_shapes() {
    let block =
        module(&["input", "conv3x3-c4-s2-p1-bn-relu", "conv1x1-c4", "sum:output"], &[[0, 1], [0, 2], [1, 3]]);
    // Vertex 2 leads nowhere.
    assert!(lower(vec![block]).is_err());
    let block = module(
        &["input", "conv3x3-c4-s2-p1-bn-relu", "conv1x1-c8-g2", "concat:output"],
        &[[0, 1], [1, 2], [1, 3], [2, 3]],
    );
    let lowered = lowered(vec![block, head()]);
    let second =
        lowered.published.ops.iter().filter(|o| matches!(o, PublishedOp::Conv { .. })).nth(1).unwrap();
    let PublishedOp::Conv { position, height, channels, groups, grouped, .. } = second else { panic!() };
    assert_eq!((*position, *height, *channels, *groups, *grouped), (4, 16, 2, 2, true));
    assert!(lowered.published.has_relu && !lowered.published.has_silu);
}

#[test]
fn chains_beside_an_explicit_module_are_explicit() {
    let explicit = module(&["input", "conv1x1-c4", "sum:output"], &[[0, 1], [1, 2]]);
    let stem = chain(&["conv1x3-c6-bn-relu", "conv3x1-c6-bn-relu"]);
    let lowered = lowered(vec![stem, explicit.clone(), head()]);
    assert!(!names(&lowered).contains(&"resize"));
    assert_eq!(lowered.published.params, lowered.workload.parameters());
    // A module with a skip and no join keeps the published rules.
    let published = module(&["input", "conv1x1-c4-bn-relu", "output"], &[[0, 1], [0, 2], [1, 2]]);
    let projected = lower(vec![published, explicit, head()]).unwrap();
    assert!(projected.workload.layers.iter().any(|l| l.name == "m0.v2.in.project"));
}

#[test]
fn a_summand_of_one_channel_is_spread_over_all() {
    // The dropout is to be raised to the 13 channels of the convolution, cannot be, and passes on its one channel.
    let block = module(
        &["input", "dropout-p5", "conv1x1-c13-bn-relu", "conv1x1-c5-bn-relu", "output"],
        &[[0, 1], [0, 2], [1, 3], [2, 3], [3, 4]],
    );
    let graph = common::cnn(vec![block, head()]);
    let language = common::language();
    let lowered = language.lower(&graph, TensorShape::new(1, 8, 8), 10).unwrap();
    let sum = lowered.workload.layers.iter().find(|l| l.primitive == Primitive::Add).unwrap();
    let shapes: Vec<TensorShape> = sum.inputs.iter().map(|t| lowered.workload.tensors[*t]).collect();
    assert_eq!(shapes, [TensorShape::new(13, 8, 8); 2]);
    let copies = |tensor: usize| count_copies(&lowered, tensor, 1);
    assert_eq!(copies(sum.inputs[0]), 13);
    assert!(language.lower(&graph, TensorShape::new(2, 8, 8), 10).is_err());
}

/// How often `source` occurs in a tensor made by concatenations of it.
fn count_copies(lowered: &Lowered, tensor: usize, source: usize) -> usize {
    if tensor == source {
        return 1;
    }
    let layer = lowered.workload.layers.iter().find(|l| l.output == tensor).unwrap();
    assert_eq!(layer.primitive, Primitive::Concat);
    layer.inputs.iter().map(|t| count_copies(lowered, *t, source)).sum()
}

#[test]
fn an_explicit_cnn_uses_the_nearest_activation_unit_and_a_published_one_only_its_own() {
    let units = |label: &str, explicit: bool| {
        let output = if explicit { "sum:output" } else { "output" };
        let published = lowered(vec![module(&["input", label, output], &[[0, 1], [1, 2]]), head()]).published;
        (published.has_relu, published.has_silu)
    };
    assert_eq!(units("conv1x1-c4-bn-relu6", true), (true, false));
    assert_eq!(units("conv1x1-c4-bn-relu6", false), (false, false));
    assert_eq!(units("conv1x1-c4-bn-tanh", true), (false, true));
    assert_eq!(units("conv1x1-c4-bn-tanh", false), (false, false));
    assert_eq!(units("conv1x1-c4-bn", true), (false, false));
}
