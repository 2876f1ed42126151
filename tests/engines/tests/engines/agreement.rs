//! From the same weights and mini-batch, both engines give the same logits and gradients.

use crate::pair::{Data, build, chain, excess, lower, options, vary};
use codebench_api::Catalog;
use codebench_engines::{Pair, pairs};
use codebench_model::{CnnGraph, Padding, Primitive, TensorShape, Workload};
use codebench_space::{Points, Rng, SpaceDescription, Weighting, decode};

/// Of logits, losses and running statistics.
const LOGITS: f64 = 1e-4;
/// Of gradients.
const GRADIENTS: f64 = 1e-3;
/// Of densities: a value next to zero may be zero in the other engine.
const DENSITY: f64 = 1e-2;

/// Every respect in which the engines differ by more than they may.
fn differences(pair: &Pair, name: &str, workload: &Workload, seed: u64) -> Vec<String> {
    let data = Data::draw(workload.tensors[workload.input], 6, seed);
    let mut networks = build(pair, workload, &options("sgd"));
    let initial = networks.each_ref().map(|network| network.weights().unwrap());
    assert_eq!(initial[0], initial[1], "{name}: initial weights");
    let varied = vary(&initial[0], seed);
    networks.iter_mut().for_each(|network| network.set_weights(&varied).unwrap());
    let mut found = Vec::new();
    let mut compare = |what: &str, a: &[f32], b: &[f32], tolerance: f64| {
        let excess = excess(a, b, tolerance);
        if excess > 1.0 {
            found.push(format!("{}, {name}: {what} differ by {excess:.2} times what they may", pair.name));
        }
    };

    let [first, second] = networks.each_mut().map(|network| network.evaluate(&data.batch()).unwrap().logits);
    compare("logits", &second, &first, LOGITS);
    let [first, second] = networks.each_mut().map(|network| network.densities(&data.batch()).unwrap());
    let narrow = |densities: Vec<f64>| densities.into_iter().map(|d| d as f32).collect::<Vec<f32>>();
    compare("densities", &narrow(second), &narrow(first), DENSITY);
    let [first, second] = networks.each_mut().map(|network| network.gradients(&data.batch(), 3).unwrap());
    compare("losses", &[second.loss as f32], &[first.loss as f32], LOGITS);
    for (second, first) in second.gradients.iter().zip(&first.gradients) {
        assert_eq!((&second.name, &second.shape), (&first.name, &first.shape), "{name}");
        compare(&format!("gradients of {}", first.name), &second.values, &first.values, GRADIENTS);
    }
    assert_eq!(networks[1].weights().unwrap(), varied, "{name}: gradients change weights");
    found
}

/// Asserts that `compare` finds no difference between the engines of any pair.
fn agree(compare: impl Fn(&Pair, &mut Vec<String>)) {
    let mut found = Vec::new();
    pairs().iter().for_each(|pair| compare(pair, &mut found));
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn on_every_operation_of_the_language() {
    agree(|pair, found| {
        for label in include_str!("../../../../plugins/training/tests/train/labels.txt").lines() {
            let modules =
                vec![chain(&["conv3x3-c8-p1-bn-relu", label]), chain(&["flatten", "dense_classes"])];
            let cnn = CnnGraph { default_channels: 16, modules };
            let workload = lower(&pair.catalog, &cnn, TensorShape::new(1, 8, 8)).unwrap();
            found.extend(differences(pair, label, &workload, 7));
        }
    });
}

/// A convolution, `primitive`, and a classifier, as the language lowers them.
fn around(catalog: &Catalog, primitive: Primitive) -> Workload {
    let modules = vec![chain(&["conv3x3-c4-p1"]), chain(&["flatten", "dense_classes"])];
    let cnn = CnnGraph { default_channels: 4, modules };
    let mut workload = lower(catalog, &cnn, TensorShape::new(2, 7, 6)).unwrap();
    let at = workload.layers.iter().position(|layer| layer.primitive == Primitive::Flatten).unwrap();
    let (input, mut layer) = (workload.layers[at].inputs[0], workload.layers[at].clone());
    let shape = primitive.output_shape(&[workload.tensors[input]]).unwrap();
    workload.tensors.push(shape);
    (layer.name, layer.inputs, layer.output) = ("between".into(), vec![input], workload.tensors.len() - 1);
    layer.primitive = primitive;
    workload.layers[at].inputs = vec![layer.output];
    let features = shape.elements().unwrap();
    workload.tensors[workload.layers[at].output] = TensorShape::new(features, 1, 1);
    let dense = workload.layers.last_mut().unwrap();
    let Primitive::Dense { in_features, .. } = &mut dense.primitive else { panic!("{dense:?}") };
    *in_features = features;
    dense.weights[0].shape[1] = features;
    workload.layers.insert(at, layer);
    workload
}

#[test]
fn on_windows_that_libtorch_does_not_know() {
    agree(|pair, found| {
        for [top, left, bottom, right] in [[0; 4], [1, 0, 0, 1], [0, 1, 1, 0], [1, 1, 1, 1]] {
            let padding = Padding { top, left, bottom, right };
            for (kernel, stride) in [([3, 3], [1, 1]), ([3, 4], [2, 3]), ([4, 3], [3, 2])] {
                for ceil in [false, true] {
                    let mut pools = vec![Primitive::MaxPool { kernel, stride, padding, ceil }];
                    for count_include_padding in [false, true] {
                        pools.push(Primitive::AveragePool {
                            kernel,
                            stride,
                            padding,
                            ceil,
                            count_include_padding,
                        });
                    }
                    for pool in pools {
                        let workload = around(&pair.catalog, pool.clone());
                        found.extend(differences(pair, &format!("{pool:?}"), &workload, 3));
                    }
                }
                let (in_channels, out_channels) = (4, 4);
                let (dilation, groups, bias) = ([1, 1], 2, false);
                let conv = Primitive::Conv {
                    in_channels,
                    out_channels,
                    kernel,
                    stride,
                    padding,
                    dilation,
                    groups,
                    bias,
                };
                found.extend(differences(pair, &format!("{conv:?}"), &with_kernel(&pair.catalog, conv), 3));
            }
        }
    });
}

/// [`around`] for a primitive with one weight tensor.
fn with_kernel(catalog: &Catalog, primitive: Primitive) -> Workload {
    let mut workload = around(catalog, primitive.clone());
    let layer = workload.layers.iter_mut().find(|layer| layer.name == "between").unwrap();
    let shapes = primitive.weight_shapes().into_iter();
    layer.weights = shapes
        .map(|(name, role, shape)| codebench_model::WeightTensor {
            name: format!("between.{name}"),
            role,
            shape,
        })
        .collect();
    workload
}

#[test]
fn on_resizes_of_any_ratio() {
    agree(|pair, found| {
        use codebench_model::ResizeMode::{BilinearAlignCorners, Nearest};
        for (height, width) in [(14, 12), (5, 11), (3, 4), (1, 1), (49, 31), (7, 6)] {
            for mode in [Nearest, BilinearAlignCorners] {
                let resize = Primitive::Resize { mode, height, width };
                let workload = around(&pair.catalog, resize.clone());
                found.extend(differences(pair, &format!("{resize:?}"), &workload, 11));
            }
        }
    });
}

/// Stacks of random modules.
const SPACE: &str = r#"
name = "engines"

[cnn]
stem = ["conv3x3-c8-p1-bn-relu"]
ops = [
    "conv3x3-p1-bn-relu", "conv1x1-bn-silu", "conv3x3-dw-p1-bn-hswish", "conv5x5-p2-bn-gelu", "conv3x3-g4-p1-bn-tanh",
    "conv3x3-d2-p2-leaky_relu", "maxpool3x3-p1-s1", "avgpool3x3-p1-s1", "dropout-p2", "channel_shuffle-g4", "lrn", "bn",
    "act-sigmoid",
]
vertices = { min = 3, max = 6 }
max_edges = "module_vertices+2"
stacks = { min = 1, max = 3 }
between = ["maxpool2x2-s2"]
default_channels = [8, 12, 16]

[cnn.head]
flatten = ["global-avg-pool", "flatten"]
dense = ["dense-32-relu", "dropout-p3"]
layers = [0, 1, 2]
"#;

#[test]
fn on_fifty_random_cnns() {
    agree(|pair, found| {
        let space = toml::from_str::<SpaceDescription>(SPACE).unwrap().compile().unwrap();
        let points = Points::new(&space).unwrap();
        let (mut rng, mut compared, mut drawn) = (Rng::new(1, 0), 0, 0);
        while compared < 50 {
            drawn += 1;
            assert!(drawn < 500, "only {compared} of {drawn} CNNs are feasible");
            let genotype = points.sample_weighted(&mut rng, Weighting::Values);
            let cnn = decode(&space, &genotype).unwrap().cnn.unwrap();
            // Concatenated outputs may not fit what follows: such candidates are infeasible.
            let Ok(workload) = lower(&pair.catalog, &cnn, TensorShape::new(3, 16, 16)) else { continue };
            found.extend(differences(pair, &format!("CNN {drawn}"), &workload, drawn));
            compared += 1;
        }
    });
}
