//! Every plugin of the catalogue keeps the contract of its kind, as it is and, where its kind crosses the native boundary, through both
//! sides of that boundary in this process. Evaluators and engines are checked as real libraries here, the other kinds as libraries and
//! components in `core/host/tests`.

#![allow(clippy::unwrap_used)]

use codebench_api::{Catalog, Entry, Form, Kind};
use codebench_conformance::{Options, Outcome, Status, check};
use codebench_fixtures::{Build, library};

/// What a plugin needs that no default can be: a program, a table.
fn options(id: &str) -> Options {
    let table = codebench_tests::root().join("examples/tables/nasbench201-125.csv").display().to_string();
    let given: &[(&str, &str)] = match id {
        "codebench/command" => {
            &[("command", r#"sh -c 'echo "{\"values\": {\"x\": 1}}"'"#), ("reads", "cnn, seed")]
        }
        "codebench/table" => &[("file", &table), ("key", "edge_1_0, edge_2_0, edge_3_1"), ("form", "values")],
        _ => &[],
    };
    let parameter = |(name, value): &(&str, &str)| {
        ((*name).to_owned(), codebench_model::ParameterValue::Text((*value).to_owned()))
    };
    Options { parameters: given.iter().map(parameter).collect(), ..Options::default() }
}

/// Makes modules, memories and the published constants out of the host's whole catalogue, and a contract passes on engines and
/// surrogates only (`needs`): it is part of the host, and no file could bring it.
const OF_THE_HOST: &str = "codebench/simulate";

/// The catalogue with every plugin behind the boundary whose kind crosses it; what it needs is behind it too.
fn foreign_catalog() -> Catalog {
    let mut foreign = Catalog::default();
    for entry in codebench::catalog().unwrap().entries().filter(|e| e.info.id != OF_THE_HOST) {
        foreign.add(codebench_abi::foreign(entry).unwrap_or_else(|| entry.clone())).unwrap();
    }
    foreign
}

/// Checks all built-in plugins of one kind, in both forms if it has two.
fn all_of(kind: Kind) {
    all_in(&codebench::catalog().unwrap(), |e| e.kind() == kind);
    if codebench_abi::contract_version(kind).is_some() {
        all_in(&foreign_catalog(), |e| e.kind() == kind);
    }
}

/// What fails is shown whole, with the seed that replays it.
fn all_in(catalog: &Catalog, which: impl Fn(&Entry) -> bool) {
    let mut broken = String::new();
    let mut checked = 0;
    for entry in catalog.entries().filter(|e| which(e)) {
        let report = check(catalog, &entry.info.id, &options(&entry.info.id)).unwrap();
        checked += 1;
        // The time of a check is the machine's as well as the plugin's.
        let warns = |outcome: &Outcome| outcome.status == Status::Warning && outcome.check != "scale";
        if !report.ok() || report.outcomes.iter().any(warns) {
            broken += &report.to_string();
        }
    }
    assert!(checked > 0, "there is no such plugin");
    assert!(broken.is_empty(), "{broken}");
}

#[test]
fn every_cnn_op() {
    all_of(Kind::CnnOp);
}

#[test]
fn every_accel_module() {
    all_of(Kind::AccelModule);
}

#[test]
fn every_memory() {
    all_of(Kind::Memory);
}

#[test]
fn every_strategy() {
    all_of(Kind::Strategy);
}

#[test]
fn every_surrogate() {
    all_of(Kind::Surrogate);
}

#[test]
fn every_evaluator() {
    all_of(Kind::Evaluator);
}

#[test]
fn every_engine() {
    all_of(Kind::Engine);
}

/// Evaluators and engines as real libraries: those that train make the engine of another library.
#[test]
fn evaluators_and_engines_as_libraries() {
    let packages =
        ["codebench-evaluators-native", "codebench-training-native", "codebench-trainer-burn-native"];
    let libraries = packages.map(|package| codebench_engines::loaded(&library(package, &Build::default())));
    let mut catalog = Catalog::default();
    libraries.into_iter().flatten().for_each(|entry| catalog.add(entry).unwrap());
    let ids: Vec<String> = catalog.entries().map(|e| e.info.id.clone()).collect();
    assert_eq!(
        ids,
        ["codebench/burn", "codebench/command", "codebench/table", "codebench/train", "codebench/zero-cost"]
    );
    for entry in codebench::catalog().unwrap().entries().filter(|e| !ids.contains(&e.info.id)) {
        catalog.add(entry.clone()).unwrap();
    }
    all_in(&catalog, |e| e.form == Form::Native);
}

#[test]
fn every_executor() {
    all_of(Kind::Executor);
}

#[test]
fn the_published_constants() {
    all_of(Kind::PublishedConstants);
}

/// A kind without a test above would be checked by nobody.
#[test]
fn no_kind_is_forgotten() {
    let tested = [
        Kind::CnnOp,
        Kind::AccelModule,
        Kind::Memory,
        Kind::Surrogate,
        Kind::Strategy,
        Kind::Evaluator,
        Kind::Engine,
        Kind::Executor,
        Kind::PublishedConstants,
    ];
    let catalog = codebench::catalog().unwrap();
    for entry in catalog.entries() {
        assert!(tested.contains(&entry.kind()), "kind {} has built-in plugins, but no test", entry.kind());
    }
}
