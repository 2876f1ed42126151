//! The tutorial on a first accelerator component works as written: its file is put where the page says, its commands are
//! run in order.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic)]

use codebench_tests::root;
use std::path::Path;
use std::process::Command;

/// The fenced blocks of a page: language and text.
fn blocks(page: &str) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let text: Vec<&str> = lines.by_ref().take_while(|l| *l != "```").collect();
            blocks.push((language.to_owned(), text.join("\n") + "\n"));
        }
    }
    blocks
}

#[test]
fn the_tutorial_works_as_written() {
    let page = std::fs::read_to_string(root().join("docs/src/first-component.md")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (home, tools) = (folder.path().join("home"), folder.path().join("tools"));
    std::fs::create_dir_all(&home).unwrap();
    std::fs::create_dir_all(&tools).unwrap();
    let binary = Path::new(env!("CARGO_BIN_EXE_codebench-under-test"));
    std::os::unix::fs::symlink(binary, tools.join("codebench")).unwrap();
    let path = format!("{}:{}", tools.display(), std::env::var("PATH").unwrap());
    let mut script = String::from("set -e\n");
    let mut files = 0;
    for (language, text) in blocks(&page) {
        match language.as_str() {
            "sh" => script += &text,
            "rust" => {
                let file = folder.path().join("lib.rs");
                std::fs::write(&file, text).unwrap();
                script += &format!("cp '{}' outer-product/src/lib.rs\n", file.display());
                files += 1;
            }
            "toml" => {}
            other => panic!("a block of language `{other}`: is it to be run?"),
        }
    }
    assert_eq!(files, 1);
    let output = Command::new("sh")
        .args(["-c", &script])
        .current_dir(folder.path())
        .env("PATH", path)
        .env("XDG_DATA_HOME", home.join("data"))
        .env("XDG_CACHE_HOME", home.join("cache"))
        .env("CARGO_NET_OFFLINE", "true")
        .env("CARGO_TARGET_DIR", folder.path().join("outer-product/target"))
        .env_remove("CODEBENCH_PLUGIN_PATH")
        .output()
        .unwrap();
    let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{script}\n{said}\n{errors}");
    assert!(said.contains("acme/outer-product 0.1.0, kind accel-module, native"), "{said}");
    // A busy machine may make the check of time warn.
    assert!(said.contains(" passed, 0 failed"), "{said}");
    assert!(said.contains("Units along output pixels."), "{said}");
}
