//! Every primitive against an f64 reference in plain loops: logits at inference, loss in training, running statistics,
//! and gradients by central differences of the reference.

use crate::builder::{Builder, Numbers, build, conv, options};
use crate::reference::{self, Map, Mode};
use codebench_sdk::api::{MiniBatch, NamedTensor, StepOptions};
use codebench_sdk::model::*;

const CLASSES: u64 = 3;
/// Values of each weight tensor whose derivative is checked.
const PROBES: usize = 12;

/// A convolution, the layers under test, and a classifier: gradients flow through the layers to the convolution.
fn net(input: [u64; 3], channels: u64, layers: impl FnOnce(&mut Builder, TensorId) -> TensorId) -> Workload {
    let mut builder = Builder::new(input[0], input[1], input[2]);
    let start = builder.add(conv(input[0], channels), &[0]);
    let end = layers(&mut builder, start);
    builder.classify(end, CLASSES);
    builder.workload
}

fn one(input: [u64; 3], channels: u64, primitive: Primitive) -> Workload {
    net(input, channels, |b, t| b.add(primitive, &[t]))
}

fn random_weights(current: Vec<NamedTensor>, numbers: &mut Numbers) -> Vec<NamedTensor> {
    let fill = |mut tensor: NamedTensor| {
        let fan_in: u64 = tensor.shape.iter().skip(1).product();
        for value in &mut tensor.values {
            let draw = numbers.signed();
            *value = match tensor.role {
                WeightRole::Weight => 1.5 * draw / (fan_in as f32).sqrt(),
                WeightRole::Gamma | WeightRole::RunningVariance => 1.0 + 0.5 * draw,
                _ => 0.5 * draw,
            };
        }
        tensor
    };
    current.into_iter().map(fill).collect()
}

/// Compares one network with the reference in every respect.
fn check(name: &str, workload: &Workload) {
    let mut numbers = Numbers::new(name.bytes().map(u64::from).sum());
    let shape = workload.tensors[workload.input];
    let count = 3;
    let dims = [count, shape.channels as usize, shape.height as usize, shape.width as usize];
    let images: Vec<f32> = (0..dims.iter().product()).map(|_| 2.0 * numbers.signed()).collect();
    let labels: Vec<u32> = (0..count).map(|_| numbers.below(CLASSES as u32)).collect();
    let batch = MiniBatch { images: &images, labels: &labels, shape };
    let map = Map {
        v: images.iter().map(|v| f64::from(*v)).collect(),
        ..Map::zeros(dims[0], dims[1], dims[2], dims[3])
    };

    let mut network = build(workload, &options()).unwrap_or_else(|e| panic!("{name}: {e}"));
    network.set_weights(&random_weights(network.weights().unwrap(), &mut numbers)).unwrap();
    let weights = network.weights().unwrap();
    let wide = reference::widen(&weights);

    let logits = network.evaluate(&batch).unwrap().logits;
    let expected = reference::forward(workload, &wide, &map, Mode::Inference);
    close(&format!("{name}: logits"), logits.iter().map(|v| f64::from(*v)), &expected.v, 1e-4);

    let mode = Mode::Train { seed: options().seed, step: 7 };
    let loss = |weights: &[Vec<f64>]| {
        reference::loss(
            &reference::forward(workload, weights, &map, mode),
            &labels,
            options().label_smoothing,
        )
    };
    let result = network.gradients(&batch, 7).unwrap();
    close(&format!("{name}: loss"), [result.loss].into_iter(), &[loss(&wide)], 1e-4);
    assert_eq!(network.weights().unwrap(), weights, "{name}: gradients change weights");
    check_gradients(name, &weights, wide, &result.gradients, loss, &mut numbers);
}

fn check_gradients(
    name: &str,
    weights: &[NamedTensor],
    mut wide: Vec<Vec<f64>>,
    gradients: &[NamedTensor],
    loss: impl Fn(&[Vec<f64>]) -> f64,
    numbers: &mut Numbers,
) {
    const STEP: f64 = 1e-5;
    let mut given = gradients.iter();
    for (index, tensor) in weights.iter().enumerate().filter(|(_, t)| t.role.is_parameter()) {
        let gradient = given.next().unwrap();
        assert_eq!((&gradient.name, &gradient.shape), (&tensor.name, &tensor.shape), "{name}");
        let length = tensor.values.len();
        let probes: Vec<usize> = if length <= PROBES {
            (0..length).collect()
        } else {
            (0..PROBES).map(|_| numbers.below(length as u32) as usize).collect()
        };
        let scale = gradient.values.iter().fold(0.01f32, |m, v| m.max(v.abs()));
        for probe in probes {
            let centre = wide[index][probe];
            wide[index][probe] = centre + STEP;
            let above = loss(&wide);
            wide[index][probe] = centre - STEP;
            let below = loss(&wide);
            wide[index][probe] = centre;
            let expected = (above - below) / (2.0 * STEP);
            let got = f64::from(gradient.values[probe]);
            assert!(
                (got - expected).abs() <= 2e-4 * f64::from(scale),
                "{name}: gradient of {}[{probe}] is {got}, by differences {expected} (scale {scale})",
                tensor.name
            );
        }
    }
    assert!(given.next().is_none(), "{name}: more gradients than parameters");
}

fn close(what: &str, got: impl ExactSizeIterator<Item = f64>, expected: &[f64], tolerance: f64) {
    assert_eq!(got.len(), expected.len(), "{what}");
    for (got, expected) in got.zip(expected) {
        let bound = tolerance * expected.abs().max(1.0);
        assert!((got - expected).abs() <= bound, "{what}: {got} against {expected}");
    }
}

/// Kernel, stride, padding (top, left, bottom, right), dilation, groups.
type ConvCase = ([u64; 2], [u64; 2], [u64; 4], [u64; 2], u64);

fn conv_case(
    channels: [u64; 2],
    (kernel, stride, [top, left, bottom, right], dilation, groups): ConvCase,
) -> Primitive {
    let padding = Padding { top, left, bottom, right };
    let [in_channels, out_channels] = channels;
    Primitive::Conv { in_channels, out_channels, kernel, stride, padding, dilation, groups, bias: true }
}

#[test]
fn convolutions() {
    let cases: [(&str, [u64; 2], ConvCase); 16] = [
        ("3x3", [4, 5], ([3, 3], [1, 1], [1, 1, 1, 1], [1, 1], 1)),
        ("1x1", [4, 6], ([1, 1], [1, 1], [0; 4], [1, 1], 1)),
        ("1x1 strided", [4, 6], ([1, 1], [2, 2], [0; 4], [1, 1], 1)),
        ("1x1 padded", [4, 6], ([1, 1], [1, 2], [1, 1, 1, 1], [1, 1], 1)),
        ("strided, rest unused", [4, 3], ([3, 3], [2, 3], [1, 0, 1, 0], [1, 1], 1)),
        ("asymmetric", [4, 3], ([3, 2], [1, 1], [1, 0, 2, 1], [1, 1], 1)),
        ("asymmetric, strided", [4, 3], ([4, 3], [3, 2], [0, 2, 1, 0], [1, 1], 1)),
        ("dilated", [4, 3], ([3, 2], [1, 1], [2, 1, 2, 1], [2, 3], 1)),
        ("dilated, strided", [4, 3], ([2, 3], [2, 2], [1, 2, 1, 2], [3, 2], 1)),
        ("grouped", [4, 6], ([3, 3], [1, 1], [1, 1, 1, 1], [1, 1], 2)),
        ("grouped 1x1", [4, 6], ([1, 1], [1, 1], [0; 4], [1, 1], 2)),
        ("depthwise", [4, 4], ([3, 3], [1, 1], [1, 1, 1, 1], [1, 1], 4)),
        ("depthwise, twice the channels", [4, 8], ([3, 3], [2, 2], [1, 1, 1, 1], [1, 1], 4)),
        ("grouped, all at once", [4, 6], ([3, 2], [2, 3], [1, 0, 2, 1], [2, 1], 2)),
        ("depthwise, all at once", [4, 4], ([2, 3], [3, 2], [0, 2, 1, 1], [1, 2], 4)),
        ("whole map", [4, 3], ([7, 6], [1, 1], [0; 4], [1, 1], 1)),
    ];
    for (name, channels, case) in cases {
        check(&format!("conv {name}"), &one([2, 7, 6], channels[0], conv_case(channels, case)));
    }
}

#[test]
fn convolutions_of_other_sizes_take_other_kernels() {
    // One input channel, many channels, a row, a column, and a map beyond one tile of the back end.
    check("conv from 1 channel", &one([1, 9, 9], 1, conv(1, 8)));
    check("conv 16 to 24 channels", &one([2, 6, 6], 16, conv(16, 24)));
    check("conv of a row", &one([3, 1, 12], 8, conv_case([8, 8], ([1, 3], [1, 1], [0, 1, 0, 1], [1, 1], 1))));
    check(
        "conv of a column",
        &one([3, 12, 1], 8, conv_case([8, 8], ([5, 1], [1, 1], [2, 0, 2, 0], [1, 1], 1))),
    );
    let mut large = Builder::new(1, 27, 25);
    let map = large.add(conv(1, 3), &[0]);
    let map = large.add(conv_case([3, 4], ([3, 3], [1, 1], [1, 1, 1, 1], [1, 1], 1)), &[map]);
    let pooled = large.add(Primitive::GlobalAveragePool, &[map]);
    large.classify(pooled, CLASSES);
    check("conv of 675 pixels", &large.workload);
}

#[test]
fn dense_layers() {
    for bias in [true, false] {
        let workload = net([2, 3, 3], 4, |b, t| {
            let flat = b.add(Primitive::Flatten, &[t]);
            let hidden = b.add(Primitive::Dense { in_features: 36, out_features: 7, bias }, &[flat]);
            b.add(Primitive::Activation { function: Activation::Tanh }, &[hidden])
        });
        check(&format!("dense, bias {bias}"), &workload);
    }
}

/// Kernel, stride, padding (top, left, bottom, right), input.
type PoolCase = ([u64; 2], [u64; 2], [u64; 4], [u64; 3]);

#[test]
fn pools() {
    let windows: [PoolCase; 9] = [
        ([2, 2], [2, 2], [0; 4], [3, 8, 8]),
        ([3, 3], [2, 2], [1, 1, 1, 1], [3, 7, 6]),
        ([3, 3], [1, 1], [1, 1, 1, 1], [3, 5, 5]),
        ([2, 2], [2, 2], [0; 4], [3, 7, 5]),
        ([3, 2], [2, 3], [0; 4], [3, 8, 7]),
        ([3, 3], [2, 2], [1, 0, 0, 1], [3, 8, 6]),
        ([2, 3], [3, 2], [0, 1, 1, 2], [3, 7, 7]),
        ([3, 3], [3, 3], [1, 1, 1, 1], [3, 6, 6]),
        ([5, 5], [5, 5], [2, 2, 2, 2], [3, 6, 7]),
    ];
    for (kernel, stride, [top, left, bottom, right], input) in windows {
        let padding = Padding { top, left, bottom, right };
        for ceil in [false, true] {
            let name = format!("{kernel:?} {stride:?} {padding:?} {input:?} ceil {ceil}");
            check(
                &format!("max pool {name}"),
                &one(input, 3, Primitive::MaxPool { kernel, stride, padding, ceil }),
            );
            for count_include_padding in [false, true] {
                let pool = Primitive::AveragePool { kernel, stride, padding, ceil, count_include_padding };
                check(&format!("average pool {name} include {count_include_padding}"), &one(input, 3, pool));
            }
        }
    }
    check("global average pool", &one([2, 5, 4], 4, Primitive::GlobalAveragePool));
}

#[test]
fn norms() {
    for epsilon in [1e-5, 1e-3] {
        check(
            &format!("batch norm {epsilon}"),
            &one([2, 4, 5], 4, Primitive::BatchNorm { channels: 4, epsilon }),
        );
    }
    let vector = net([2, 4, 4], 5, |b, t| {
        let pooled = b.add(Primitive::GlobalAveragePool, &[t]);
        b.add(Primitive::BatchNorm { channels: 5, epsilon: 0.01 }, &[pooled])
    });
    check("batch norm of a vector", &vector);
    for (size, channels) in [(5, 7), (4, 7), (1, 3), (9, 4)] {
        let lrn = Primitive::LocalResponseNorm { size, alpha: 0.5, beta: 0.75, k: 2.0 };
        check(&format!("local response norm {size} over {channels}"), &one([2, 4, 4], channels, lrn));
    }
}

#[test]
fn activations() {
    for (function, name) in Activation::ALL {
        let workload = net([3, 4, 4], 4, |b, t| {
            // A second convolution spreads the values over all pieces of the function.
            let wide = b.add(conv_case([4, 16], ([3, 3], [1, 1], [1; 4], [1, 1], 1)), &[t]);
            let sum = b.add(Primitive::Add, &[wide, wide, wide, wide]);
            b.add(Primitive::Activation { function }, &[sum])
        });
        check(&format!("activation {name}"), &workload);
    }
}

#[test]
fn joins() {
    for primitive in [Primitive::Add, Primitive::Multiply] {
        let name = primitive.name();
        let same = net([2, 4, 5], 4, |b, t| {
            let other = b.add(conv(4, 4), &[t]);
            b.add(primitive.clone(), &[other, t, other])
        });
        check(&format!("{name} of three"), &same);
        for vector_first in [false, true] {
            let gate = net([2, 4, 5], 4, |b, t| {
                let pooled = b.add(Primitive::GlobalAveragePool, &[t]);
                let gate = b.add(Primitive::Activation { function: Activation::Sigmoid }, &[pooled]);
                let inputs = if vector_first { [gate, t] } else { [t, gate] };
                b.add(primitive.clone(), &inputs)
            });
            check(&format!("{name} of a map and a vector, {vector_first}"), &gate);
        }
        let vectors = net([2, 3, 3], 4, |b, t| {
            let pooled = b.add(Primitive::GlobalAveragePool, &[t]);
            let gate = b.add(Primitive::Activation { function: Activation::Sigmoid }, &[pooled]);
            let joined = b.add(primitive.clone(), &[gate, pooled]);
            b.add(primitive.clone(), &[joined, t])
        });
        check(&format!("{name} of vectors"), &vectors);
    }
    let concatenated = net([2, 4, 5], 3, |b, t| {
        let other = b.add(conv(3, 5), &[t]);
        let wide = b.add(Primitive::Concat, &[t, other, t]);
        b.add(conv(11, 3), &[wide])
    });
    check("concat", &concatenated);
}

#[test]
fn views() {
    let split = net([2, 4, 5], 6, |b, t| {
        let low = b.add(Primitive::Slice { start: 0, end: 2 }, &[t]);
        let high = b.add(Primitive::Slice { start: 3, end: 6 }, &[t]);
        let high = b.add(conv(3, 2), &[high]);
        b.add(Primitive::Multiply, &[low, high])
    });
    check("slice", &split);
    for groups in [1, 2, 3, 6] {
        check(&format!("shuffle {groups}"), &one([2, 4, 3], 6, Primitive::Shuffle { groups }));
    }
    check("softmax", &one([2, 2, 2], 4, Primitive::Softmax));
}

#[test]
fn resizes() {
    let sizes = [
        ([3, 4], [6, 8]),
        ([3, 4], [5, 7]),
        ([6, 5], [3, 4]),
        ([1, 3], [4, 1]),
        ([7, 6], [1, 1]),
        ([4, 4], [4, 4]),
    ];
    for mode in [ResizeMode::Nearest, ResizeMode::BilinearAlignCorners] {
        for ([h, w], [height, width]) in sizes {
            let resize = Primitive::Resize { mode, height, width };
            check(&format!("{mode:?} {h}x{w} to {height}x{width}"), &one([2, h, w], 3, resize));
        }
    }
}

#[test]
fn dropouts() {
    for probability in [0.0, 0.3, 0.9, 1.0] {
        check(&format!("dropout {probability}"), &one([2, 4, 4], 4, Primitive::Dropout { probability }));
    }
}

#[test]
fn running_statistics_follow_the_mini_batches() {
    let workload = one([2, 4, 5], 4, Primitive::BatchNorm { channels: 4, epsilon: 1e-5 });
    let mut network = build(&workload, &options()).unwrap();
    let mut numbers = Numbers::new(3);
    let images: Vec<f32> = (0..2 * 40).map(|_| numbers.signed()).collect();
    let batch = MiniBatch { images: &images, labels: &[0, 2], shape: workload.tensors[0] };
    let before = network.weights().unwrap();
    network.train_step(&batch, &StepOptions { learning_rate: 0.1, step: 0 }).unwrap();
    let after = network.weights().unwrap();
    let map = Map { v: images.iter().map(|v| f64::from(*v)).collect(), ..Map::zeros(2, 2, 4, 5) };
    let conv = &workload.layers[0].primitive;
    let seen = reference::apply(conv, &[&map], &reference::widen(&before[..2]), Mode::Inference, 0);
    for (channel, (mean, variance)) in reference::statistics(&seen).into_iter().enumerate() {
        let unbiased = variance * 40.0 / 39.0;
        let running = |index: usize| f64::from(after[index].values[channel]);
        assert!((running(4) - 0.1 * mean).abs() < 1e-6, "mean of channel {channel}");
        assert!((running(5) - (0.9 + 0.1 * unbiased)).abs() < 1e-6, "variance of channel {channel}");
    }
}
