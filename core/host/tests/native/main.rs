//! Native libraries as files: real cdylibs, built by these tests.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod contract;
mod forms;
mod hostile;
mod trust;

use codebench_api::{Catalog, Entry};
use codebench_fixtures::copies;
use codebench_host::native::{self, Checker};
use codebench_host::{HostError, ReadFile};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The child process of a checker: this test program, asked for the test below.
fn checker(limit: Duration) -> Checker {
    checker_with(limit, "")
}

/// With assignments to variables of its environment.
fn checker_with(limit: Duration, variables: &str) -> Checker {
    let program = std::env::current_exe().unwrap();
    let script =
        format!("CODEBENCH_LOOK_AT=\"$0\" {variables} exec '{}' --exact look --nocapture", program.display());
    Checker::Process { program: PathBuf::from("sh"), arguments: vec!["-c".into(), script], limit }
}

/// Not a test unless a checker runs it.
#[test]
fn look() {
    if let Some(copy) = std::env::var_os("CODEBENCH_LOOK_AT") {
        println!("\n{}", native::check_in_this_process(Path::new(&copy)));
    }
}

/// Not a test unless a test starts it, with a cache folder of its own.
#[test]
fn load_alone() {
    if let Some(library) = std::env::var_os("CODEBENCH_LOAD") {
        let file = ReadFile::read(Path::new(&library), None).unwrap();
        let loaded =
            native::load(&file, &checker(Duration::from_secs(60)), None).map(|entries| entries.len());
        println!("\n{}", loaded.map_or_else(|e| e.to_string(), |count| format!("{count} plugins")));
    }
}

/// Not a test unless a test starts it, with what ends it.
#[test]
fn hang_in_the_loader() {
    if let Some(library) = std::env::var_os("CODEBENCH_HANG") {
        native::end_with_parent();
        println!("\n{}", native::check_in_this_process(Path::new(&library)));
    }
}

fn load(path: &Path) -> Result<Vec<Entry>, HostError> {
    native::load_with(&ReadFile::read(path, None)?, &checker(Duration::from_secs(60)), None, &copies())
}

fn catalog(path: &Path) -> Catalog {
    let mut catalog = Catalog::default();
    load(path).unwrap().into_iter().for_each(|entry| catalog.add(entry).unwrap());
    catalog
}
