//! Versions of the contract: what the documentation says of them, and that frozen ones do not change.

use crate::common;
use codebench_every_kind::ask::Answers;
use codebench_host::ReadFile;
use codebench_host::wasm::{WasmLimits, load_with};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

/// The folders in a folder, one for each version.
fn folders(parent: &str) -> impl Iterator<Item = PathBuf> {
    std::fs::read_dir(root().join(parent)).unwrap().map(|entry| entry.unwrap().path())
}

/// SHA-256 over the WIT files of a folder in order of their names: name, zero byte, text, zero byte.
fn hash(folder: &Path) -> String {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.retain(|f| f.extension().is_some_and(|e| e == "wit"));
    files.sort();
    assert!(!files.is_empty(), "{} holds no WIT", folder.display());
    let mut hasher = Sha256::new();
    for file in files {
        hasher.update(file.file_name().unwrap().as_encoded_bytes());
        hasher.update([0]);
        hasher.update(std::fs::read(&file).unwrap());
        hasher.update([0]);
    }
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An unstable version may change, and the page with it; a frozen one may not, and its page neither.
#[test]
fn the_stability_page_has_the_hash_of_every_version() {
    let page = std::fs::read_to_string(root().join("docs/src/stability.md")).unwrap();
    let folders = [root().join("tests/contract/0.0.1")].into_iter().chain(folders("sdk/wit"));
    for folder in folders {
        let version = folder.file_name().unwrap().to_string_lossy().into_owned();
        let hash = hash(&folder);
        let row = page.lines().find(|l| l.starts_with(&format!("| `{version}` |")));
        let row = row.unwrap_or_else(|| panic!("docs/src/stability.md has no row for version {version}"));
        assert!(
            row.contains(&hash),
            "{} has hash {hash}; docs/src/stability.md says {row}: if the version is frozen, undo the change; if it is \
             unstable, renew the row",
            folder.display()
        );
    }
}

#[test]
fn every_frozen_version_has_a_fixture_that_does_not_change() {
    let hash = |bytes: &[u8]| Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect::<String>();
    let frozen: Vec<PathBuf> = folders("tests/contract").collect();
    for folder in &frozen {
        let fixture = std::fs::read(folder.join("fixture.wasm")).unwrap();
        let recorded = std::fs::read_to_string(folder.join("fixture.sha256")).unwrap();
        assert_eq!(hash(&fixture), recorded.trim(), "{}", folder.display());
    }
    for published in folders("sdk/wit").filter(|f| !f.to_string_lossy().ends_with("-unstable")) {
        let version = published.file_name().unwrap();
        assert!(
            frozen.iter().any(|f| f.file_name() == Some(version)),
            "{version:?} has no fixture in tests/contract"
        );
    }
}

/// A plugin of every kind, built for 0.1.0 on the day that it was frozen, answers as it did on that day.
#[test]
fn a_plugin_built_for_0_1_0_keeps_working() {
    let folder = root().join("tests/contract/0.1.0");
    let file = ReadFile::read(&folder.join("fixture.wasm"), None).unwrap();
    let catalog = common::catalog(load_with(&file, &WasmLimits::default(), None).unwrap());
    let answers: String =
        Answers::of(&catalog).iter().map(|(what, said)| format!("{what}: {said}\n")).collect();
    let golden = folder.join("answers.txt");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&golden, &answers).unwrap();
    }
    assert_eq!(
        answers,
        std::fs::read_to_string(&golden).unwrap(),
        "BLESS=1 accepts new questions and new fields"
    );
}
