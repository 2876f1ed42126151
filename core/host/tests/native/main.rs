//! Native libraries as files: real cdylibs, built by these tests.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod contract;
mod forms;
mod hostile;

use codebench_api::{Catalog, Entry};
use codebench_host::native::{self, Checker};
use codebench_host::{HostError, ReadFile};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The child process of a checker: this test program, asked for the test below.
fn checker(limit: Duration) -> Checker {
    let program = std::env::current_exe().unwrap();
    let script = format!("CODEBENCH_LOOK_AT=\"$0\" exec '{}' --exact look --nocapture", program.display());
    Checker::Process { program: PathBuf::from("sh"), arguments: vec!["-c".into(), script], limit }
}

/// Not a test unless a checker runs it.
#[test]
fn look() {
    if let Some(copy) = std::env::var_os("CODEBENCH_LOOK_AT") {
        println!("\n{}", native::check_in_this_process(Path::new(&copy)));
    }
}

fn load(path: &Path) -> Result<Vec<Entry>, HostError> {
    native::load(&ReadFile::read(path, None)?, &checker(Duration::from_secs(60)), None)
}

fn catalog(path: &Path) -> Catalog {
    let mut catalog = Catalog::default();
    load(path).unwrap().into_iter().for_each(|entry| catalog.add(entry).unwrap());
    catalog
}
