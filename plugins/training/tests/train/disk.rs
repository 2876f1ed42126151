//! A disk that is full: an error with a remedy, and what stood there before still stands.

use crate::setting;
use codebench_sdk::api::NamedTensor;
use codebench_sdk::model::WeightRole;
use codebench_training::{Standing, checkpoint, export, state};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A file system of 64 kB, which only root may mount.
struct Small(PathBuf);

impl Small {
    fn mount(folder: &Path) -> Option<Small> {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"]).arg(folder).stderr(Stdio::null());
        mount.status().is_ok_and(|s| s.success()).then(|| Small(folder.to_owned()))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
#[cfg(target_os = "linux")]
fn states_and_exports_say_that_the_disk_is_full_and_leave_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let Some(small) = Small::mount(folder.path()) else {
        let missing = "mounting a small file system needs root";
        assert!(std::env::var_os("CI").is_none_or(|value| value != "true"), "{missing}");
        println!("SKIPPED: {missing}");
        return;
    };
    let path = |name: &str| folder.path().join(name);
    let tensor = |values: usize| NamedTensor {
        name: "w".into(),
        role: WeightRole::Weight,
        shape: vec![values as u64],
        values: vec![0.5; values],
    };
    checkpoint::save(&path("c.safetensors"), &[tensor(8)], "key").unwrap();
    export::npz(&path("c.npz"), &[tensor(8)]).unwrap();
    let before = ["c.safetensors", "c.npz"].map(|name| std::fs::read(path(name)).unwrap());
    let large = [tensor(1 << 16)];
    let refused = [
        (checkpoint::save(&path("c.safetensors"), &large, "key"), "the checkpoint", "c.safetensors"),
        (export::npz(&path("c.npz"), &large), "the weights", "c.npz"),
        (
            state::save(
                &path("c.state.safetensors"),
                "key",
                3,
                &Standing::default(),
                setting::built(&setting::lower(&setting::small()), 1).as_ref(),
            )
            .map(drop),
            "the checkpoint",
            "c.state.safetensors",
        ),
    ];
    for (result, what, name) in refused {
        let message = result.unwrap_err().message;
        let start = format!("cannot write {what} `{}`: ", path(name).display());
        assert!(message.starts_with(&start), "{message}");
        assert!(message.ends_with(": free some space, or give a folder on another disk"), "{message}");
    }
    assert!(before == ["c.safetensors", "c.npz"].map(|name| std::fs::read(path(name)).unwrap()));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "nothing half-written is left");
    drop(small);
}
