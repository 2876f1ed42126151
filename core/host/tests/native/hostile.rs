//! What is no plugin, lies or misbehaves ends as one refusal, and this process lives.

use super::{checker, load};
use codebench_fixtures::hostile;
use codebench_host::{HostError, ReadFile, native};
use std::time::Duration;

fn refusal(name: &str) -> String {
    let file = ReadFile::read(&hostile(name), None).unwrap();
    match native::load(&file, &checker(Duration::from_secs(2)), None).err().unwrap() {
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
        ("built_in_kind", "it has a plugin of kind executor, which exists built in only"),
    ];
    for (name, expected) in cases {
        let reason = refusal(name);
        assert!(reason.starts_with(expected), "{name}: {reason}");
    }
}

#[test]
fn what_misbehaves_does_so_in_the_child() {
    let ended = "when it was loaded, made and called once";
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
