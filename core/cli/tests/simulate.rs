//! `codebench simulate` as a user runs it: every way to ask, and what comes of it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

/// Standard output of a run that ends well.
fn simulate(folder: &Path, accelerator: &str, more: &[&str]) -> String {
    let accelerator = match accelerator.ends_with(".toml") {
        true => root().join("examples/accelerators").join(accelerator).display().to_string(),
        false => accelerator.to_owned(),
    };
    let mut command = Command::new(env!("CARGO_BIN_EXE_codebench"));
    command
        .args(["simulate", "--cnn", "lenet-5", "--accelerator", &accelerator])
        .args(more)
        .current_dir(folder);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{more:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn json(folder: &Path, accelerator: &str, more: &[&str]) -> Value {
    serde_json::from_str(&simulate(folder, accelerator, &[&["--format", "json"], more].concat())).unwrap()
}

#[test]
fn the_report_for_people_says_what_the_json_says() {
    let folder = tempfile::tempdir().unwrap();
    let of = json(folder.path(), "paper.toml", &[]);
    assert_eq!(of["fidelity"], "cycle");
    let text = simulate(folder.path(), "paper.toml", &[]);
    for expected in [
        "lenet-5".to_owned(),
        format!("cycles          {}\n", of["total_cycles"]),
        format!("area            {} mm2\n", of["area_mm2"]),
    ] {
        assert!(text.contains(&expected), "`{expected}` is missing in\n{text}");
    }
    let layers = of["cycle"]["layers"].as_array().unwrap();
    assert!(layers.len() > 4);
    assert!(layers.iter().all(|layer| text.contains(layer["name"].as_str().unwrap())), "{text}");
}

#[test]
fn zeros_make_it_faster() {
    let folder = tempfile::tempdir().unwrap();
    let cycles = |more: &[&str]| json(folder.path(), "paper.toml", more)["total_cycles"].as_u64().unwrap();
    assert!(cycles(&["--sparsity", "dense"]) > cycles(&["--sparsity", "paper"]));
    assert_eq!(cycles(&[]), cycles(&["--sparsity", "paper"]));
}

#[test]
fn a_trace_follows_its_schema_and_ends_with_the_report() {
    let folder = tempfile::tempdir().unwrap();
    let of = json(folder.path(), "server-hbm.toml", &["--trace", "trace.json"]);
    let trace: Value =
        serde_json::from_str(&std::fs::read_to_string(folder.path().join("trace.json")).unwrap()).unwrap();
    let schema = std::fs::read_to_string(root().join("docs/schema/trace.json")).unwrap();
    let schema = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
    assert!(schema.is_valid(&trace));
    let end =
        |event: &Value| Some(event["args"]["start_cycle"].as_u64()? + event["args"]["cycles"].as_u64()?);
    let last = trace["traceEvents"].as_array().unwrap().iter().filter_map(end).max().unwrap();
    let total = of["total_cycles"].as_u64().unwrap();
    // What occupies a module ends before its result has left the pipeline.
    assert!(last <= total && last * 2 > total, "{last} {total}");
}

#[test]
fn both_fidelities_stand_side_by_side_with_why_they_differ() {
    let folder = tempfile::tempdir().unwrap();
    let vector = "2,16,8,4,8,3,3,1,12,24,4,1,1";
    let both = json(folder.path(), vector, &["--fidelity", "published,cycle"]);
    let one = |fidelity: &str| json(folder.path(), vector, &["--fidelity", fidelity]);
    assert_eq!(both["published"], one("published"));
    assert_eq!(both["cycle"], one("cycle"));
    assert_ne!(both["published"]["total_cycles"], both["cycle"]["total_cycles"]);
    let text = simulate(folder.path(), vector, &["--fidelity", "published,cycle"]);
    let causes = both["causes"].as_array().unwrap();
    assert!(causes.len() > 5);
    assert!(causes.iter().all(|cause| text.contains(cause.as_str().unwrap())), "{text}");
}

#[cfg(unix)]
#[test]
fn files_of_any_name_are_read() {
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().unwrap();
    let name =
        |end: &str| std::ffi::OsStr::from_bytes(&[b"caf\xe9".as_slice(), end.as_bytes()].concat()).to_owned();
    let copy = |from: &str, end: &str| {
        std::fs::copy(root().join("examples").join(from), folder.path().join(name(end))).unwrap();
    };
    copy("cnns/tiny.toml", "-cnn.toml");
    copy("accelerators/paper.toml", "-accelerator.toml");
    copy("jobs.jsonl", ".jsonl");
    let run = |arguments: &[&std::ffi::OsStr]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_codebench"));
        command.args(arguments).current_dir(folder.path()).output().unwrap()
    };
    let [simulate, cnn, accelerator, jobs] =
        ["simulate", "--cnn", "--accelerator", "--jobs"].map(std::ffi::OsStr::new);
    let one = run(&[simulate, cnn, &name("-cnn.toml"), accelerator, &name("-accelerator.toml")]);
    assert_eq!(one.status.code(), Some(0), "{}", String::from_utf8_lossy(&one.stderr));
    let stream = run(&[simulate, jobs, &name(".jsonl")]);
    assert_eq!(stream.status.code(), Some(0), "{}", String::from_utf8_lossy(&stream.stderr));
    assert!(!stream.stdout.is_empty());
    // Neither a file nor a network.
    let unknown = run(&[simulate, cnn, &name(""), accelerator, &name("-accelerator.toml")]);
    assert_eq!(unknown.status.code(), Some(2), "{}", String::from_utf8_lossy(&unknown.stderr));
}

#[test]
fn names_are_fit_for_a_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let tiny = std::fs::read_to_string(root().join("examples/cnns/tiny.toml")).unwrap();
    let named = tiny.replacen("name = \"tiny\"", "name = \"red \\u001b[31m\"", 1);
    std::fs::write(folder.path().join("red.toml"), named).unwrap();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_codebench"));
        let output = command.args(arguments).current_dir(folder.path()).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let accelerator = "2,16,8,4,8,3,3,1,12,24,4,1,1";
    for arguments in [
        ["cnn", "show", "red.toml"].as_slice(),
        &["cnn", "count", "red.toml"],
        &["simulate", "--cnn", "red.toml", "--accelerator", accelerator],
    ] {
        let shown = run(arguments);
        assert!(shown.contains("red \\u{1b}[31m") && !shown.contains('\u{1b}'), "{shown}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn help_that_cannot_be_written_is_a_failure() {
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_codebench"));
    let output = command.arg("--help").stdout(full).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("cannot write to standard output"), "{said}");
}
