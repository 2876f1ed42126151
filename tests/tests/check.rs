//! `codebench plugin check` and the evaluator `codebench/command` from end to end.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use codebench_tests::{has_python, root};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

fn codebench(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_codebench-under-test"));
    command.args(arguments).current_dir(root()).env_remove("CODEBENCH_PLUGIN_PATH");
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_sound_plugin_passes_as_text_and_as_json() {
    let output = codebench(&["plugin", "check", "codebench/random", "--seed", "5"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains(", 0 failed"), "{}", text(&output.stdout));
    assert!(text(&output.stdout).ends_with("(seed 5)\n"), "{}", text(&output.stdout));
    let output = codebench(&["plugin", "check", "codebench/dma", "--format", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let reports: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(reports[0]["id"], "codebench/dma");
    assert_eq!(reports[0]["outcomes"].as_array().unwrap().len(), 13);
}

#[test]
fn wrong_arguments_are_status_2() {
    for arguments in [["check", "codebench/radnom"], ["check", "no-such-file.so"]] {
        let output = codebench(&[&["plugin"], &arguments[..]].concat());
        assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
        assert!(text(&output.stderr).starts_with("error: "), "{}", text(&output.stderr));
    }
}

/// A program that answers otherwise at every call breaks the contract of evaluators.
#[test]
fn a_broken_plugin_is_status_1() {
    let folder = tempfile::tempdir().unwrap();
    let counter = folder.path().join("count");
    let script = format!(
        "command=sh -c 'echo x >> {0}; n=$(wc -l < {0}); echo \"{{\\\"values\\\": {{\\\"n\\\": $n}}}}\"'",
        counter.display()
    );
    let output = codebench(&["plugin", "check", "codebench/command", "--set", &script, "--set", "reads=cnn"]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}\n{}", text(&output.stderr));
    assert!(said.contains("failed   determinism"), "{said}");
}

#[test]
fn the_sample_program_keeps_the_contract() {
    if !has_python() {
        return;
    }
    let program = "command=python3 examples/plugins/command/score.py";
    let output = codebench(&["plugin", "check", "codebench/command", "--set", program, "--set", "reads=cnn"]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}\n{}", text(&output.stderr));
    assert!(!said.contains("skipped"), "{said}");
}

#[test]
fn the_sample_program_trains_in_an_experiment() {
    if !has_python() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let experiment = Path::new("examples/plugins/command/experiment.toml");
    let output = codebench(&["run", experiment.to_str().unwrap(), "--out", out.to_str().unwrap()]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}\n{}", text(&output.stderr));
    assert!(said.contains("8 of 8 trials") && said.contains("0 failed"), "{said}");
    let records = std::fs::read_to_string(out.join("records.csv")).unwrap();
    assert!(records.contains("score.validation_accuracy"), "{records}");
}
