//! Both engines train alike, from one another's checkpoints too, and the one on libtorch repeats its bits.

use crate::pair::{Data, build, chain, excess, lower, options};
use codebench_api::{Catalog, ErrorKind, Network, NetworkOptions, StepOptions};
use codebench_engines::ENGINES;
use codebench_model::{
    CnnGraph, DataSource, Genotype, Job, Limits, ParameterValue, Parameters, Purpose, Recipe, TensorShape,
    Workload,
};
use codebench_training::data::{self, Splits};
use codebench_training::{CheckedRecipe, Outcome, Standing, Training, checkpoint};
use std::path::Path;

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
fn digits_cnn(catalog: &Catalog) -> Workload {
    let modules = vec![
        chain(&["conv3x3-c16-p1-bn-relu", "maxpool2x2-s2", "conv3x3-c32-p1-bn-relu", "dropout-p1"]),
        chain(&["global-avg-pool", "flatten", "dense_classes"]),
    ];
    lower(catalog, &CnnGraph { default_channels: 16, modules }, IMAGE).unwrap()
}

#[test]
fn every_optimizer_takes_the_same_steps() {
    let Some(catalog) = codebench_engines::catalog() else { return };
    let data = Data::draw(IMAGE, 16, 3);
    for (optimizer, clip_norm) in
        [("sgd", 0.0), ("adam", 0.0), ("adamw", 0.0), ("sgd", 0.05), ("adamw", 0.05)]
    {
        let options = NetworkOptions { clip_norm, ..options(optimizer) };
        let mut networks = build(&catalog, &smooth(&catalog), &options);
        let trained = networks.each_mut().map(|network| {
            for step in 0..8 {
                let step = StepOptions { learning_rate: 0.01, step };
                network.train_step(&data.batch(), &step).unwrap();
            }
            network.weights().unwrap()
        });
        for (burn, torch) in trained[0].iter().zip(&trained[1]) {
            let excess = excess(&torch.values, &burn.values, 2e-4);
            assert!(excess <= 1.0, "{optimizer}, clip {clip_norm}: {} differs {excess:.2} times", burn.name);
        }
    }
}

#[test]
fn running_statistics_move_alike() {
    let Some(catalog) = codebench_engines::catalog() else { return };
    let data = Data::draw(IMAGE, 16, 4);
    let mut networks = build(&catalog, &digits_cnn(&catalog), &options("sgd"));
    let trained = networks.each_mut().map(|network| {
        for step in 0..3 {
            network.train_step(&data.batch(), &StepOptions { learning_rate: 0.01, step }).unwrap();
        }
        network.weights().unwrap()
    });
    for (burn, torch) in trained[0].iter().zip(&trained[1]) {
        let excess = excess(&torch.values, &burn.values, 2e-4);
        assert!(excess <= 1.0, "{} differs {excess:.2} times", burn.name);
    }
}

fn digits() -> Splits {
    data::load(&DataSource { id: "digits".into(), parameters: Parameters::new() }).unwrap()
}

fn train(splits: &Splits, network: &mut dyn Network, epochs: u64) -> Outcome {
    let fields = Recipe { epochs, batch_size: 64, learning_rate: 0.005, ..Recipe::default() };
    let recipe = CheckedRecipe::new(&fields).unwrap();
    let training =
        Training { splits, recipe: &recipe, seed: 1, purpose: Purpose::Search, wall_limit_s: None };
    training.run(network, Standing::default(), |_, _, _| Ok(())).unwrap()
}

#[test]
fn a_checkpoint_of_one_engine_goes_on_in_the_other() {
    let Some(catalog) = codebench_engines::catalog() else { return };
    let (splits, folder) = (digits(), tempfile::tempdir().unwrap());
    let workload = digits_cnn(&catalog);
    for from in [0, 1] {
        let mut networks = build(&catalog, &workload, &options("adamw"));
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
        assert!(excess(&logits[1], &logits[0], 1e-4) <= 1.0, "logits from {}", ENGINES[from]);
        let after = train(&splits, reader.as_mut(), 2);
        assert!(after.train.loss < before.train.loss, "{} then {}", before.train.loss, after.train.loss);
    }
}

#[test]
fn the_same_seed_gives_the_same_bits_alone_and_among_others() {
    let Some(catalog) = codebench_engines::catalog() else { return };
    let (splits, workload) = (digits(), digits_cnn(&catalog));
    let run = || {
        let engine = catalog.engine(ENGINES[1], &Parameters::new()).unwrap();
        let mut network = engine.build(&workload, &options("adamw")).unwrap();
        let outcome = train(&splits, network.as_mut(), 1);
        let bits = |value: &f32| value.to_bits();
        let weights: Vec<u32> =
            network.weights().unwrap().iter().flat_map(|t| t.values.iter().map(bits)).collect();
        (outcome.train, outcome.validation, outcome.densities, weights)
    };
    let alone = run();
    assert!(alone.1.accuracy > 0.3, "{:?}", alone.1);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..3).map(|_| scope.spawn(run)).collect();
        for thread in threads {
            assert!(thread.join().unwrap() == alone, "other bits among others");
        }
    });
}

#[test]
fn more_threads_train_too() {
    let Some(catalog) = codebench_engines::catalog() else { return };
    let parameters = Parameters::from([("threads".to_owned(), ParameterValue::Integer(2))]);
    let engine = catalog.engine(ENGINES[1], &parameters).unwrap();
    let mut network = engine.build(&digits_cnn(&catalog), &options("adamw")).unwrap();
    let outcome = train(&digits(), network.as_mut(), 1);
    assert!(outcome.validation.accuracy > 0.3, "{:?}", outcome.validation);
}

/// Weights may be handed over as a start; a training in its middle goes on only where it began, for the other engine has other bits.
#[test]
fn a_training_in_its_middle_goes_on_in_its_own_engine_only() {
    let Some(catalog) = codebench_engines::catalog() else { return };
    let trainer = |engine: &str, folder: &Path| {
        let text = |text: &str| ParameterValue::Text(text.into());
        let parameters = Parameters::from([
            ("engine".to_owned(), text(engine)),
            ("checkpoints".to_owned(), text(folder.to_str().unwrap())),
            ("resumable".to_owned(), ParameterValue::Boolean(true)),
        ]);
        catalog.evaluator("codebench/train", &parameters).unwrap()
    };
    let whole = Recipe { epochs: 2, learning_rate: 0.005, ..Recipe::default() };
    let workload = digits_cnn(&catalog);
    let job = |epochs: u64, resume_from: Option<String>| Job {
        v: Job::VERSION,
        trial: 0,
        purpose: Purpose::Search,
        candidate: Genotype(vec![]),
        values: Parameters::new(),
        cnn: None,
        workload: Some(workload.clone()),
        published: None,
        accelerator: None,
        data: Some(DataSource { id: "digits".into(), parameters: Parameters::new() }),
        recipe: Some(whole.stopped_after(epochs)),
        resume_from,
        donor: None,
        seed: 1,
        limits: Limits::default(),
        upstream: Default::default(),
    };
    for (own, other) in [(ENGINES[0], ENGINES[1]), (ENGINES[1], ENGINES[0])] {
        let (parts, at_once) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let first = trainer(own, parts.path()).evaluate(&job(1, None)).unwrap();
        let first = first.artifacts["checkpoint"].clone();
        let error = trainer(other, parts.path()).evaluate(&job(2, Some(first.clone()))).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid, "{error}");
        let expected = format!("the training is asked to go on from `{first}`");
        assert!(error.message.starts_with(&expected), "{error}");
        let on = trainer(own, parts.path()).evaluate(&job(2, Some(first))).unwrap();
        let whole = trainer(own, at_once.path()).evaluate(&job(2, None)).unwrap();
        assert_eq!(on.values, whole.values, "{own}");
    }
}
