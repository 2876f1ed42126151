//! Every label of the language trains: the loss on one mini-batch of digits falls.

use crate::setting::*;
use codebench_sdk::api::{MiniBatch, StepOptions};
use codebench_sdk::model::*;
use codebench_sdk::space::rng::Rng;
use codebench_training::data;

/// One of every operation, with every option of a convolution; `tests/engines` reads the same list.
const LABELS: &str = include_str!("labels.txt");

/// Steps on one mini-batch.
const STEPS: u64 = 30;

/// Mean losses of the first and the last three steps on one mini-batch.
fn losses(cnn: &CnnGraph, seed: u64) -> (f64, f64) {
    losses_of(&lower(cnn), seed)
}

fn losses_of(workload: &Workload, seed: u64) -> (f64, f64) {
    let splits = data::load(&digits()).unwrap();
    let mut network = built(workload, seed);
    let count = 32;
    let (images, labels) = (splits.train().images(0..count), &splits.train().labels()[..count]);
    let batch = MiniBatch { images: &images, labels, shape: splits.shape().input };
    let losses: Vec<f64> = (0..STEPS)
        .map(|step| network.train_step(&batch, &StepOptions { learning_rate: 0.01, step }).unwrap().loss)
        .collect();
    let logits = network.evaluate(&batch).unwrap().logits;
    assert!(logits.iter().all(|v| v.is_finite()));
    let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
    (mean(&losses[..3]), mean(&losses[STEPS as usize - 3..]))
}

#[test]
fn every_label_trains() {
    let mut stuck = Vec::new();
    for label in LABELS.lines() {
        // A classifier of all pixels learns fast behind any operation.
        let modules = vec![chain(&["conv3x3-c8-p1-bn-relu", label]), chain(&["flatten", "dense_classes"])];
        let cnn = CnnGraph { default_channels: 16, modules };
        let (first, last) = losses(&cnn, 1);
        if last.is_nan() || last >= 0.95 * first {
            stuck.push(format!("{label}: the loss goes from {first} to {last}"));
        }
    }
    assert!(stuck.is_empty(), "{stuck:#?}");
}

#[test]
fn heads_with_dense_layers_train() {
    for head in [
        &["flatten", "dense-32-relu", "dropout-p3", "dense_classes"][..],
        &["global-avg-pool", "flatten", "dense-16-tanh", "dense-12-gelu", "dense_classes"],
    ] {
        let modules = vec![chain(&["conv3x3-c8-p1-bn-relu", "maxpool2x2-s2"]), chain(head)];
        let cnn = CnnGraph { default_channels: 16, modules };
        let (first, last) = losses(&cnn, 2);
        assert!(last < 0.9 * first, "{head:?}: the loss goes from {first} to {last}");
    }
}

/// A module of random vertices whose edges lead from input to output.
fn random_module(random: &mut Rng) -> CnnModule {
    let inner = 2 + random.index(4);
    let operations =
        ["conv3x3-p1-bn-relu", "conv1x1-bn-silu", "conv3x3-dw-p1-bn-relu", "maxpool3x3-p1-s1", "dropout-p1"];
    let mut vertices = vec![Vertex::new("input")];
    vertices.extend((0..inner).map(|_| Vertex::new(operations[random.index(operations.len())])));
    vertices.push(Vertex::new("output"));
    let mut edges = std::collections::BTreeSet::new();
    for to in 1..vertices.len() {
        edges.insert((to, random.index(to)));
        edges.insert((to, random.index(to)));
    }
    // Every vertex but the last leads on.
    for from in 0..=inner {
        if !edges.iter().any(|(_, source)| *source == from) {
            edges.insert((from + 1 + random.index(inner + 1 - from), from));
        }
    }
    CnnModule { vertices, edges: edges.into_iter().map(|(to, from)| [from, to]).collect() }
}

#[test]
fn random_modules_train() {
    let mut trained = 0;
    for seed in 0..16 {
        let mut random = Rng::new(seed, 0);
        let modules = vec![
            chain(&["conv3x3-c8-p1-bn-relu"]),
            random_module(&mut random),
            chain(&["maxpool2x2-s2"]),
            random_module(&mut random),
        ];
        let cnn = CnnGraph { default_channels: 8, ..network(modules) };
        // Concatenated outputs may not fit the published head: such candidates are infeasible.
        let Ok(workload) = try_lower(&cnn) else { continue };
        let (first, last) = losses_of(&workload, seed);
        assert!(last < 0.9 * first, "seed {seed}: the loss goes from {first} to {last} with {cnn:?}");
        trained += 1;
    }
    assert!(trained >= 8, "only {trained} of 16 random CNNs are feasible");
}
