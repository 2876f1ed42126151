//! End-to-end tests live in `tests/`; this library holds their helpers.

pub mod experiment;
pub mod fuzz;

use std::path::{Path, PathBuf};

/// The root of the repository.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// Whether there is a `python3`; says so if not.
#[allow(clippy::print_stdout)]
pub fn has_python() -> bool {
    let ran = std::process::Command::new("python3").arg("--version").output();
    let found = ran.is_ok_and(|output| output.status.success());
    if !found {
        println!("skipped: there is no python3");
    }
    found
}

/// Compares `actual` with the file `tests/golden/NAME`; with `BLESS=1` in the environment, writes the file instead.
///
/// # Panics
/// If they differ, showing the first line that does.
#[allow(clippy::panic)]
pub fn assert_golden(name: &str, actual: &str) {
    assert_file(&Path::new("tests/golden").join(name), actual);
}

/// [`assert_golden`] for any file of the repository, its path relative to the root.
///
/// # Panics
/// If they differ, showing the first line that does.
#[allow(clippy::panic)]
pub fn assert_file(relative: &Path, actual: &str) {
    let path = root().join(relative);
    if std::env::var_os("BLESS").is_some() {
        let written = path.parent().map_or(Ok(()), std::fs::create_dir_all);
        if let Err(e) = written.and_then(|()| std::fs::write(&path, actual)) {
            panic!("cannot write {}: {e}", path.display());
        }
        return;
    }
    let name = relative.display();
    let expected = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(e) => panic!("cannot read {name}: {e}; BLESS=1 writes it"),
    };
    if expected == actual {
        return;
    }
    let line = expected.lines().zip(actual.lines()).take_while(|(e, a)| e == a).count();
    panic!(
        "{name} differs from line {} on (BLESS=1 accepts the actual text)\n  expected: {}\n  actual:   {}\n\nactual text:\n{actual}",
        line + 1,
        expected.lines().nth(line).unwrap_or("<end>"),
        actual.lines().nth(line).unwrap_or("<end>"),
    );
}

/// The command under test, run from the root of the repository with a fixed environment.
///
/// For integration tests of this package: `command!("plugin", "list")`.
#[macro_export]
macro_rules! command {
    ($($argument:expr),* $(,)?) => {
        $crate::command(env!("CARGO_BIN_EXE_codebench-under-test"), &[$(std::ffi::OsStr::new($argument)),*])
    };
}

/// See [`command!`](crate::command!).
pub fn command(binary: &str, arguments: &[&std::ffi::OsStr]) -> std::process::Command {
    let mut command = std::process::Command::new(binary);
    command.args(arguments).current_dir(root()).env("COLUMNS", "100").env_remove("RUST_BACKTRACE");
    // What the user of this machine has installed and trusted is not under test.
    command.env("HOME", root().join("target/test-home"));
    for variable in ["XDG_DATA_HOME", "XDG_CACHE_HOME", "CODEBENCH_PLUGIN_PATH"] {
        command.env_remove(variable);
    }
    command.stdin(std::process::Stdio::null());
    command
}

/// What a command answered.
#[derive(Debug)]
pub struct Answer {
    /// Exit status; `None` after a signal.
    pub status: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// Runs `command` to its end.
///
/// # Panics
/// If it cannot be started.
#[allow(clippy::panic)]
pub fn answer(command: &mut std::process::Command) -> Answer {
    match command.output() {
        Ok(output) => Answer {
            status: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        },
        Err(e) => panic!("cannot run {command:?}: {e}"),
    }
}

/// The Rust examples of the book compile and run.
#[cfg(doctest)]
#[doc = include_str!("../../docs/src/write-a-plugin.md")]
pub struct WriteAPlugin;
