//! A training that goes on gives the bits of one that was never interrupted.

use crate::setting::*;
use codebench_sdk::api::{Catalog, Entry, ErrorKind, Evaluator, PluginError};
use codebench_sdk::model::*;
use codebench_training::data::{self, Splits};
use codebench_training::state::{self, Saver};
use codebench_training::{CheckedRecipe, Standing, Training};
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

/// A training as a search has it.
fn searching<'a>(splits: &'a Splits, recipe: &'a CheckedRecipe, seed: u64) -> Training<'a> {
    Training { splits, recipe, seed, purpose: Purpose::Search, wall_limit_s: None }
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
    let training = searching(&splits, &recipe, job.seed);
    let engine = catalog().engine("codebench/burn", &Parameters::new()).unwrap();
    let build = || training.network(engine.as_ref(), job.workload.as_ref().unwrap()).unwrap();
    let mut saver = Saver::new(path.clone(), key, 4);
    let interrupted = training.run(build().as_mut(), Standing::default(), |epoch, at, network| {
        saver.epoch(at, network, epoch.done == 2)?;
        if epoch.done == 2 { Err(PluginError::failed("interrupted")) } else { Ok(()) }
    });
    assert_eq!(interrupted.unwrap_err().message, "interrupted");
    let mut network = build();
    let saved = state::load(&path, key, &network.weights().unwrap()).unwrap().unwrap();
    assert_eq!((saved.standing.epochs, saved.target), (2, 4));
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

/// What lies under the key is damaged, or is another training's: the training begins again, and leaves a whole state.
#[test]
fn a_state_that_is_of_no_use_is_trained_again() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let job = whole("adam");
    let trainer_here = trainer(folder.path(), true);
    let first = trainer_here.evaluate(&part(&job, 1, None)).unwrap();
    let expected = timeless(trainer_here.evaluate(&part(&job, 2, Some(&first))).unwrap());
    let of = |metrics: &Metrics| state::path(folder.path(), &metrics.artifacts["checkpoint"]);
    let (earlier, own) = (of(&first), of(&expected));
    let bytes = std::fs::read(&own).unwrap();
    let stranger = Job { seed: 2, ..part(&job, 2, None) };
    let stranger = trainer(other.path(), true).evaluate(&stranger).unwrap();
    let of_stranger = std::fs::read(state::path(other.path(), &stranger.artifacts["checkpoint"])).unwrap();
    let mut not_a_number = bytes.clone();
    let end = not_a_number.len();
    not_a_number[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    let cases: [(&[u8], &str); 3] = [
        (&bytes[..bytes.len() / 2], "is no safetensors file, or is cut off: "),
        (&of_stranger, "is no state of this training: it is that of `"),
        (&not_a_number, "has values that are not finite"),
    ];
    for (damaged, why) in cases {
        // Both are of no use: neither the end nor the epoch before is known.
        std::fs::write(&own, damaged).unwrap();
        std::fs::write(&earlier, &bytes[..bytes.len() / 2]).unwrap();
        let again = trainer_here.evaluate(&part(&job, 2, Some(&first))).unwrap();
        assert!(again.wall["images_per_s"] > 0.0, "{why}: it did not train");
        assert_eq!(timeless(again), expected, "{why}");
        assert!(std::fs::read(&own).unwrap() == bytes, "{why}: another state");
        // A program that is told to use the file is refused with the reason.
        std::fs::write(&own, damaged).unwrap();
        let splits = data::load(&digits()).unwrap();
        let recipe = CheckedRecipe::new(job.recipe.as_ref().unwrap()).unwrap();
        let training = searching(&splits, &recipe, job.seed);
        let engine = catalog().engine("codebench/burn", &Parameters::new()).unwrap();
        let network = training.network(engine.as_ref(), job.workload.as_ref().unwrap()).unwrap();
        let key = &expected.artifacts["checkpoint"];
        let error = state::load(&own, key, &network.weights().unwrap()).unwrap_err();
        assert!(error.message.contains(why), "{error}");
    }
}

/// A plugin that was built again has the same id and version, and another file: what the one before has trained is not its own.
#[test]
fn the_state_of_another_build_of_the_engine_is_another_training() {
    let folder = tempfile::tempdir().unwrap();
    let job = part(&whole("sgd"), 1, None);
    let trained = |sha256: Option<&str>| {
        let mut of_file = Catalog::default();
        for entry in catalog().entries() {
            let engine = entry.info.id == "codebench/burn";
            let sha256 = sha256.filter(|_| engine).map(str::to_owned);
            of_file.add(Entry { sha256, ..entry.clone() }).unwrap();
        }
        let parameters = Parameters::from([
            ("checkpoints".to_owned(), ParameterValue::Text(folder.path().to_str().unwrap().into())),
            ("resumable".to_owned(), ParameterValue::Boolean(true)),
        ]);
        let metrics = of_file.evaluator("codebench/train", &parameters).unwrap().evaluate(&job).unwrap();
        (metrics.artifacts["checkpoint"].clone(), metrics.wall["images_per_s"] > 0.0)
    };
    let [built_in, one, other] = [None, Some("11"), Some("22")].map(trained);
    assert!(built_in.1 && one.1 && other.1, "each build trains");
    assert!(built_in.0 != one.0 && one.0 != other.0 && built_in.0 != other.0);
    assert_eq!(trained(Some("11")), (one.0, false), "the same build finds what it has trained");
}
