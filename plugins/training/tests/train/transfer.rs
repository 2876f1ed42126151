//! Weights from a CNN that was trained before.

use crate::setting::*;
use codebench_sdk::api::{ErrorKind, Evaluator, PluginError};
use codebench_sdk::model::*;
use std::path::Path;

fn trainer(folder: &Path, transfer: &str) -> Box<dyn Evaluator> {
    let text = |text: &str| ParameterValue::Text(text.into());
    let parameters = Parameters::from([
        ("checkpoints".to_owned(), text(folder.to_str().unwrap())),
        ("transfer".to_owned(), text(transfer)),
    ]);
    catalog().evaluator("codebench/train", &parameters).unwrap()
}

fn cnn(second: &str) -> CnnGraph {
    network(vec![chain(&["conv3x3-c16-p1-bn-relu"]), chain(&[second])])
}

fn train(trainer: &dyn Evaluator, cnn: CnnGraph, donor: Option<String>) -> Result<Metrics, PluginError> {
    let job = job(cnn, Purpose::Search, short());
    assert_eq!(trainer.reads().declared(&Job { donor: Some("x".into()), ..job.clone() }).donor.is_some(), {
        trainer.reads().donor
    });
    trainer.evaluate(&Job { donor, ..job })
}

#[test]
fn a_training_starts_from_its_donor_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let trainer = trainer(folder.path(), "leading");
    let donor = train(trainer.as_ref(), cnn("conv3x3-c16-p1-bn-relu"), None).unwrap();
    let key = donor.artifacts["weights"].clone();
    assert!(folder.path().join(format!("{key}.safetensors")).is_file());
    assert!(!donor.artifacts.contains_key("donor"));

    let other = cnn("conv1x1-c16-bn-relu");
    let alone = train(trainer.as_ref(), other.clone(), None).unwrap();
    let helped = train(trainer.as_ref(), other.clone(), Some(key.clone())).unwrap();
    assert_eq!(helped.artifacts["donor"], key);
    assert_ne!(helped.artifacts["weights"], alone.artifacts["weights"]);
    // The stem has learned for an epoch already.
    assert!(helped.values["train_loss"] < alone.values["train_loss"], "{helped:?} against {alone:?}");
    let again = train(trainer.as_ref(), other, Some(key.clone())).unwrap();
    assert_eq!(again.values, helped.values);

    // The donor's file with other values is another start, though it still names the same training.
    let path = folder.path().join(format!("{key}.safetensors"));
    let mut bytes = std::fs::read(&path).unwrap();
    let end = bytes.len();
    bytes[end - 4..].copy_from_slice(&0.125f32.to_le_bytes());
    std::fs::write(&path, &bytes).unwrap();
    let changed = train(trainer.as_ref(), cnn("conv1x1-c16-bn-relu"), Some(key.clone())).unwrap();
    assert_ne!(changed.artifacts["weights"], helped.artifacts["weights"]);

    // Nothing in common: nothing is taken.
    let stranger = network(vec![chain(&["conv3x3-c8-p1-bn-silu"])]);
    let stranger = train(trainer.as_ref(), stranger, Some(key)).unwrap();
    assert!(!stranger.artifacts.contains_key("donor"));
}

#[test]
fn what_cannot_be_taken_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let lost =
        train(trainer(folder.path(), "identical").as_ref(), cnn("bn"), Some("0123".into())).unwrap_err();
    assert_eq!(lost.kind, ErrorKind::Failed);
    assert!(lost.message.starts_with("cannot read the checkpoint `"), "{lost}");
    let remedy = "the donor of this CNN is read from it: put the file back, or give transfer = \"none\"";
    assert!(lost.message.ends_with(remedy), "{lost}");
    let parameters = Parameters::from([("transfer".to_owned(), ParameterValue::Text("leading".into()))]);
    assert_eq!(
        catalog().evaluator("codebench/train", &parameters).map(drop).unwrap_err().message,
        "transfer = \"leading\" takes weights from checkpoints, but none are kept: give `checkpoints` a folder"
    );
    assert!(!trainer(folder.path(), "none").reads().donor);
}
