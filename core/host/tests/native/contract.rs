//! The executable contract runs on the built-in plugins as real libraries.

use super::catalog;
use codebench_conformance::{Options, check};
use codebench_fixtures::{Build, library};

fn kept(package: &str) {
    let catalog = catalog(&library(package, &Build::default()));
    let mut broken = String::new();
    for entry in catalog.entries() {
        let report = check(&catalog, &entry.info.id, &Options::default()).unwrap();
        if !report.ok() {
            broken += &report.to_string();
        }
    }
    assert!(broken.is_empty(), "{broken}");
}

#[test]
fn modules_and_memories_as_a_library() {
    kept("codebench-accelbench-native");
}

#[test]
fn cnn_ops_as_a_library() {
    kept("codebench-cnn-ops-native");
}

#[test]
fn strategies_as_a_library() {
    kept("codebench-strategies-native");
}
