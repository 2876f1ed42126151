//! `codebench plugin new`: what it makes in Rust builds and keeps its contract, untouched, also under a name that is a word of
//! the field.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic)]

use codebench_fixtures::root;
use codebench_guests::compiler;
use codebench_tests::{Answer, answer, command};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Makes a project with the versions of this repository.
fn new(folder: &Path, kind: &str, name: &str, form: &str) -> PathBuf {
    let project = folder.join(format!("{name}-{form}"));
    let made = answer(&mut command!("plugin", "new", kind, name, "--form", form, "--out", &project));
    assert_eq!(made.status, Some(0), "{}", made.stderr);
    std::fs::copy(root().join("Cargo.lock"), project.join("Cargo.lock")).unwrap();
    project
}

/// `cargo build` in the project. All projects share a target folder, so that the SDK is compiled once.
fn build(project: &Path, arguments: &[&str]) -> (Command, PathBuf) {
    let target = root().join("target/plugins/projects");
    let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    build.args(["build", "--quiet", "--offline"]).args(arguments);
    build.arg("--target-dir").arg(&target).current_dir(project);
    (build, target)
}

fn built(mut build: Command) {
    let built = answer(&mut build);
    assert_eq!(built.status, Some(0), "{build:?}: {}", built.stderr);
}

fn keeps_its_contract(checked: &Answer, id: &str) {
    assert_eq!(checked.status, Some(0), "{id}: {}\n{}", checked.stdout, checked.stderr);
    assert!(
        checked.stdout.contains(id) && checked.stdout.contains(" passed, 0 failed"),
        "{}",
        checked.stdout
    );
}

#[test]
fn a_new_library_of_every_kind_keeps_its_contract() {
    let folder = tempfile::tempdir().unwrap();
    for (kind, name) in [
        ("cnn-op", "plugin"),
        ("accel-module", "my-array-2"),
        ("memory", "memory"),
        ("surrogate", "surrogate"),
        ("strategy", "points"),
        ("evaluator", "evaluator"),
    ] {
        let (build, target) = build(&new(folder.path(), kind, name, "native"), &["--workspace"]);
        built(build);
        let library = target.join("debug").join(format!(
            "{}{}_native{}",
            std::env::consts::DLL_PREFIX,
            name.replace('-', "_"),
            std::env::consts::DLL_SUFFIX
        ));
        let id = format!("example/{name}");
        let listed = answer(&mut command!("plugin", "info", &id, "--plugin", &library, "--allow-native"));
        assert!(listed.stdout.contains(&format!("kind {kind}, native")), "{kind}: {}", listed.stderr);
        keeps_its_contract(&answer(&mut command!("plugin", "check", &library, "--allow-native")), &id);
    }
}

#[test]
fn a_new_component_keeps_its_contract() {
    let Some(rustc) = compiler() else { return };
    let folder = tempfile::tempdir().unwrap();
    for (kind, name) in [("memory", "memory"), ("strategy", "strategy")] {
        let project = new(folder.path(), kind, name, "wasm");
        let package = format!("{name}-wasm");
        let options = ["--release", "--target", "wasm32-unknown-unknown", "--package", &package];
        let (mut build, target) = build(&project, &options);
        build.env("RUSTC", &rustc);
        built(build);
        let module = target.join("wasm32-unknown-unknown/release").join(format!("{name}_wasm.wasm"));
        let packed = answer(&mut command!("plugin", "pack", &module));
        assert!(packed.stdout.contains(&format!("{kind} example/{name} 0.1.0")), "{}", packed.stderr);
        let component = module.with_extension("component.wasm");
        keeps_its_contract(&answer(&mut command!("plugin", "check", &component)), &format!("example/{name}"));
    }
}

#[test]
fn what_could_not_be_built_or_loaded_is_refused() {
    for (arguments, said) in [
        (["memory", "match", "--lang", "rust"], "no crate can be called `match`"),
        (["memory", "mine", "--vendor", "codebench"], "the vendor of the built-in plugins"),
        (["cnn-op", "conv", "--lang", "rust"], "keyword `conv`"),
        (["engine", "mine", "--lang", "rust"], "engine"),
    ] {
        let refused = answer(command!("plugin", "new").args(arguments).current_dir(std::env::temp_dir()));
        assert_eq!(refused.status, Some(2), "{}", refused.stdout);
        assert!(refused.stderr.contains(said), "{}", refused.stderr);
    }
    let help = answer(&mut command!("plugin", "new", "--help"));
    assert!(help.stdout.contains("There is no template of the kind engine"), "{}", help.stdout);
}
