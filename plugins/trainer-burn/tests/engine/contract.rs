//! The contract of an engine: repeatable bits, checkpoints, and errors for what it cannot build or read.

use crate::builder::{Builder, Numbers, build, conv, options};
use codebench_sdk::api::{ErrorKind, MiniBatch, NamedTensor, NetworkOptions, StepOptions};
use codebench_sdk::model::*;
use rayon::prelude::*;

/// Convolutions, batch norms, dropout, a skip, pooling: everything that draws numbers or adds many of them.
fn workload(width: u64) -> Workload {
    let mut b = Builder::new(1, 8, 8);
    let mut t = b.add(conv(1, width), &[0]);
    for stage in 0..2 {
        let normed = b.add(Primitive::BatchNorm { channels: width, epsilon: 1e-5 }, &[t]);
        let active = b.add(Primitive::Activation { function: Activation::Silu }, &[normed]);
        let next = b.add(conv(width, width), &[active]);
        let sum = b.add(Primitive::Add, &[next, t, active]);
        let kept = b.add(Primitive::Dropout { probability: 0.25 }, &[sum]);
        let padding = Padding::default();
        let pool = Primitive::MaxPool { kernel: [2, 2], stride: [2, 2], padding, ceil: false };
        t = if stage == 0 { b.add(pool, &[kept]) } else { kept };
    }
    let pooled = b.add(Primitive::GlobalAveragePool, &[t]);
    b.classify(pooled, 10);
    b.workload
}

/// Bits of the losses and of every weight after some steps.
fn train(workload: &Workload, options: &NetworkOptions) -> (Vec<u64>, Vec<Vec<u32>>) {
    let mut network = build(workload, options).unwrap();
    let mut numbers = Numbers::new(1);
    let losses = (0..4)
        .map(|step| {
            let images: Vec<f32> = (0..48 * 64).map(|_| numbers.signed()).collect();
            let labels: Vec<u32> = (0..48).map(|_| numbers.below(10)).collect();
            let batch = MiniBatch { images: &images, labels: &labels, shape: workload.tensors[0] };
            let step = StepOptions { learning_rate: 0.01, step };
            network.train_step(&batch, &step).unwrap().loss.to_bits()
        })
        .collect();
    let bits = |tensor: NamedTensor| tensor.values.iter().map(|v| v.to_bits()).collect();
    (losses, network.weights().unwrap().into_iter().map(bits).collect())
}

#[test]
fn bits_do_not_depend_on_threads_or_neighbours() {
    let cases: Vec<(Workload, NetworkOptions)> = ["sgd", "adam", "adamw"]
        .into_iter()
        .flat_map(|optimizer| {
            [8, 12]
                .map(|width| (workload(width), NetworkOptions { optimizer: optimizer.into(), ..options() }))
        })
        .collect();
    let alone: Vec<_> = cases.iter().map(|(workload, options)| train(workload, options)).collect();
    for threads in [1, 4] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let together: Vec<_> =
            pool.install(|| cases.par_iter().map(|(workload, options)| train(workload, options)).collect());
        assert!(alone == together, "{threads} threads change bits");
    }
    let other = train(&cases[0].0, &NetworkOptions { seed: 6, ..cases[0].1.clone() });
    assert!(alone[0] != other, "the seed changes nothing");
}

#[test]
fn a_checkpoint_restores_a_network() {
    let workload = workload(8);
    let mut numbers = Numbers::new(2);
    let images: Vec<f32> = (0..5 * 64).map(|_| numbers.signed()).collect();
    let batch = MiniBatch { images: &images, labels: &[0, 1, 2, 3, 4], shape: workload.tensors[0] };
    let mut first = build(&workload, &options()).unwrap();
    for step in 0..3 {
        first.train_step(&batch, &StepOptions { learning_rate: 0.05, step }).unwrap();
    }
    let mut second = build(&workload, &NetworkOptions { seed: 99, ..options() }).unwrap();
    assert_ne!(first.evaluate(&batch).unwrap(), second.evaluate(&batch).unwrap());
    second.set_weights(&first.weights().unwrap()).unwrap();
    assert_eq!(first.evaluate(&batch).unwrap(), second.evaluate(&batch).unwrap());
    assert_eq!(first.weights().unwrap(), second.weights().unwrap());
    // Names and shapes are the workload's, in its order.
    let stated: Vec<(&str, &[u64])> =
        workload.layers.iter().flat_map(|l| &l.weights).map(|w| (w.name.as_str(), &w.shape[..])).collect();
    let weights = first.weights().unwrap();
    assert_eq!(weights.iter().map(|t| (t.name.as_str(), &t.shape[..])).collect::<Vec<_>>(), stated);
}

#[test]
fn each_image_has_its_own_logits() {
    let workload = workload(8);
    let mut numbers = Numbers::new(4);
    let images: Vec<f32> = (0..3 * 64).map(|_| numbers.signed()).collect();
    let mut network = build(&workload, &options()).unwrap();
    let mut logits = |images: &[f32]| {
        network.evaluate(&MiniBatch { images, labels: &[], shape: workload.tensors[0] }).unwrap().logits
    };
    let all = logits(&images);
    for (image, row) in images.chunks(64).zip(all.chunks(10)) {
        for (one, of_all) in logits(image).iter().zip(row) {
            assert!((one - of_all).abs() < 1e-5, "{one} alone, {of_all} among others");
        }
    }
}

/// Damage and the error it causes.
type Damage = (fn(&mut NamedTensor), &'static str);

#[test]
fn refused_weights_change_nothing() {
    let workload = workload(8);
    let mut network = build(&workload, &options()).unwrap();
    let before = network.weights().unwrap();
    let damaged = |damage: fn(&mut NamedTensor)| {
        let mut weights = before.clone();
        weights[0].values.fill(0.5);
        damage(&mut weights[1]);
        weights
    };
    let cases: [Damage; 3] = [
        (
            |t| t.name = "l0.conv.bais".into(),
            "unknown weight tensor `l0.conv.bais` (did you mean `l0.conv.bias`?)",
        ),
        (
            |t| {
                t.values.pop();
            },
            "weight tensor `l0.conv.bias` of shape [8] with 7 values is refused: the network's has shape [8]",
        ),
        (|t| t.values[3] = f32::NAN, "weight tensor `l0.conv.bias` holds NaN: every value must be finite"),
    ];
    for (damage, message) in cases {
        let error = network.set_weights(&damaged(damage)).unwrap_err();
        assert_eq!((error.kind, error.message.as_str()), (ErrorKind::Invalid, message));
        assert_eq!(network.weights().unwrap(), before);
    }
}

#[test]
fn initial_weights_lie_within_the_bound_of_their_fan_in() {
    let network = build(&workload(12), &options()).unwrap();
    let weights = network.weights().unwrap();
    let kernel = weights.iter().find(|t| t.shape == [12, 12, 3, 3]).unwrap();
    let bound = 1.0 / (12.0f32 * 9.0).sqrt();
    let largest = kernel.values.iter().fold(0.0f32, |m, v| m.max(v.abs()));
    assert!(largest <= bound && largest > 0.98 * bound, "{largest} of {bound}");
    let deviation = (kernel.values.iter().map(|v| v * v).sum::<f32>() / kernel.values.len() as f32).sqrt();
    assert!((deviation / (bound / 3.0f32.sqrt()) - 1.0).abs() < 0.05, "{deviation}");
}

/// The message for a damaged workload.
fn refused(damage: impl Fn(&mut Workload)) -> (ErrorKind, String) {
    let mut damaged = workload(8);
    damage(&mut damaged);
    let error = build(&damaged, &options()).err().unwrap();
    (error.kind, error.message)
}

#[test]
fn workloads_that_do_not_fit_together_are_refused() {
    let messages = [
        refused(|w| w.tensors[1].height = 9),
        refused(|w| w.layers[1].inputs = vec![14]),
        refused(|w| w.layers[1].output = 1),
        refused(|w| w.layers[0].weights.truncate(1)),
        refused(|w| w.output = 2),
        refused(|w| w.layers[5].primitive = Primitive::Dropout { probability: 1.5 }),
        refused(|w| w.layers[4].primitive = Primitive::Concat),
        refused(|w| w.tensors[0].width = 0),
        refused(|w| w.layers[1].weights[0].name = "l0.conv.weight".into()),
    ];
    let expected = [
        "layer `l0.conv` (conv): writes 8x8x8, but the workload says 8x9x8",
        "layer `l1.batch_norm` (batch_norm): reads tensor 14, which no earlier layer writes",
        "layer `l1.batch_norm` (batch_norm): writes tensor 1 a second time",
        "layer `l0.conv` (conv): has weight tensors [(Weight, [8, 1, 3, 3])], but needs [(Weight, [8, 1, 3, 3]), \
         (Bias, [8])]",
        "the output is 8x8x8: a classifier ends in C x 1 x 1, for example with `flatten` and `dense_classes`",
        "layer `l5.dropout` (dropout): probability 1.5 is out of range: give 0 to 1",
        "layer `l4.add` (concat): writes 24x8x8, but the workload says 8x8x8",
        "the input is 1x8x0: extents and their product must be from 1 to 2147483647",
        "two weight tensors are named `l0.conv.weight`",
    ];
    for ((kind, message), expected) in messages.iter().zip(expected) {
        assert_eq!((*kind, message.as_str()), (ErrorKind::Invalid, expected));
    }
}

#[test]
fn networks_and_mini_batches_beyond_the_memory_are_refused() {
    let mut b = Builder::new(1, 8, 8);
    let flat = b.add(Primitive::Flatten, &[0]);
    b.add(Primitive::Dense { in_features: 64, out_features: 10, bias: true }, &[flat]);
    let mut network = build(&b.workload, &options()).unwrap();
    b.workload.layers[1].primitive = Primitive::Dense { in_features: 64, out_features: 1 << 30, bias: false };
    b.workload.layers[1].weights.truncate(1);
    b.workload.layers[1].weights[0].shape = vec![1 << 30, 64];
    b.workload.tensors[2].channels = 1 << 30;
    let error = build(&b.workload, &options()).err().unwrap();
    assert_eq!(error.kind, ErrorKind::Limit, "{error}");
    assert!(error.message.contains("more than the 4096 MB of parameter `memory_mb`"), "{error}");

    let shape = TensorShape::new(1, 8, 8);
    let image = vec![0.0; 64];
    let messages = [
        (&image[..], &[10u32][..], shape, "label 10 is out of range: the network has 10 classes, from 0"),
        (
            &image[..63],
            &[1],
            shape,
            "a mini-batch of 63 values and 1 labels does not hold whole images of 64 values, one label each",
        ),
        (&image[..], &[1], TensorShape::new(1, 4, 16), "images of 1x4x16 are given to a network for 1x8x8"),
    ];
    for (images, labels, shape, message) in messages {
        assert_eq!(network.gradients(&MiniBatch { images, labels, shape }, 0).unwrap_err().message, message);
    }
}
