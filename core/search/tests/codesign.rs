//! The example of co-design on true data, with the table that ships in the place of the whole one.

#![allow(clippy::unwrap_used, clippy::panic)]

use codebench_api::Catalog;
use codebench_model::{Record, Status};
use codebench_search::compare::{CompareOptions, Comparison, Measure, compare, strategy};
use codebench_search::objective::Goal;
use codebench_search::store::{Founding, Store};
use codebench_search::{Experiment, RunOptions, Silent, Study};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    for (source, plugins) in [
        ("search", codebench_search::PLUGINS),
        ("strategies", codebench_strategies::PLUGINS),
        ("evaluators", codebench_evaluators::PLUGINS),
        ("sim", codebench_sim::PLUGINS),
        ("cnn-ops", codebench_cnn_ops::PLUGINS),
        ("accelbench", codebench_accelbench::PLUGINS),
    ] {
        catalog.add_all(source, plugins).unwrap();
    }
    catalog
}

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}

/// The example with accuracies by three of the six edges: those that the small table has.
fn experiment(fidelity: &str, trials: u32) -> Experiment {
    let text = std::fs::read_to_string(examples().join("codesign.toml")).unwrap();
    let small = examples().join("tables/nasbench201-125.csv").display().to_string();
    let mut changed = text;
    for (before, after) in [
        ("../shared/data/nasbench201/nasbench201.csv.gz", small.as_str()),
        ("key = \"ops\"\nform = \"joined-indices\"\nleading = 6", "key = \"edge_1_0, edge_2_0, edge_3_1\""),
        ("c10_val_e200", "val_e12"),
        ("c10_test_e200", "test_e200"),
        ("fidelity = \"cycle\"", &format!("fidelity = \"{fidelity}\"")),
        ("trials = 100", &format!("trials = {trials}")),
    ] {
        assert!(changed.contains(before), "the example has no `{before}`");
        changed = changed.replace(before, after);
    }
    Experiment::parse(&changed, "codesign.toml", &examples(), &catalog()).unwrap_or_else(|e| panic!("{e}"))
}

fn records(experiment: Experiment) -> Vec<Record> {
    let (out, catalog) = (tempfile::tempdir().unwrap(), catalog());
    let options = RunOptions { out: out.path().into(), ..RunOptions::default() };
    Study::open(experiment, &catalog, options).unwrap().run(&mut Silent).unwrap();
    Store::open(out.path(), true, &Founding { facts: &[], plugins: &[] }).unwrap().records().unwrap()
}

#[test]
fn accuracy_comes_from_the_table_and_cost_from_the_simulator() {
    for fidelity in ["cycle", "published"] {
        let records = records(experiment(fidelity, 12));
        let good: Vec<&Record> = records.iter().filter(|r| r.status == Status::Ok).collect();
        assert!(good.len() >= 10, "{fidelity}");
        for record in good {
            let (table, hardware) = (&record.metrics["table"].values, &record.metrics["hardware"].values);
            let term = |x: f64, weight: f64, normaliser: f64| weight * (1.0 - x / normaliser);
            let expected = 0.2 * table["validation_accuracy"] / 100.0
                + term(hardware["latency_per_image_s"], 0.2, 1.0)
                + term(hardware["area_mm2"], 0.1, 1000.0)
                + term(hardware["dynamic_energy_per_image_j"], 0.2, 10.0)
                + term(hardware["leakage_energy_per_image_j"], 0.3, 10.0);
            assert!((record.objectives[0] - expected).abs() < 1e-12);
            assert!(hardware["macs"] > 1e6 && hardware["latency_per_image_s"] > 0.0);
        }
    }
}

fn compared(strategies: &[&str], seeds: u64) -> Comparison {
    let (out, catalog) = (tempfile::tempdir().unwrap(), catalog());
    let options = CompareOptions {
        strategies: strategies.iter().map(|s| strategy(s, &catalog).unwrap()).collect(),
        seeds,
        measure: Measure { metric: None, goal: Goal::Maximise, optimum: None, target: None },
        out: out.path().to_owned(),
        resume: false,
        threads: None,
        cancel: Arc::new(AtomicBool::new(false)),
    };
    compare(&experiment("published", 30), &catalog, &options, &|_, _| {}).unwrap().unwrap()
}

#[test]
fn searching_both_sides_beats_either_side_alone() {
    let strategies = ["boshcode", "boshcode:fix=cnn", "boshcode:fix=accelerator"];
    let comparison = compared(&strategies, 4);
    let regret = |i: usize| comparison.strategies[i].finals.iter().sum::<f64>();
    assert!((1..3).all(|i| regret(0) < regret(i)), "{}", comparison.text());
}
