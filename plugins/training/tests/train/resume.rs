//! A training that goes on gives the bits of one that was never interrupted.

use crate::setting::*;
use codebench_sdk::api::{ErrorKind, Evaluator, PluginError};
use codebench_sdk::model::*;
use codebench_training::state::{self, Saver};
use codebench_training::{CheckedRecipe, Standing, Training, data};
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
    let expected = trainer(other.path(), true).evaluate(&job).unwrap();
    let key = &expected.artifacts["checkpoint"];
    let path = state::path(folder.path(), key);
    // The same training, interrupted after two of its four epochs.
    let (recipe, splits) =
        (CheckedRecipe::new(job.recipe.as_ref().unwrap()).unwrap(), data::load(&digits()).unwrap());
    let training = Training {
        splits: &splits,
        recipe: &recipe,
        seed: job.seed,
        purpose: Purpose::Search,
        wall_limit_s: None,
    };
    let engine = catalog().engine("codebench/burn", &Parameters::new()).unwrap();
    let build = || training.network(engine.as_ref(), job.workload.as_ref().unwrap()).unwrap();
    let mut saver = Saver::new(path.clone(), key, 4);
    let interrupted = training.run(build().as_mut(), Standing::default(), |epoch, at, network| {
        saver.epoch(at, network, epoch.done == 2)?;
        if epoch.done == 2 { Err(PluginError::failed("interrupted")) } else { Ok(()) }
    });
    assert_eq!(interrupted.unwrap_err().message, "interrupted");
    let mut network = build();
    let saved = state::load(&path, &network.weights().unwrap()).unwrap().unwrap();
    assert_eq!((saved.standing.epochs, saved.target, &saved.key), (2, 4, key));
    // By hand two epochs are left, and the evaluator finds them by the key.
    saved.put(network.as_mut()).unwrap();
    let mut epochs = Vec::new();
    let by_hand = training.run(network.as_mut(), saved.standing, |epoch, _, _| {
        epochs.push(epoch.done);
        Ok(())
    });
    let by_hand = by_hand.unwrap();
    assert_eq!(epochs, [3, 4]);
    assert_eq!(by_hand.validation.loss, expected.values["validation_loss"]);
    let last = trainer(folder.path(), true).evaluate(&job).unwrap();
    assert_eq!(timeless(last), timeless(expected));
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
