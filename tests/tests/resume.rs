//! A run that is killed or interrupted goes on with `--resume` and ends with the records that it would have had.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use codebench_tests::experiment::Experiment;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const BINARY: &str = env!("CARGO_BIN_EXE_codebench-under-test");

/// How often the run is killed.
const KILLS: u32 = 10;

/// Numbers from 0 to 1 that differ from run to run; `CODEBENCH_TEST_SEED` repeats a run.
struct Moments(u64);

impl Moments {
    fn new() -> Moments {
        let given = std::env::var("CODEBENCH_TEST_SEED").ok().and_then(|s| s.parse().ok());
        let clock = std::time::UNIX_EPOCH.elapsed().map_or(1, |d| d.as_nanos() as u64);
        let seed = given.unwrap_or(clock) | 1;
        println!("CODEBENCH_TEST_SEED={seed}");
        Moments(seed)
    }

    fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// True if the process ended by itself, with status 0, before `moment` had passed.
fn ended_before(child: &mut Child, moment: Duration) -> bool {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "{status}");
            return true;
        }
        if start.elapsed() >= moment {
            return false;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn start(experiment: &Experiment, out: &Path) -> Child {
    let mut command = experiment.command(out, &["--resume"]);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

#[test]
fn ten_kills_at_random_moments_change_no_byte() {
    let experiment = Experiment::quickstart(BINARY, 10, 1);
    let clock = Instant::now();
    let undisturbed = experiment.records(&experiment.path("undisturbed"), &[]);
    let whole = clock.elapsed();
    let mut moments = Moments::new();
    let mut kills = 0;
    let mut round = 0;
    while kills < KILLS {
        let out = experiment.path(&format!("killed-{round}"));
        round += 1;
        assert!(round < 20, "{kills} kills in {round} rounds");
        while kills < KILLS {
            let mut child = start(&experiment, &out);
            if ended_before(&mut child, whole.mul_f64(0.6 * moments.next())) {
                break;
            }
            child.kill().unwrap();
            child.wait().unwrap();
            kills += 1;
        }
        let resumed = experiment.records(&out, &["--resume"]);
        assert_eq!(resumed, undisturbed, "after {kills} kills");
    }
}

#[test]
#[cfg(unix)]
fn ctrl_c_ends_cleanly_and_can_be_resumed() {
    let experiment = Experiment::quickstart(BINARY, 10, 2);
    let clock = Instant::now();
    let undisturbed = experiment.records(&experiment.path("undisturbed"), &[]);
    let whole = clock.elapsed();
    let out = experiment.path("interrupted");
    let mut command = experiment.command(&out, &[]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(whole.mul_f64(0.4));
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let ended = child.wait_with_output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    assert_eq!(ended.status.code(), Some(130), "{stderr}");
    assert!(stdout.contains("--resume"), "{stdout}{stderr}");
    assert_eq!(experiment.records(&out, &["--resume"]), undisturbed);
}
