//! Two programs that trust at the same time lose nothing.

use codebench_host::{ReadFile, Trust};
use std::path::Path;
use std::process::Command;

/// Not a test unless the test below starts it, with a data folder of its own.
#[test]
fn alone() {
    let Some(folder) = std::env::var_os("XDG_DATA_HOME").filter(|_| std::env::var_os("ALONE").is_some())
    else {
        return;
    };
    let file = |name: &str| {
        let path = Path::new(&folder).join(name);
        std::fs::write(&path, name).unwrap();
        ReadFile::read(&path, None).unwrap()
    };
    let (a, b) = (file("a"), file("b"));
    let (mut first, mut second) = (Trust::read().unwrap(), Trust::read().unwrap());
    assert!(first.add(&a).unwrap() && second.add(&b).unwrap());
    let both = Trust::read().unwrap();
    assert!(both.has(&a.sha256) && both.has(&b.sha256));
    // The first still knows nothing of what the second has added, and does not take it away.
    assert!(first.remove(&a.sha256).unwrap());
    let left = Trust::read().unwrap();
    assert!(!left.has(&a.sha256) && left.has(&b.sha256));
}

#[test]
fn what_another_program_has_trusted_meanwhile_stays() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "trust::alone", "--nocapture"]);
    command.env("ALONE", "1").env("XDG_DATA_HOME", folder.path()).env("XDG_CACHE_HOME", folder.path());
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    // With another name it would run nothing, and succeed.
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}
