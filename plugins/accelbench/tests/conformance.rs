//! The executable contract, on every module and memory.

#![allow(clippy::unwrap_used)]

use codebench_accelbench::PLUGINS;
use codebench_conformance::{Options, check};
use codebench_sdk::api::{Catalog, Kind};

#[test]
fn every_module_and_memory_keeps_the_contract() {
    let mut catalog = Catalog::default();
    catalog.add_all("here", PLUGINS).unwrap();
    let ids: Vec<_> = catalog
        .entries()
        .filter(|e| matches!(e.kind(), Kind::AccelModule | Kind::Memory))
        .map(|e| e.info.id.clone())
        .collect();
    assert_eq!(ids.len(), 23);
    for id in ids {
        let report = check(&catalog, &id, &Options::default()).unwrap();
        assert!(report.ok(), "{report}");
    }
}
