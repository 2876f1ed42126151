//! `codebench plugin new --lang c`: what it makes builds with clang and keeps its contract, untouched.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use codebench_guests::has_clang;
use codebench_tests::{answer, command};
use std::process::Command;

#[test]
fn a_new_project_in_c_builds_and_passes_its_check() {
    if !has_clang() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (kind, form) in [("accel-module", None), ("memory", Some("wasm"))] {
        let name = format!("my-{kind}");
        let project = folder.path().join(&name);
        let mut new =
            command!("plugin", "new", kind, &name, "--vendor", "acme", "--lang", "c", "--out", &project);
        new.args(form.iter().flat_map(|form| ["--form", form]));
        let made = answer(&mut new);
        assert_eq!(made.status, Some(0), "{}", made.stderr);
        let mut build = Command::new("./build.sh");
        build.current_dir(&project).env("CODEBENCH", env!("CARGO_BIN_EXE_codebench-under-test"));
        let built = answer(&mut build);
        assert_eq!(built.status, Some(0), "{kind}: {}", built.stderr);
        assert!(built.stdout.contains(&format!("{kind} acme/{name} 0.1.0")), "{}", built.stdout);
        assert!(built.stderr.is_empty(), "{kind}: {}", built.stderr);
        let file = project.join(format!("{name}.wasm"));
        let checked = answer(&mut command!("plugin", "check", &file));
        assert_eq!(checked.status, Some(0), "{kind}: {}\n{}", checked.stdout, checked.stderr);
        assert!(checked.stdout.contains(" passed, 0 failed"), "{}", checked.stdout);
    }
}

#[test]
fn what_c_is_not_for_is_refused() {
    for (arguments, said) in [
        (["strategy", "--lang", "c", "--vendor", "acme"], "templates in C for accel-module and memory"),
        (["memory", "--lang", "c", "--form", "native"], "leave --form out"),
    ] {
        let mut new = command!("plugin", "new", arguments[0], "no-such");
        let refused = answer(new.args(&arguments[1..]).current_dir(std::env::temp_dir()));
        assert_eq!(refused.status, Some(2), "{}", refused.stdout);
        assert!(refused.stderr.contains(said), "{}", refused.stderr);
    }
}
