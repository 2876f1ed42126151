//! The built-in plugins as real libraries answer as built in and keep the executable contract.

use super::catalog;
use codebench_api::{Catalog, Kind, Registration};
use codebench_conformance::{Options, Status, check};
use codebench_every_kind::ask_any::answers;
use codebench_fixtures::{Build, library};

fn kept(package: &str, built_in: &[Registration]) {
    let catalog = catalog(&library(package, &Build::default()));
    let mut all = Catalog::default();
    all.add_all(package, built_in).unwrap();
    let mut broken = String::new();
    for entry in catalog.entries() {
        let id = &entry.info.id;
        assert_eq!(answers(&catalog, id).unwrap(), answers(&all, id).unwrap(), "{id}");
        let report = check(&catalog, &entry.info.id, &Options::default()).unwrap();
        if !report.ok() {
            broken += &report.to_string();
        }
    }
    assert!(broken.is_empty(), "{broken}");
}

/// Evaluators of a third party, one of which needs an engine; the built-in ones are in `tests/tests/conformance.rs`.
#[test]
fn evaluators_as_a_library() {
    let catalog = catalog(&library("codebench-every-kind-native", &Build::default()));
    let evaluators: Vec<_> = catalog.entries().filter(|e| e.kind() == Kind::Evaluator).collect();
    assert_eq!(evaluators.len(), 2);
    for entry in evaluators {
        let report = check(&catalog, &entry.info.id, &Options::default()).unwrap();
        assert!(report.ok() && report.count(Status::Passed) > 6, "{report}");
    }
}

#[test]
fn modules_and_memories_as_a_library() {
    kept("codebench-accelbench-native", codebench_accelbench::PLUGINS);
}

#[test]
fn cnn_ops_as_a_library() {
    kept("codebench-cnn-ops-native", codebench_cnn_ops::PLUGINS);
}

#[test]
fn strategies_as_a_library() {
    kept("codebench-strategies-native", codebench_strategies::PLUGINS);
}
