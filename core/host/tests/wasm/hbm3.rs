//! A memory from Rust answers the same in the sandbox as built in.

use crate::common;
use codebench_api::{Catalog, Form, Kind};
use codebench_model::{HardwareContext, ParameterValue, Parameters, TransferCost, TransferProfile};

fn profiles() -> Vec<TransferProfile> {
    (0..300)
        .map(|i| TransferProfile {
            direction: i % 2,
            bytes: i * 100,
            runs: 1 + i % 7,
            run_bytes: (i * 100).div_ceil(1 + i % 7),
            row_hits: i % 3,
            row_activates: i % 5,
            row_conflicts: i % 4,
            banks: 1 + i % 16,
        })
        .collect()
}

#[test]
fn the_sandboxed_memory_is_the_built_in_one() {
    let Some(entries) = common::entries("example-hbm3") else { return };
    assert_eq!((entries.len(), entries[0].form, entries[0].kind()), (1, Form::Wasm, Kind::Memory));
    let sandboxed = common::catalog(entries);
    let mut built_in = Catalog::default();
    built_in.add_all("example-hbm3", example_hbm3::PLUGINS).unwrap();
    let infos = [&sandboxed, &built_in].map(|c| c.get("example/hbm3").unwrap().info.clone());
    assert_eq!(infos[0], infos[1]);
    for (stacks, data_rate) in [(1, 6400), (4, 5000)] {
        let parameters = Parameters::from([
            ("stacks".to_owned(), ParameterValue::Integer(stacks)),
            ("data_rate".to_owned(), ParameterValue::Integer(data_rate)),
        ]);
        let make = |c: &Catalog| c.memory("example/hbm3", &parameters, HardwareContext::default()).unwrap();
        let (a, b) = (make(&sandboxed), make(&built_in));
        assert_eq!(a.facts(), b.facts());
        let profiles = profiles();
        let mut costs = [vec![TransferCost::default(); 300], vec![TransferCost::default(); 300]];
        a.cost(&profiles, &mut costs[0]).unwrap();
        b.cost(&profiles, &mut costs[1]).unwrap();
        assert_eq!(costs[0], costs[1]);
        a.cost(&[], &mut []).unwrap();
    }
}
