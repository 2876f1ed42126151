//! What plugins say: in Rust by the SDK, in C by the header.

use crate::common;
use codebench_model::{HardwareContext, ParameterValue, Parameters};
use std::process::Command;

/// Not a test unless the test below starts it, and reads what it writes to standard error.
#[test]
fn talk() {
    if std::env::var_os("TALK").is_none() {
        return;
    }
    let entries = common::entries("codebench-every-kind-wasm").unwrap();
    let says = Parameters::from([("panics".to_owned(), ParameterValue::Text("say in reads".into()))]);
    common::catalog(entries).evaluator("test/depth", &says).unwrap();
    if let Some(module) = codebench_guests::c_module("tests/plugins/c/talkative.c") {
        let catalog = common::catalog(common::loaded(&module));
        catalog.accel_module("test/talkative", &Parameters::new(), HardwareContext::default()).unwrap();
        eprintln!("C has talked");
    }
}

#[test]
fn what_a_plugin_says_reaches_the_user() {
    if common::entries("codebench-every-kind-wasm").is_none() {
        return;
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    let output = command.args(["--exact", "log::talk", "--nocapture"]).env("TALK", "1").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("[guest.wasm info] asked to say something in reads\n"), "{said}");
    if said.contains("C has talked") {
        assert!(said.contains("[guest.wasm warning] nothing has a cost here\n"), "{said}");
    }
}
