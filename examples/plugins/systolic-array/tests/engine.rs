//! The array inside the cycle engine, as the compute module of `accelerator.toml`.
#![allow(clippy::unwrap_used)]

use codebench_cnn::{Language, named};
use codebench_sdk::api::Catalog;
use codebench_sdk::prelude::*;
use codebench_sim::cycle::{Machine, Options, Sparsity, evaluate};

fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    catalog.add_all("example", example_systolic_array::PLUGINS).unwrap();
    catalog.add_all("accelbench", codebench_accelbench::PLUGINS).unwrap();
    catalog.add_all("cnn-ops", codebench_cnn_ops::PLUGINS).unwrap();
    catalog
}

/// ResNet-18 for 32 x 32 images on an array.
fn run(rows: i64, columns: i64, dataflow: &str) -> (CostReport, u64) {
    let catalog = catalog();
    let mut description: AcceleratorDescription =
        toml::from_str(include_str!("../accelerator.toml")).unwrap();
    description.parameters.insert("rows".into(), ParameterValue::Integer(rows));
    description.parameters.insert("columns".into(), ParameterValue::Integer(columns));
    description.parameters.insert("dataflow".into(), ParameterValue::Text(dataflow.into()));
    let machine = Machine::resolve(&description, &catalog).unwrap();
    let network = named::find_for_image("resnet18", 32).unwrap();
    let language = Language::new(&catalog).unwrap();
    let workload = language.lower(&network.graph, TensorShape::new(3, 32, 32), 10).unwrap().workload;
    let (report, timeline) = evaluate(&machine, &workload, &Sparsity::default(), Options::default()).unwrap();
    assert_eq!(timeline.layers.iter().map(|l| l.macs).sum::<u64>(), workload.macs());
    (report, workload.macs())
}

#[test]
fn a_network_runs_no_faster_than_the_array_allows() {
    for dataflow in ["weight-stationary", "output-stationary", "input-stationary"] {
        let (report, macs) = run(32, 32, dataflow);
        assert!(report.total_cycles >= macs / (32 * 32), "{dataflow}: {} cycles", report.total_cycles);
        assert!(report.dynamic_energy_j > 0.0 && report.area_mm2 > 0.0);
    }
}

#[test]
fn a_larger_array_is_faster_and_larger() {
    let (small, _) = run(8, 8, "weight-stationary");
    let (large, _) = run(64, 64, "weight-stationary");
    assert!(small.total_cycles > 4 * large.total_cycles, "{} and {}", small.total_cycles, large.total_cycles);
    assert!(large.area_mm2 > small.area_mm2);
}
