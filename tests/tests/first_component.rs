//! The tutorial on a first accelerator component works as written: its file is put where the page says, its commands are
//! run in order.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic)]

use codebench_tests::root;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

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

/// A reader of the page in a folder of their own, with the command in their path.
struct Reader {
    folder: tempfile::TempDir,
}

impl Reader {
    fn new() -> Reader {
        let folder = tempfile::tempdir().unwrap();
        let tools = folder.path().join("tools");
        std::fs::create_dir_all(&tools).unwrap();
        let binary = Path::new(env!("CARGO_BIN_EXE_codebench-under-test"));
        std::os::unix::fs::symlink(binary, tools.join("codebench")).unwrap();
        Reader { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn shell(&self, script: &str) -> Output {
        let (home, tools) = (self.path("home"), self.path("tools"));
        let path = format!("{}:{}", tools.display(), std::env::var("PATH").unwrap());
        let mut shell = Command::new("sh");
        shell.args(["-c", script]).current_dir(self.folder.path()).env("PATH", path);
        shell.env("XDG_DATA_HOME", home.join("data")).env("XDG_CACHE_HOME", home.join("cache"));
        shell.env("CARGO_NET_OFFLINE", "true").env("CARGO_TARGET_DIR", self.path("outer-product/target"));
        shell.env_remove("CODEBENCH_PLUGIN_PATH").output().unwrap()
    }
}

#[test]
fn the_tutorial_works_as_written() {
    let page = std::fs::read_to_string(root().join("docs/src/first-component.md")).unwrap();
    let reader = Reader::new();
    let mut script = String::from("set -e\n");
    let (mut sources, mut accelerators) = (Vec::new(), Vec::new());
    for (language, text) in blocks(&page) {
        match language.as_str() {
            "sh" => script += &text,
            "rust" => {
                let file = reader.path("lib.rs");
                std::fs::write(&file, &text).unwrap();
                script += &format!("cp '{}' outer-product/src/lib.rs\n", file.display());
                sources.push(text);
            }
            "toml" => {
                let file = reader.path("accelerator.toml");
                std::fs::write(&file, &text).unwrap();
                script += &format!("cp '{}' accelerator.toml\n", file.display());
                accelerators.push(text);
            }
            other => panic!("a block of language `{other}`: is it to be run?"),
        }
    }
    assert_eq!((sources.len(), accelerators.len()), (1, 1));
    let output = reader.shell(&script);
    let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{script}\n{said}\n{errors}");
    assert!(said.contains("acme/outer-product 0.1.0, kind accel-module, native"), "{said}");
    // A busy machine may make the check of time warn.
    assert!(said.contains(" passed, 0 failed"), "{said}");
    assert!(said.contains("Units along output pixels."), "{said}");
    assert!(said.contains("latency"), "{said}");

    simulates(&reader, &accelerators[0]);
    what_is_broken_is_caught(&reader, &sources[0]);
}

const LIBRARY: &str = "outer-product/target/debug/libouter_product_native.so";

/// Step 5: the accelerator; the parameters of its compute module have an effect, and are validated.
fn simulates(reader: &Reader, module: &str) {
    let simulate = |module: &str| {
        std::fs::write(reader.path("accelerator.toml"), module).unwrap();
        let network = root().join("examples/cnns/residual.json");
        reader.shell(&format!(
            "codebench simulate --cnn '{}' --accelerator accelerator.toml --fidelity cycle --format json --plugin {LIBRARY} \
             --allow-native",
            network.display()
        ))
    };
    let latency = |module: &str| {
        let output = simulate(module);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        report["latency_s"].as_f64().unwrap()
    };
    assert!(module.contains("rows = 32"), "{module}");
    let smaller = latency(&module.replace("rows = 32", "rows = 1"));
    assert!(latency(module) < smaller);
    let refused = simulate(&module.replace("rows = 32", "rows = 0"));
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && said.contains("rows") && said.contains("256"), "{said}");
}

/// Step 4: what the page says of cycles divided by two.
fn what_is_broken_is_caught(reader: &Reader, source: &str) {
    let cycles = "groups * row_folds * column_folds * window";
    assert_eq!(source.matches(cycles).count(), 1);
    let broken = source.replace(cycles, &format!("({cycles}) / 2"));
    std::fs::write(reader.path("outer-product/src/lib.rs"), broken).unwrap();
    let output = reader.shell(&format!(
        "(cd outer-product && cargo build --quiet) && codebench plugin check {LIBRARY} --allow-native --format json"
    ));
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    let reports: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
    let outcomes = reports[0]["outcomes"].as_array().unwrap();
    let failed: Vec<_> = outcomes.iter().filter(|o| o["status"] == "failed").map(|o| &o["check"]).collect();
    assert!(failed.iter().any(|check| *check == "rates"), "{failed:?}");
}
