//! Where plugin files are found, and files that contradict each other or the built-in plugins.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic)]

use codebench_guests::c_module_with;
use codebench_tests::{Answer, answer, assert_golden, command};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A user with a home and components of their own.
struct User(tempfile::TempDir);

impl User {
    fn new() -> User {
        User(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command!();
        command.args(arguments).env("HOME", self.path("home"));
        command
    }

    /// A component with one memory of this id; `None` where there is no clang.
    fn component(&self, file: &str, id: &str) -> Option<PathBuf> {
        let module = c_module_with("tests/hostile/c/memory.c", &[&format!("ID=\"{id}\"")])?;
        let (core, component) = (self.path("core.wasm"), self.path(file));
        std::fs::create_dir_all(component.parent().unwrap()).unwrap();
        std::fs::write(&core, module).unwrap();
        let packed = answer(self.command(&["plugin", "pack"]).arg(&core).arg("-o").arg(&component));
        assert_eq!(packed.status, Some(0), "{}", packed.stderr);
        Some(component)
    }

    fn list(&self, options: &[&OsStr], found: &[&Path]) -> Answer {
        let mut command = self.command(&["plugin", "list"]);
        if !found.is_empty() {
            command.env("CODEBENCH_PLUGIN_PATH", std::env::join_paths(found).unwrap());
        }
        answer(command.args(options))
    }
}

/// The ids of vendor `acme` in the list.
fn ids(listed: &Answer) -> Vec<&str> {
    assert_eq!(listed.status, Some(0), "{}", listed.stderr);
    let ids = listed.stdout.lines().filter_map(|line| line.split_whitespace().next());
    ids.filter(|id| id.starts_with("acme/")).collect()
}

#[test]
fn files_are_found_in_the_data_folder_in_folders_and_in_every_entry_of_the_variable() {
    let user = User::new();
    let own = "home/.local/share/codebench/plugins";
    let Some(_) = user.component(&format!("{own}/own.wasm"), "acme/own") else { return };
    assert_eq!(ids(&user.list(&[], &[])), ["acme/own"]);

    // A folder stands for the plugin files in it, and not for those of folders below or for other files.
    user.component("folder/b.wasm", "acme/b").unwrap();
    user.component("folder/a.wasm", "acme/a").unwrap();
    user.component("folder/below/c.wasm", "acme/c").unwrap();
    std::fs::write(user.path("folder/README.md"), "not a plugin").unwrap();
    let folder = user.path("folder");
    let with_folder = ["acme/a", "acme/b", "acme/own"];
    assert_eq!(ids(&user.list(&["--plugin".as_ref(), folder.as_ref()], &[])), with_folder);

    // Entries are files and folders; what is not there is passed over, and the same file twice is one.
    let file = user.component("d.wasm", "acme/d").unwrap();
    let nowhere = user.path("nowhere");
    let listed = user.list(&[], &[&file, &nowhere, &folder, &file]);
    assert_eq!(ids(&listed), ["acme/a", "acme/b", "acme/d", "acme/own"]);

    // One that cannot be used is left out with the reason, whatever kind is asked for.
    std::fs::write(user.path("folder/broken.wasm"), "\0asm").unwrap();
    let listed = user.list(&["--kind".as_ref(), "strategy".as_ref()], &[&folder]);
    assert_eq!(ids(&listed), [""; 0]);
    let broken = user.path("folder/broken.wasm").display().to_string();
    assert!(
        listed.stdout.contains(&format!("not healthy: plugin file `{broken}` is refused: ")),
        "{}",
        listed.stdout
    );
    let healthy = listed.stdout.lines().filter(|line| line.contains("  healthy  ")).count();
    assert!(healthy > 1, "{}", listed.stdout);
}

#[test]
fn an_experiment_may_name_a_folder() {
    let user = User::new();
    let Some(_) = user.component("plugins/a.wasm", "acme/a") else { return };
    let experiment = user.path("experiment.toml");
    let text = std::fs::read_to_string(codebench_tests::root().join("examples/quickstart.toml")).unwrap();
    let with = |plugin: &str| format!("{text}\n[[plugins.file]]\npath = \"{plugin}\"\n");
    let counted = |text: &str| {
        std::fs::write(&experiment, text).unwrap();
        answer(command!("space", "count").arg(&experiment))
    };
    let good = counted(&with("plugins"));
    assert_eq!(good.status, Some(0), "{}", good.stderr);
    std::fs::write(user.path("plugins/b.wasm"), "text").unwrap();
    let refused = counted(&with("plugins"));
    assert_eq!(refused.status, Some(2), "{}", refused.stdout);
    assert!(refused.stderr.contains("b.wasm` is refused: it is neither"), "{}", refused.stderr);
}

/// Ids that contradict: of a component that says it is one of codebench's own, and of two files.
#[test]
fn an_id_is_of_its_vendor_and_of_one_file() {
    let user = User::new();
    let Some(liar) = user.component("liar.wasm", "codebench/x") else { return };
    let (first, second) = (
        user.component("first.wasm", "acme/same").unwrap(),
        user.component("second.wasm", "acme/same").unwrap(),
    );
    // Other bytes, or they would be one file.
    let bytes = std::fs::read(&second).unwrap();
    std::fs::write(&second, [&bytes[..8], &[0, 2, 1, b'x'], &bytes[8..]].concat()).unwrap();
    let mut said = String::new();
    for files in [vec![&liar], vec![&first, &second]] {
        let options: Vec<&OsStr> =
            files.iter().flat_map(|file| ["--plugin".as_ref(), file.as_os_str()]).collect();
        let refused = user.list(&options, &[]);
        assert_eq!(refused.status, Some(2), "{}", refused.stdout);
        said += &refused.stderr;
    }
    let folder = user.0.path().display().to_string();
    assert_golden("plugin-ids.txt", &said.replace(&format!("{folder}/"), ""));
    // Found and not named, the second is left out, and the first is used.
    let listed = user.list(&[], &[&first, &second]);
    assert_eq!(ids(&listed), ["acme/same"]);
    assert!(listed.stdout.contains("not healthy: "), "{}", listed.stdout);
}

/// What was not made does not stay, and what was there before does.
#[test]
fn a_component_that_cannot_be_loaded_is_not_written() {
    let user = User::new();
    let Some(bad) = c_module_with("tests/hostile/c/memory.c", &["KIND=\"engine\""]) else { return };
    let (core, out) = (user.path("core.wasm"), user.path("out.wasm"));
    std::fs::write(&core, bad).unwrap();
    let pack = || answer(user.command(&["plugin", "pack"]).arg(&core).arg("-o").arg(&out));
    let refused = pack();
    assert_eq!(refused.status, Some(2), "{}", refused.stdout);
    assert!(
        refused.stderr.contains("out.wasm` is refused: its plugin `evil/memory` is of kind `engine`"),
        "{}",
        refused.stderr
    );
    let files =
        || std::fs::read_dir(user.0.path()).unwrap().filter(|e| e.as_ref().unwrap().path().is_file()).count();
    assert!(!out.exists() && files() == 1);
    std::fs::write(&out, "before").unwrap();
    pack();
    assert_eq!((std::fs::read_to_string(&out).unwrap().as_str(), files()), ("before", 2));
}

/// What is there and no regular file is not replaced; a link is followed.
#[cfg(unix)]
#[test]
fn a_component_is_written_to_regular_files_only() {
    let user = User::new();
    let Some(good) = c_module_with("tests/hostile/c/memory.c", &[]) else { return };
    let core = user.path("core.wasm");
    std::fs::write(&core, good).unwrap();
    let pack =
        |out: &std::path::Path| answer(user.command(&["plugin", "pack"]).arg(&core).arg("-o").arg(out));
    let refused = pack(&user.path("."));
    assert_eq!(refused.status, Some(2), "{}", refused.stdout);
    assert!(
        refused.stderr.contains("is no regular file: give the name of the component's file"),
        "{}",
        refused.stderr
    );
    let (link, target) = (user.path("link.wasm"), user.path("target.wasm"));
    std::fs::write(&target, "before").unwrap();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    let packed = pack(&link);
    assert_eq!(packed.status, Some(0), "{}", packed.stderr);
    assert!(
        std::fs::symlink_metadata(&link).unwrap().is_symlink()
            && std::fs::read(&target).unwrap().starts_with(b"\0asm")
    );
}
