//! A run that ends after any of its commits is resumed to the same end.

#[path = "../../tests/common/mod.rs"]
mod common;

use super::{RunOptions, Study};
use crate::{Experiment, SearchError, Silent, StoreError};
use codebench_api::Catalog;
use codebench_model::Record;
use common::{EXPERIMENT, FAKES};
use std::path::Path;

fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    catalog.add_all("fakes", FAKES).unwrap();
    catalog.add_all("search", crate::PLUGINS).unwrap();
    catalog
}

/// Runs until `commits` transactions are done, or to the end; true at the end.
fn run(catalog: &Catalog, text: &str, out: &Path, commits: u64) -> bool {
    let experiment = Experiment::parse(text, "test.toml", Path::new("."), catalog).unwrap();
    let options = RunOptions { out: out.into(), resume: true, threads: Some(2), ..RunOptions::default() };
    let mut study = Study::open(experiment, catalog, options).unwrap();
    study.store.fail_after(commits);
    match study.run(&mut Silent) {
        Ok(_) => true,
        Err(SearchError::Store(StoreError::Write { reason, .. })) if reason == "injected" => false,
        Err(e) => panic!("{e}"),
    }
}

/// What must not depend on interruptions: the records, what was asked and told, and the files.
fn result(out: &Path) -> (Vec<Record>, String, String, String) {
    let founding = crate::store::Founding { facts: &[], plugins: &[] };
    let store = crate::store::Store::open(out, true, &founding).unwrap();
    let log = format!(
        "{:?} {:?} {:?}",
        store.calls().unwrap(),
        store.asks().unwrap(),
        store.final_record().unwrap()
    );
    let file = |name: &str| std::fs::read_to_string(out.join(name)).unwrap();
    (store.records().unwrap(), log, file("records.csv"), file("report.html"))
}

#[test]
fn a_run_killed_after_any_commit_ends_as_if_it_had_not_been() {
    let catalog = catalog();
    for mode in ["walk", "same", "fail-often", "fail-tell", "short"] {
        let text = EXPERIMENT.replace("\"walk\"", &format!("{mode:?}")).replace("\"plain\"", "\"fail\"");
        let whole = tempfile::tempdir().unwrap();
        assert!(run(&catalog, &text, whole.path(), u64::MAX));
        let expected = result(whole.path());
        let mut commits = 0;
        loop {
            let out = tempfile::tempdir().unwrap();
            let ended = run(&catalog, &text, out.path(), commits);
            assert!(run(&catalog, &text, out.path(), u64::MAX));
            assert_eq!(result(out.path()), expected, "{mode}, killed after {commits} commits");
            if ended {
                break;
            }
            commits += if mode == "walk" { 1 } else { 7 };
        }
        assert!(commits > 20, "{mode}: {commits}");
    }
}

#[test]
fn a_run_killed_after_every_third_commit_gets_there() {
    let catalog = catalog();
    let (whole, parts) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    assert!(run(&catalog, EXPERIMENT, whole.path(), u64::MAX));
    while !run(&catalog, EXPERIMENT, parts.path(), 3) {}
    assert_eq!(result(whole.path()), result(parts.path()));
}
