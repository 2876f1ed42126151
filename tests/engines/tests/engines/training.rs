//! Both engines train alike, from one another's checkpoints too.

use crate::pair::{Data, build, chain, excess, lower, options};
use codebench_api::{Catalog, Network, NetworkOptions, StepOptions};
use codebench_engines::pairs;
use codebench_model::{CnnGraph, DataSource, Parameters, Purpose, Recipe, TensorShape, Workload};
use codebench_training::data::{self, Splits};
use codebench_training::{CheckedRecipe, Outcome, Standing, Training, checkpoint};

const IMAGE: TensorShape = TensorShape { channels: 1, height: 8, width: 8 };

/// Differentiable everywhere and without batch norms, so that no gradient is all rounding.
fn smooth(catalog: &Catalog) -> Workload {
    let modules = vec![
        chain(&["conv3x3-c6-p1-tanh", "conv3x3-c8-p1-s2-silu"]),
        chain(&["flatten", "dense-12-tanh", "dense_classes"]),
    ];
    lower(catalog, &CnnGraph { default_channels: 8, modules }, IMAGE).unwrap()
}

/// With batch norms, pooling and dropout.
pub(crate) fn digits_cnn(catalog: &Catalog) -> Workload {
    let modules = vec![
        chain(&["conv3x3-c16-p1-bn-relu", "maxpool2x2-s2", "conv3x3-c32-p1-bn-relu", "dropout-p1"]),
        chain(&["global-avg-pool", "flatten", "dense_classes"]),
    ];
    lower(catalog, &CnnGraph { default_channels: 16, modules }, IMAGE).unwrap()
}

#[test]
fn every_optimizer_takes_the_same_steps() {
    for pair in &pairs() {
        let data = Data::draw(IMAGE, 16, 3);
        for (optimizer, clip_norm) in
            [("sgd", 0.0), ("adam", 0.0), ("adamw", 0.0), ("sgd", 0.05), ("adamw", 0.05)]
        {
            let options = NetworkOptions { clip_norm, ..options(optimizer) };
            let mut networks = build(pair, &smooth(&pair.catalog), &options);
            let trained = networks.each_mut().map(|network| {
                for step in 0..8 {
                    let step = StepOptions { learning_rate: 0.01, step };
                    network.train_step(&data.batch(), &step).unwrap();
                }
                network.weights().unwrap()
            });
            for (first, second) in trained[0].iter().zip(&trained[1]) {
                let excess = excess(&second.values, &first.values, 2e-4);
                assert!(
                    excess <= 1.0,
                    "{}, {optimizer}, clip {clip_norm}: {} differs {excess:.2} times",
                    pair.name,
                    first.name
                );
            }
        }
    }
}

#[test]
fn running_statistics_move_alike() {
    for pair in &pairs() {
        let data = Data::draw(IMAGE, 16, 4);
        let mut networks = build(pair, &digits_cnn(&pair.catalog), &options("sgd"));
        let trained = networks.each_mut().map(|network| {
            for step in 0..3 {
                network.train_step(&data.batch(), &StepOptions { learning_rate: 0.01, step }).unwrap();
            }
            network.weights().unwrap()
        });
        for (first, second) in trained[0].iter().zip(&trained[1]) {
            let excess = excess(&second.values, &first.values, 2e-4);
            assert!(excess <= 1.0, "{}: {} differs {excess:.2} times", pair.name, first.name);
        }
    }
}

pub(crate) fn digits() -> Splits {
    data::load(&DataSource { id: "digits".into(), parameters: Parameters::new() }).unwrap()
}

pub(crate) fn train(splits: &Splits, network: &mut dyn Network, epochs: u64) -> Outcome {
    let fields = Recipe { epochs, batch_size: 64, learning_rate: 0.005, ..Recipe::default() };
    let recipe = CheckedRecipe::new(&fields).unwrap();
    let training =
        Training { splits, recipe: &recipe, seed: 1, purpose: Purpose::Search, wall_limit_s: None };
    training.run(network, Standing::default(), |_, _, _| Ok(())).unwrap()
}

#[test]
fn a_checkpoint_of_one_engine_goes_on_in_the_other() {
    for pair in &pairs() {
        let (splits, folder) = (digits(), tempfile::tempdir().unwrap());
        let workload = digits_cnn(&pair.catalog);
        for from in [0, 1] {
            let mut networks = build(pair, &workload, &options("adamw"));
            let [first, second] = &mut networks;
            let (writer, reader) = if from == 0 { (first, second) } else { (second, first) };
            let before = train(&splits, writer.as_mut(), 2);
            let path = folder.path().join(format!("{from}.safetensors"));
            checkpoint::save(&path, &writer.weights().unwrap(), "key").unwrap();
            let (weights, _) = checkpoint::load(&path, &reader.weights().unwrap()).unwrap();
            reader.set_weights(&weights).unwrap();
            assert_eq!(reader.weights().unwrap(), writer.weights().unwrap());
            let data = Data::draw(IMAGE, 16, 9);
            let logits =
                [&mut *writer, &mut *reader].map(|network| network.evaluate(&data.batch()).unwrap().logits);
            assert!(excess(&logits[1], &logits[0], 1e-4) <= 1.0, "{}: logits from {from}", pair.name);
            let after = train(&splits, reader.as_mut(), 2);
            assert!(after.train.loss < before.train.loss, "{} then {}", before.train.loss, after.train.loss);
        }
    }
}
