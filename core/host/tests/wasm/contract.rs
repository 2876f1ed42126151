//! Versions of the contract: what the documentation says of them, and that frozen ones do not change.

use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
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
    for parent in ["sdk/wit", "tests/contract"] {
        for entry in std::fs::read_dir(root().join(parent)).unwrap() {
            let folder = entry.unwrap().path();
            let version = folder.file_name().unwrap().to_string_lossy().into_owned();
            let hash = hash(&folder);
            let row = page.lines().find(|l| l.starts_with(&format!("| `{version}` |")));
            let row = row.unwrap_or_else(|| panic!("docs/src/stability.md has no row for version {version}"));
            assert!(
                row.contains(&hash),
                "{parent}/{version} has hash {hash}; docs/src/stability.md says {row}: if the version is frozen, undo the \
                 change; if it is unstable, renew the row"
            );
        }
    }
}

#[test]
fn the_fixture_of_the_frozen_version_does_not_change() {
    let folder = root().join("tests/contract/0.0.1");
    let hash = |bytes: &[u8]| Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect::<String>();
    let fixture = std::fs::read(folder.join("fixture.wasm")).unwrap();
    let recorded = std::fs::read_to_string(folder.join("fixture.sha256")).unwrap();
    assert_eq!(hash(&fixture), recorded.trim());
}
