//! Native plugins from the command line: consent, pins, discovery, trust, and a run.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use codebench_fixtures::{Build, hostile, library};
use codebench_tests::experiment::Experiment;
use codebench_tests::{Answer, answer, assert_golden, command};
use std::path::{Path, PathBuf};
use std::process::Command;

const BINARY: &str = env!("CARGO_BIN_EXE_codebench-under-test");

fn every_kind() -> PathBuf {
    library("codebench-every-kind-native", &Build::default())
}

/// A user with an empty home.
struct User(tempfile::TempDir);

impl User {
    fn new() -> User {
        User(tempfile::tempdir().unwrap())
    }

    fn at_home(&self, command: &mut Command) {
        command.env("HOME", self.0.path()).env_remove("XDG_DATA_HOME").env_remove("XDG_CACHE_HOME");
        command.env_remove("CODEBENCH_PLUGIN_PATH");
    }

    fn run(&self, arguments: &[&str], found: Option<&Path>) -> Answer {
        let mut command = command!();
        self.at_home(&mut command);
        if let Some(found) = found {
            command.env("CODEBENCH_PLUGIN_PATH", found);
        }
        answer(command.args(arguments))
    }
}

#[test]
fn a_library_needs_consent() {
    let (user, library) = (User::new(), every_kind());
    let path = library.to_str().unwrap();
    let refused = user.run(&["plugin", "list", "--plugin", path], None);
    assert_eq!(refused.status, Some(2), "{}", refused.stdout);
    assert_golden("native/not-trusted.txt", &refused.stderr.replace(path, "LIBRARY"));
    let allowed = user.run(&["plugin", "list", "--plugin", path, "--allow-native"], None);
    assert_eq!(allowed.status, Some(0), "{}", allowed.stderr);
    assert!(allowed.stdout.contains("test/lanes"), "{}", allowed.stdout);
}

#[test]
fn a_library_that_was_found_is_left_out_until_it_is_trusted() {
    let (user, library) = (User::new(), every_kind());
    let path = library.to_str().unwrap();
    let healthy = || {
        let listed = user.run(&["plugin", "list", "--json"], Some(&library));
        assert_eq!(listed.status, Some(0), "{}", listed.stderr);
        let listed: Vec<serde_json::Value> = serde_json::from_str(&listed.stdout).unwrap();
        let of_file: Vec<_> = listed.iter().filter(|p| p["source"] == path).cloned().collect();
        assert!(of_file.iter().all(|p| p["form"] == "native" && p["sha256"].as_str().unwrap().len() == 64));
        of_file.iter().filter(|p| p["healthy"] == true && p["trusted"] == true).count()
    };
    assert_eq!(healthy(), 0);
    for (verb, count, said) in [("trust", 9, "trusted: "), ("untrust", 0, "no longer trusted: ")] {
        let answer = user.run(&["plugin", verb, path], None);
        assert!(answer.stdout.starts_with(said), "{} {}", answer.stdout, answer.stderr);
        assert_eq!(healthy(), count);
    }
    let noted = user.run(&["cnn", "list", "published/resnet18"], Some(&library));
    assert!(noted.stderr.starts_with("note: plugin file"), "{}", noted.stderr);
}

#[test]
fn an_experiment_names_its_plugin_and_the_run_notes_it() {
    let (user, library) = (User::new(), every_kind());
    let experiment = Experiment::quickstart(BINARY, 2, 1);
    let sha256 = {
        let trusted = user.run(&["plugin", "trust", library.to_str().unwrap()], None).stdout;
        trusted.split_whitespace().nth(1).unwrap().to_owned()
    };
    let text = experiment.text();
    let with_plugin = |pin: &str| {
        let path = library.display();
        format!(
            "{text}\n[[evaluator]]\nid = \"depth\"\nplugin = \"test/depth\"\n\n[plugins]\nallow-native = true\n\n\
             [[plugins.file]]\npath = \"{path}\"\nsha256 = \"{pin}\"\n"
        )
    };
    let run = |out: &Path| {
        let mut command = experiment.command(out, &[]);
        user.at_home(&mut command);
        answer(&mut command)
    };

    experiment.write(&with_plugin(&"0".repeat(64)));
    let refused = run(&experiment.path("pin"));
    assert_eq!(refused.status, Some(2), "{}", refused.stdout);
    let said = refused.stderr.replace(library.to_str().unwrap(), "LIBRARY").replace(&sha256, "ACTUAL");
    let said = said.replace(experiment.path("").to_str().unwrap(), "");
    assert_golden("native/pin.txt", &said);

    experiment.write(&with_plugin(&sha256));
    let out = experiment.path("out");
    let ran = run(&out);
    assert_eq!(ran.status, Some(0), "{}\n{}", ran.stdout, ran.stderr);
    let report = std::fs::read_to_string(out.join("report.html")).unwrap();
    assert!(report.contains(&format!("native, SHA-256 {sha256}")), "the report names the file");
    let records = std::fs::read_to_string(out.join("records.csv")).unwrap();
    assert!(records.lines().next().unwrap().contains("depth.layers"), "{records}");
}

/// Every refusal of a hostile library, word for word.
#[test]
fn hostile_libraries_are_refused_in_one_line() {
    let user = User::new();
    let names = [
        "no_symbol",
        "foreign_manifest",
        "later_format",
        "no_document",
        "null_text",
        "later_contract",
        "missing_module",
        "foreign_module",
        "aborting_panics",
        "built_in_kind",
        "aborting",
        "segfaulting",
        "exiting",
    ];
    let mut text = String::new();
    for name in names {
        let library = hostile(name);
        let path = library.to_str().unwrap();
        let refused = user.run(&["plugin", "list", "--plugin", path, "--allow-native"], None);
        assert_eq!(refused.status, Some(2), "{name}: {}", refused.stderr);
        text += &refused.stderr.replace(path, &format!("{name}.so"));
    }
    assert_golden("native/hostile.txt", &text);
}

/// Codebench's own folder cannot be used, as on a full disk: that is a failure, no mistake in what the user gave.
#[test]
fn a_library_that_cannot_be_copied_is_a_failure() {
    let (user, library) = (User::new(), every_kind());
    std::fs::write(user.0.path().join(".cache"), "no folder").unwrap();
    let failed = user.run(&["plugin", "list", "--plugin", library.to_str().unwrap(), "--allow-native"], None);
    assert_eq!(failed.status, Some(1), "{}", failed.stderr);
    assert!(failed.stderr.contains(".cache/codebench/native"), "{}", failed.stderr);
}

/// A library that says it is one of codebench's own.
#[test]
fn a_library_that_claims_the_vendor_of_the_built_in_plugins_is_refused() {
    let (user, library) = (User::new(), library("codebench-misbehaving-native", &Build::default()));
    let path = library.to_str().unwrap();
    let list = |misdeed: &str| {
        let mut command = command!("plugin", "list", "--allow-native", "--plugin", path);
        user.at_home(&mut command);
        answer(command.env("MISDEED", misdeed))
    };
    let refused = list("claims the vendor of the built-in plugins");
    assert_eq!(refused.status, Some(2), "{}", refused.stdout);
    assert_golden("native/vendor.txt", &refused.stderr.replace(path, "LIBRARY"));
    let listed = list("");
    assert!(listed.stdout.contains("test/misbehaving"), "{}", listed.stderr);
}
