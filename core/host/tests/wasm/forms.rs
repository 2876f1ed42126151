//! The built-in plugins, built for the sandbox, describe themselves the same, answer the same bits and keep the executable contract.

use crate::common;
use codebench_api::{Catalog, ErrorKind, Registration};
use codebench_conformance::{Options, check};
use codebench_every_kind::ask_any::answers;
use codebench_model::{HardwareContext, ParameterValue, Parameters, TileCost, TileWork};

/// Compares descriptions and answers with those of the built-in plugins and runs the executable contract.
fn conforms(package: &str, built_in: &[Registration]) {
    let Some(entries) = common::entries(package) else { return };
    let sandboxed = common::catalog(entries);
    let mut all = Catalog::default();
    all.add_all(package, built_in).unwrap();
    let mut seen = 0;
    for entry in sandboxed.entries() {
        let id = &entry.info.id;
        assert_eq!(entry.info, all.get(id).unwrap().info);
        assert_eq!(answers(&sandboxed, id).unwrap(), answers(&all, id).unwrap(), "{id}");
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

#[test]
fn a_module_in_c() {
    let Some(module) = codebench_guests::c_module("examples/plugins/tiny-dma/tiny_dma.c") else { return };
    let catalog = common::catalog(common::loaded(&module));
    let id = "example/tiny-dma";
    let report = check(&catalog, id, &Options::default()).unwrap();
    assert!(report.ok(), "{report}");

    let parameters = Parameters::from([("bytes_per_cycle".to_owned(), ParameterValue::Integer(64))]);
    let dma = catalog.accel_module(id, &parameters, HardwareContext::default()).unwrap();
    assert_eq!((dma.facts().read_bytes_per_cycle, dma.facts().events[0].energy_pj), (64, 0.5));
    let works = [0, 1, 64, 65, 1000].map(|read_bytes| TileWork { read_bytes, ..TileWork::default() });
    // Often enough to notice memory that is not given back.
    for _ in 0..10_000 {
        let mut costs = [TileCost::default(); 5];
        dma.cost(&works, &mut costs).unwrap();
        assert_eq!(costs.map(|c| c.busy_cycles), [0, 9, 9, 10, 24]);
        assert_eq!(costs.map(|c| c.events[0]), [0, 1, 64, 65, 1000]);
    }
    let overflow = TileWork { read_bytes: u64::MAX, write_bytes: 1, ..TileWork::default() };
    let error = dma.cost(&[overflow], &mut [TileCost::default()]).unwrap_err();
    assert_eq!(
        (error.kind, error.message.as_str()),
        (ErrorKind::Invalid, "more than 2^64 bytes in one transfer")
    );
    let given = Parameters::from([("bytes_per_cycle".to_owned(), ParameterValue::Integer(0))]);
    assert!(catalog.accel_module(id, &given, HardwareContext::default()).is_err());
}
