//! A process killed at random moments, again and again, then resumed.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod common;

use codebench_api::Catalog;
use codebench_search::store::{Founding, Store};
use codebench_search::{Experiment, RunOptions, Silent, Study};
use common::{EXPERIMENT, FAKES};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Set for the child process: the folder of its study.
const OUT: &str = "CODEBENCH_TEST_KILL_OUT";

fn study(out: &Path) {
    let mut catalog = Catalog::default();
    catalog.add_all("fakes", FAKES).unwrap();
    catalog.add_all("search", codebench_search::PLUGINS).unwrap();
    let text = EXPERIMENT.replace("\"plain\"", "\"fail\"").replace("tag = \"TAG hw\"", "sleep_ms = 15");
    let experiment = Experiment::parse(&text, "test.toml", Path::new("."), &catalog).unwrap();
    let options = RunOptions { out: out.into(), resume: true, threads: Some(2), ..RunOptions::default() };
    Study::open(experiment, &catalog, options).unwrap().run(&mut Silent).unwrap();
}

/// Does nothing unless the other test starts it as a process of its own.
#[test]
fn child() {
    if let Some(out) = std::env::var_os(OUT) {
        study(Path::new(&out));
    }
}

#[test]
fn a_killed_process_is_resumed_to_the_same_records() {
    let (whole, killed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    study(whole.path());
    // Moments from before the store exists to the last trials.
    let mut kills = 0;
    for wait_ms in [2, 9, 23, 31, 48, 55, 61, 77, 83, 97] {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child"])
            .env(OUT, killed.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(wait_ms));
        child.kill().unwrap();
        if !child.wait().unwrap().success() {
            kills += 1;
        }
    }
    assert!(kills > 3, "{kills} processes were killed before their end");
    study(killed.path());
    let founding = Founding { facts: &[], plugins: &[] };
    let records = |out: &Path| Store::open(out, true, &founding).unwrap().records().unwrap();
    assert_eq!(records(whole.path()), records(killed.path()));
    for file in ["records.csv", "report.html"] {
        let read = |out: &Path| std::fs::read(out.join(file)).unwrap();
        assert_eq!(read(whole.path()), read(killed.path()), "{file}");
    }
}
