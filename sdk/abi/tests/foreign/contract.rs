//! The executable contract through both adapters of the boundary.

use super::both;
use codebench_api::Registration;
use codebench_conformance::{Options, check};

/// Plugins that pass as they are pass through the boundary too, check by check.
fn kept_on_both_sides(registrations: &[Registration]) {
    let [own, foreign] = both(registrations);
    let mut broken = String::new();
    for entry in own.entries() {
        let [here, there] = [&own, &foreign].map(|c| check(c, &entry.info.id, &Options::default()).unwrap());
        if !there.ok() || !here.ok() {
            broken += &format!("as it is: {here}through the boundary: {there}");
        }
    }
    assert!(broken.is_empty(), "{broken}");
}

#[test]
fn modules_and_memories() {
    kept_on_both_sides(codebench_accelbench::PLUGINS);
}

#[test]
fn cnn_ops() {
    kept_on_both_sides(codebench_cnn_ops::PLUGINS);
}

#[test]
fn strategies() {
    kept_on_both_sides(codebench_strategies::PLUGINS);
}
