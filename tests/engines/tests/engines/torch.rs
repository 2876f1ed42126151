//! The engine on libtorch repeats its bits, and goes on where it began only.

use crate::pair::options;
use crate::training::{digits, digits_cnn, train};
use codebench_api::ErrorKind;
use codebench_engines::ENGINES;
use codebench_model::{DataSource, Genotype, Job, Limits, ParameterValue, Parameters, Purpose, Recipe};
use std::path::Path;

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
