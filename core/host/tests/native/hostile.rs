//! What is no plugin, lies or misbehaves ends as one refusal, and this process lives.

use super::{checker, checker_with, load};
use codebench_fixtures::{Build, copies, hostile, library};
use codebench_host::{HostError, ReadFile, native};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Why the library is refused. Only what hangs is waited for in vain. Its private copy is gone then.
fn refusal(name: &str) -> String {
    let file = ReadFile::read(&hostile(name), None).unwrap();
    let parent = tempfile::tempdir_in(copies()).unwrap();
    // It is made for this user alone.
    let folder = parent.path().join("copies");
    let limit = Duration::from_secs(if name.starts_with("hanging") { 2 } else { 60 });
    let refused = native::load_with(&file, &checker(limit), None, &folder).err().unwrap();
    let copy = folder.join(format!("{}{}", file.sha256, std::env::consts::DLL_SUFFIX));
    assert!(!copy.exists(), "{name}: the copy of a refused library stays");
    match refused {
        HostError::Refused { reason, .. } => reason,
        other => panic!("{name}: {other}"),
    }
}

#[test]
fn what_is_no_plugin_is_refused() {
    let cases = [
        ("no_symbol", "it has no symbol `codebench_plugin_manifest`: it is no codebench plugin"),
        ("foreign_manifest", "its symbol `codebench_plugin_manifest` is not codebench's"),
        ("later_format", "its manifest has format 99, but this codebench reads format 1"),
        ("no_document", "its manifest is malformed (expected ident at line 1 column 2)"),
        ("null_text", "its manifest is malformed (a text of 0 bytes)"),
        ("later_contract", "it was built for version 9.0.0 of the contract of kind memory"),
        ("missing_module", "it has no symbol `codebench_memory`"),
        ("foreign_module", "its plugins of kind memory were built with another version of abi_stable"),
        ("aborting_panics", "it was built with `panic = \"abort\"`"),
        (
            "built_in_kind",
            "it has a plugin of kind executor, which exists built in only: leave it out, or build it into a program of your own",
        ),
    ];
    for (name, expected) in cases {
        let reason = refusal(name);
        assert!(reason.starts_with(expected), "{name}: {reason}");
    }
}

#[test]
fn what_misbehaves_does_so_in_the_child() {
    let ended = "when it was loaded, made and called once: mend what its initialisers, its constructors or that call do";
    let cases = [
        ("hanging", "did not answer within 2 s"),
        ("hanging_initialiser", "did not answer within 2 s"),
        ("aborting", "ended its process by signal 6 (abort)"),
        ("segfaulting", "ended its process by signal 11 (segmentation fault)"),
        ("exiting", "ended its process with status 0"),
    ];
    for (name, expected) in cases {
        assert_eq!(refusal(name), format!("it {expected} {ended}"), "{name}");
    }
}

/// What is well made until a plugin of it is made.
#[test]
fn what_misbehaves_in_the_constructor_does_so_in_the_child() {
    let file = ReadFile::read(&library("codebench-misbehaving-native", &Build::default()), None).unwrap();
    let refusal = |misdeed: &str| {
        let checker = checker_with(Duration::from_secs(2), &format!("MISDEED='{misdeed}'"));
        let refused = native::load_with(&file, &checker, None, &copies())
            .err()
            .map(|e| e.to_string())
            .unwrap_or_default();
        refused.split_once(" is refused: ").map(|(_, reason)| reason.to_owned()).unwrap_or_default()
    };
    let ended = "when it was loaded, made and called once: mend what its initialisers, its constructors or that call do";
    let broken = "its plugin `test/misbehaving` breaks the contract:";
    let cases = [
        ("hangs", format!("it did not answer within 2 s {ended}")),
        ("aborts", format!("it ended its process by signal 6 (abort) {ended}")),
        ("segfaults", format!("it ended its process by signal 11 (segmentation fault) {ended}")),
        ("exits", format!("it ended its process with status 0 {ended}")),
        (
            "panics in info",
            "its plugins cannot be described: the plugin panicked: asked to panic in info; mend `info` of the plugin that \
             says so"
                .to_owned(),
        ),
        ("panics", format!("{broken} the plugin panicked: asked to panic")),
        ("says what a terminal acts on", format!("{broken} red\\u{{1b}}[31m\\nand more")),
        (
            "writes to the terminal",
            "the summary of its plugin `test/misbehaving` holds the control character U+001B, which a terminal would act \
             on: leave it out"
                .to_owned(),
        ),
    ];
    for (misdeed, expected) in cases {
        assert_eq!(refusal(misdeed), expected, "{misdeed}");
    }
}

/// Others could swap a copy between its comparison and its loading, or say that it was looked at.
#[test]
fn a_folder_of_copies_that_others_may_enter_is_not_used() {
    use std::os::unix::fs::PermissionsExt;
    let cache = tempfile::tempdir().unwrap();
    let folder = cache.path().join("codebench/native");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o777)).unwrap();
    let this = std::env::current_exe().unwrap();
    let load = |library: &std::path::Path| {
        let mut command = std::process::Command::new(&this);
        command.args(["--exact", "load_alone", "--nocapture"]);
        command.env("XDG_CACHE_HOME", cache.path()).env("CODEBENCH_LOAD", library);
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    let library = hostile("no_symbol");
    let said = load(&library);
    assert!(
        said.contains("others may enter it (mode 0777), and what is in it may be theirs: remove it"),
        "{said}"
    );
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
    std::fs::remove_dir(&folder).unwrap();
    assert!(load(&library).contains("it has no symbol"));
    assert_eq!(std::fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn what_is_no_library_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("library.so");
    let reason = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        load(&path).err().unwrap().to_string()
    };
    assert!(reason(b"#!/bin/sh").contains("it is no library of this platform"));
    assert!(reason(b"\x7fELF\x02\x01\x01\0 truncated").contains("it is no library of this platform"));
    assert!(reason(b"\x7fELF\x02\x01\x01\xc8").contains("compiled earlier"));
}

/// The loader's lock is held for ever then.
#[test]
fn a_child_that_hangs_while_it_loads_ends_with_its_parent_and_at_its_limit() {
    for (limit, is_abandoned) in [(Duration::from_secs(600), true), (Duration::from_secs(1), false)] {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "hang_in_the_loader", "--nocapture"]);
        command.env("CODEBENCH_HANG", hostile("hanging_initialiser")).stdout(Stdio::null());
        native::ends_with_parent(&mut command, Some(limit));
        let mut child = command.spawn().unwrap();
        std::thread::sleep(Duration::from_millis(500));
        assert!(child.try_wait().unwrap().is_none(), "it hangs");
        if is_abandoned {
            // As if this process were gone.
            drop(child.stdin.take());
        }
        let started = Instant::now();
        while child.try_wait().unwrap().is_none() {
            assert!(started.elapsed() < Duration::from_secs(60), "it goes on; abandoned: {is_abandoned}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
