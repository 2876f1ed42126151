//! A training that goes on gives the bits of one that was never interrupted.

use crate::setting::*;
use codebench_sdk::api::{ErrorKind, Evaluator};
use codebench_sdk::model::*;
use std::path::Path;

fn trainer(folder: &Path, resumable: bool) -> Box<dyn Evaluator> {
    let parameters = Parameters::from([
        ("checkpoints".to_owned(), ParameterValue::Text(folder.to_str().unwrap().into())),
        ("resumable".to_owned(), ParameterValue::Boolean(resumable)),
    ]);
    catalog().evaluator("codebench/train", &parameters).unwrap()
}

/// Everything that an interruption could change: dropout, augmentation, a schedule, moments, running statistics.
fn whole(optimizer: &str) -> Job {
    let cnn = network(vec![chain(&["conv3x3-c8-p1-bn-relu", "dropout-p2", "conv3x3-c8-p1-s2-bn-silu"])]);
    let recipe = Recipe {
        epochs: 4,
        optimizer: optimizer.into(),
        learning_rate: 0.01,
        crop_padding: 1,
        clip_norm: 1.0,
        patience: 3,
        ..Recipe::default()
    };
    job(cnn, Purpose::Search, recipe)
}

/// `job` stopped after `epochs`, going on from `earlier`.
fn part(job: &Job, epochs: u64, earlier: Option<&Metrics>) -> Job {
    Job {
        recipe: job.recipe.as_ref().map(|recipe| recipe.stopped_after(epochs)),
        resume_from: earlier.map(|metrics| metrics.artifacts["checkpoint"].clone()),
        ..job.clone()
    }
}

fn timeless(mut metrics: Metrics) -> Metrics {
    metrics.wall.clear();
    metrics
}

#[test]
fn one_and_two_and_four_epochs_are_four() {
    for optimizer in Recipe::OPTIMIZERS {
        let (parts, at_once) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let job = whole(optimizer);
        let trainer_of_parts = trainer(parts.path(), true);
        let first = trainer_of_parts.evaluate(&part(&job, 1, None)).unwrap();
        let second = trainer_of_parts.evaluate(&part(&job, 2, Some(&first))).unwrap();
        let last = trainer_of_parts.evaluate(&part(&job, 4, Some(&second))).unwrap();
        let expected = trainer(at_once.path(), true).evaluate(&job).unwrap();
        assert_eq!(timeless(last.clone()), timeless(expected.clone()), "{optimizer}");
        let bytes = |folder: &Path| {
            ["", ".state"].map(|kind| {
                let name = format!("{}{kind}.safetensors", expected.artifacts["weights"]);
                std::fs::read(folder.join(name)).unwrap()
            })
        };
        assert!(bytes(parts.path()) == bytes(at_once.path()), "{optimizer}: other weights or moments");
        assert_ne!(first.values["train_loss"], second.values["train_loss"]);
        // A rung is the start of the whole, not a training of its own.
        let alone = Job { recipe: job.recipe.clone().map(|r| Recipe { epochs: 2, ..r }), ..job.clone() };
        let alone = trainer(at_once.path(), true).evaluate(&alone).unwrap();
        assert_ne!(alone.values["train_loss"], second.values["train_loss"]);

        // The final measurement trains no more.
        let measured = Job { purpose: Purpose::Final, ..part(&job, 4, Some(&last)) };
        let measured = trainer_of_parts.evaluate(&measured).unwrap();
        assert!(measured.values.contains_key("test_accuracy"));
        assert!(last.values.iter().all(|(name, value)| measured.values[name] == *value));
        assert_eq!(measured.wall["images_per_s"], 0.0);
    }
}

#[test]
fn an_interrupted_training_goes_on_from_its_last_epochs() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let job = whole("adamw");
    let trainer_here = trainer(folder.path(), true);
    let mut limit = 0.05;
    let in_the_middle = || {
        let files = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        files.into_iter().any(|name| name.to_str().unwrap().ends_with(".state.safetensors"))
    };
    while !in_the_middle() {
        let limited = Job { limits: Limits { wall_s: Some(limit), ..job.limits }, ..job.clone() };
        if let Err(error) = trainer_here.evaluate(&limited) {
            assert_eq!(error.kind, ErrorKind::Limit);
        }
        limit *= 1.5;
    }
    let last = trainer_here.evaluate(&job).unwrap();
    assert_eq!(timeless(last), timeless(trainer(other.path(), true).evaluate(&job).unwrap()));
}

#[test]
fn only_the_same_training_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let job = whole("sgd");
    let trainer_here = trainer(folder.path(), true);
    let first = trainer_here.evaluate(&part(&job, 1, None)).unwrap();
    let mut changed = part(&job, 2, Some(&first));
    changed.recipe.as_mut().unwrap().learning_rate = 0.02;
    let error = trainer_here.evaluate(&changed).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert!(error.message.starts_with("the training is asked to go on from `"), "{error}");
    // What is gone is trained again.
    let second = trainer_here.evaluate(&part(&job, 2, Some(&first))).unwrap();
    let lost = trainer(tempfile::tempdir().unwrap().path(), true);
    assert_eq!(timeless(lost.evaluate(&part(&job, 2, Some(&first))).unwrap()), timeless(second));
    // Without the parameter nothing is kept.
    let plain = trainer(folder.path(), false).evaluate(&part(&job, 1, None)).unwrap();
    assert!(!plain.artifacts.contains_key("checkpoint"));
    let error = trainer(folder.path(), false).evaluate(&part(&job, 2, Some(&first))).unwrap_err();
    let key = &first.artifacts["checkpoint"];
    let expected = format!("`codebench/train` keeps no checkpoints, but is asked to go on from `{key}`");
    assert_eq!(error.message, expected);
}

#[test]
fn a_damaged_state_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let job = whole("adam");
    let trainer_here = trainer(folder.path(), true);
    let first = trainer_here.evaluate(&part(&job, 1, None)).unwrap();
    let path = folder.path().join(format!("{}.state.safetensors", first.artifacts["checkpoint"]));
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let error = trainer_here.evaluate(&part(&job, 2, Some(&first))).unwrap_err();
    assert!(error.message.contains(".state.safetensors` is no safetensors file, or is cut off"), "{error}");
}
