//! Small variants of `examples/quickstart.toml`: real training and simulation with a smaller budget.

use crate::{Answer, answer, command, root};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The quickstart with other numbers, in a folder of its own that is removed with it.
#[derive(Debug)]
pub struct Experiment {
    folder: tempfile::TempDir,
    binary: String,
}

impl Experiment {
    /// `examples/quickstart.toml` with `trials` trials of `epochs` epochs. Batches are of four trials.
    ///
    /// # Panics
    /// If the quickstart has not exactly one line of each, or the folder cannot be written.
    #[allow(clippy::expect_used)]
    pub fn quickstart(binary: &str, trials: u64, epochs: u64) -> Experiment {
        let path = root().join("examples/quickstart.toml");
        let text = std::fs::read_to_string(path).expect("examples/quickstart.toml is readable");
        let text = with_line(&text, "budget", "trials", &trials.to_string());
        let text = with_line(&text, "recipe", "epochs", &epochs.to_string());
        let folder = tempfile::tempdir().expect("a temporary folder");
        let experiment = Experiment { folder, binary: binary.to_owned() };
        experiment.write(&text);
        experiment
    }

    /// Path of the experiment file.
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("experiment.toml")
    }

    /// A path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The text of the file.
    #[allow(clippy::expect_used)]
    pub fn text(&self) -> String {
        std::fs::read_to_string(self.file()).expect("the experiment is readable")
    }

    /// Replaces the text of the file.
    #[allow(clippy::expect_used)]
    pub fn write(&self, text: &str) {
        std::fs::write(self.file(), text).expect("the folder is writable");
    }

    /// `codebench run FILE --out OUT OPTIONS...`
    pub fn command(&self, out: &Path, options: &[&str]) -> Command {
        let mut command = command(&self.binary, &[]);
        command.arg("run").arg(self.file()).arg("--out").arg(out).args(options.iter().map(OsStr::new));
        command
    }

    /// Runs it to its end.
    pub fn run(&self, out: &Path, options: &[&str]) -> Answer {
        answer(&mut self.command(out, options))
    }

    /// Runs it to its end, which must be a good one, and returns `records.csv`.
    ///
    /// # Panics
    /// If it fails.
    #[allow(clippy::expect_used)]
    pub fn records(&self, out: &Path, options: &[&str]) -> String {
        let answer = self.run(out, options);
        assert_eq!(answer.status, Some(0), "{options:?}\n{}\n{}", answer.stdout, answer.stderr);
        std::fs::read_to_string(out.join("records.csv")).expect("records.csv is readable")
    }
}

/// `text` with the value of `key` in the table `[table]` replaced.
///
/// # Panics
/// If there is not exactly one such line.
pub fn with_line(text: &str, table: &str, key: &str, value: &str) -> String {
    let mut current = String::new();
    let mut count = 0;
    let mut result = String::new();
    for line in text.lines() {
        if line.starts_with('[') {
            current = line.trim_matches(['[', ']']).to_owned();
        }
        let is_key = current == table && line.split_once('=').is_some_and(|(k, _)| k.trim() == key);
        count += usize::from(is_key);
        result += &if is_key { format!("{key} = {value}\n") } else { format!("{line}\n") };
    }
    assert_eq!(count, 1, "lines `{key} = ...` under [{table}] in\n{text}");
    result
}
