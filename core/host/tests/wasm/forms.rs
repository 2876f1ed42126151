//! The built-in plugins, built for the sandbox, describe themselves the same and keep the executable contract.

use crate::common;
use codebench_api::{Catalog, Registration};
use codebench_conformance::{Options, check};

/// Compares descriptions with those of the built-in plugins and runs the executable contract.
fn conforms(package: &str, built_in: &[Registration]) {
    let Some(entries) = common::entries(package) else { return };
    let sandboxed = common::catalog(entries);
    let mut all = Catalog::default();
    all.add_all(package, built_in).unwrap();
    let mut seen = 0;
    for entry in sandboxed.entries() {
        let id = &entry.info.id;
        assert_eq!(entry.info, all.get(id).unwrap().info);
        let report = check(&sandboxed, id, &Options::default()).unwrap();
        assert!(report.ok(), "{id}: {report}");
        seen += 1;
    }
    assert!(seen > 0, "{package} lists nothing");
}

#[test]
fn operations_of_the_language() {
    conforms("codebench-cnn-ops-wasm", codebench_cnn_ops::PLUGINS);
}

#[test]
fn modules_and_memories() {
    conforms("codebench-accelbench-wasm", codebench_accelbench::PLUGINS);
}

#[test]
fn strategies_and_surrogates() {
    conforms("codebench-strategies-wasm", codebench_strategies::PLUGINS);
}

#[test]
fn examples() {
    conforms("example-hbm3", example_hbm3::PLUGINS);
    conforms("example-simulated-annealing", example_simulated_annealing::PLUGINS);
    conforms("example-squeeze-excite", example_squeeze_excite::PLUGINS);
}
