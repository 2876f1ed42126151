//! Output folders and stores that cannot be used: a clear error with status 1 (2 where only an option is missing), and
//! nothing that is stored is lost.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use codebench_tests::Answer;
use codebench_tests::experiment::Experiment;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const BINARY: &str = env!("CARGO_BIN_EXE_codebench-under-test");

fn assert_fails(answer: &Answer, status: i32, words: &[&str]) {
    assert_eq!(answer.status, Some(status), "{}", answer.stderr);
    assert!(answer.stderr.contains("error: "), "{}", answer.stderr);
    for word in words {
        assert!(answer.stderr.contains(word), "`{word}` is missing in: {}", answer.stderr);
    }
    assert!(
        !answer.stderr.contains("panicked") && !answer.stderr.contains("internal error"),
        "{}",
        answer.stderr
    );
}

fn store_of(out: &Path) -> PathBuf {
    out.join("study.sqlite")
}

#[test]
fn a_finished_run_is_not_overwritten() {
    let experiment = Experiment::quickstart(BINARY, 2, 1);
    let out = experiment.path("out");
    let records = experiment.records(&out, &[]);
    assert_fails(&experiment.run(&out, &[]), 2, &["--resume", "--out"]);
    assert_eq!(experiment.records(&out, &["--resume"]), records);
}

#[test]
fn another_experiment_does_not_resume() {
    let experiment = Experiment::quickstart(BINARY, 2, 1);
    let out = experiment.path("out");
    let records = experiment.records(&out, &[]);
    let text = experiment.text();
    experiment.write(&codebench_tests::experiment::with_line(&text, "recipe", "epochs", "2"));
    assert_fails(&experiment.run(&out, &["--resume"]), 2, &["epochs"]);
    experiment.write(&text);
    assert_eq!(experiment.records(&out, &["--resume"]), records);
}

#[test]
fn a_folder_that_cannot_be_written() {
    let experiment = Experiment::quickstart(BINARY, 2, 1);
    let file = experiment.path("file");
    std::fs::write(&file, "here is a file").unwrap();
    assert_fails(&experiment.run(&file.join("out"), &[]), 1, &["file", "--out"]);
    assert_fails(&experiment.run(&file, &[]), 1, &["file", "--out"]);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "here is a file");
}

#[test]
fn a_corrupt_store_is_refused_and_left_alone() {
    let experiment = Experiment::quickstart(BINARY, 2, 1);
    let out = experiment.path("out");
    experiment.records(&out, &[]);
    let sound = std::fs::read(store_of(&out)).unwrap();
    let mut torn = sound.clone();
    let middle = torn.len() / 2;
    torn[200..middle].fill(0xa5);
    let garbage = vec![0x5a; 5000];
    for bytes in [torn, garbage] {
        std::fs::write(store_of(&out), &bytes).unwrap();
        assert_fails(&experiment.run(&out, &["--resume"]), 1, &["study.sqlite"]);
        assert_eq!(std::fs::read(store_of(&out)).unwrap(), bytes, "the damaged store was changed");
    }
    std::fs::write(store_of(&out), sound).unwrap();
    experiment.records(&out, &["--resume"]);
}

#[test]
fn a_store_of_a_newer_version_is_refused_and_left_alone() {
    /// Where SQLite keeps `user_version`, big-endian.
    const USER_VERSION: std::ops::Range<usize> = 60..64;
    let experiment = Experiment::quickstart(BINARY, 2, 1);
    let out = experiment.path("out");
    experiment.records(&out, &[]);
    let mut newer = std::fs::read(store_of(&out)).unwrap();
    newer[USER_VERSION].copy_from_slice(&9999u32.to_be_bytes());
    std::fs::write(store_of(&out), &newer).unwrap();
    assert_fails(&experiment.run(&out, &["--resume"]), 1, &["newer", "9999"]);
    assert_eq!(std::fs::read(store_of(&out)).unwrap(), newer);
}

#[test]
fn a_store_in_use_is_refused() {
    let experiment = Experiment::quickstart(BINARY, 200, 20);
    let out = experiment.path("out");
    let mut first =
        experiment.command(&out, &[]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let start = Instant::now();
    while !store_of(&out).is_file() {
        assert!(start.elapsed() < Duration::from_secs(60), "the first run does not start");
        std::thread::sleep(Duration::from_millis(5));
    }
    let second = experiment.run(&out, &["--resume"]);
    first.kill().unwrap();
    first.wait().unwrap();
    assert_fails(&second, 1, &["in use"]);
}

/// A file system of 3 MB, which only root may mount.
struct Small(PathBuf);

impl Small {
    fn mount(folder: &Path) -> Option<Small> {
        std::fs::create_dir_all(folder).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=3m", "tmpfs"]).arg(folder).stderr(Stdio::null());
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
fn a_full_disk_ends_the_run_and_loses_nothing() {
    let experiment = Experiment::quickstart(BINARY, 4, 1);
    let folder = experiment.path("small");
    let Some(small) = Small::mount(&folder) else {
        println!("skipped: mounting a small file system needs root");
        return;
    };
    let out = folder.join("out");
    experiment.records(&out, &[]);
    let text = experiment.text();
    experiment.write(&codebench_tests::experiment::with_line(&text, "budget", "trials", "2000"));
    std::fs::write(folder.join("filler"), vec![0; 4 << 20]).unwrap_err();
    assert_fails(&experiment.run(&out, &["--resume"]), 1, &["--resume"]);
    std::fs::remove_file(folder.join("filler")).unwrap();
    experiment.write(&codebench_tests::experiment::with_line(&text, "budget", "trials", "8"));
    let records = experiment.records(&out, &["--resume"]);
    let elsewhere = experiment.records(&experiment.path("elsewhere"), &[]);
    assert_eq!(records, elsewhere);
    drop(small);
}
