//! A child process that ends with the process that started it, however that one ended.

use super::process::in_own_group;
use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::mpsc::sync_channel;
use std::time::Duration;

/// Says to the child that its standard input is the pipe to watch, and for how many seconds it may live.
const VARIABLE: &str = "CODEBENCH_ENDS_WITH_PARENT";

/// Has the child of `command`, which calls [`end_with_parent`], end when this process does, and after `limit` if there is one.
/// Its standard input becomes a pipe that this process holds open for as long as it holds the child. The child leads a process group of
/// its own, so that what it starts ends with it.
pub fn ends_with_parent(command: &mut Command, limit: Option<Duration>) {
    in_own_group(command);
    let seconds = limit.map(|limit| limit.as_secs_f64().to_string()).unwrap_or_default();
    command.stdin(Stdio::piped()).env(VARIABLE, seconds);
}

/// Ends this process, and all that is in the process group that it leads, as soon as the process that started it with
/// [`ends_with_parent`] is gone or the limit that it gave has passed. Does nothing in a process that was started in another way.
pub fn end_with_parent() {
    let Some(seconds) = std::env::var(VARIABLE).ok() else { return };
    // A thread that starts takes the loader's lock, which a library that hangs while it is loaded never gives back: both must be at work
    // before anything is loaded.
    let (at_work, started) = sync_channel(2);
    if let Some(limit) = seconds.parse().ok().and_then(|s| Duration::try_from_secs_f64(s).ok()) {
        let at_work = at_work.clone();
        std::thread::spawn(move || {
            let _ = at_work.send(());
            drop(at_work);
            std::thread::sleep(limit);
            end();
        });
    }
    std::thread::spawn(move || {
        let (mut stdin, mut part) = (std::io::stdin().lock(), [0; 64]);
        let _ = at_work.send(());
        drop(at_work);
        // Nothing is ever written to it: it ends, or fails, when nobody holds the other side any more.
        while let Ok(1..) = stdin.read(&mut part) {}
        end();
    });
    while started.recv().is_ok() {}
}

/// Without the exit handlers, which may be the plugin's.
#[cfg(unix)]
fn end() {
    use nix::sys::signal::{Signal, kill, killpg};
    use nix::unistd::{getpgrp, getpid};
    // A process that cannot kill its group still ends itself.
    let _ = if getpgrp() == getpid() { killpg(getpgrp(), Signal::SIGKILL) } else { Ok(()) };
    let _ = kill(getpid(), Signal::SIGKILL);
}

#[cfg(not(unix))]
fn end() {
    std::process::abort();
}

#[cfg(all(test, target_os = "linux"))]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader};
    use std::time::Instant;

    const ROLE: &str = "CODEBENCH_TEST_ROLE";

    fn this_program(role: &str) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "native::parent::tests::part", "--nocapture"]).env(ROLE, role);
        command.stdout(Stdio::piped());
        command
    }

    /// Not a test unless the test below starts it: a child that hangs, or its parent.
    #[test]
    #[allow(clippy::print_stdout, clippy::zombie_processes)]
    fn part() {
        let limit = match std::env::var(ROLE).unwrap_or_default().as_str() {
            "child" => {
                end_with_parent();
                loop {
                    std::thread::park();
                }
            }
            "parent" => None,
            "parent of a short life" => Some(Duration::from_millis(200)),
            _ => return,
        };
        let mut command = this_program("child");
        ends_with_parent(&mut command, limit);
        let child = command.spawn().unwrap();
        println!("\nchild {}", child.id());
        loop {
            std::thread::park();
        }
    }

    fn ended(pid: &str) -> bool {
        let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        state.is_empty() || state.contains(") Z ")
    }

    fn ends_soon(pid: &str) -> bool {
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(30) {
            if ended(pid) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        false
    }

    #[test]
    fn a_child_that_hangs_ends_with_a_parent_that_is_killed_or_at_its_limit() {
        for (role, killed) in [("parent", true), ("parent of a short life", false)] {
            let mut parent = this_program(role).spawn().unwrap();
            let lines = BufReader::new(parent.stdout.take().unwrap()).lines();
            let pid =
                lines.map_while(Result::ok).find_map(|line| line.strip_prefix("child ").map(str::to_owned));
            let pid = pid.unwrap();
            if killed {
                std::thread::sleep(Duration::from_millis(200));
                assert!(!ended(&pid), "it waits for its parent");
                // SIGKILL: no handler of the parent runs.
                parent.kill().unwrap();
                parent.wait().unwrap();
            }
            assert!(ends_soon(&pid), "{role}");
            // It has ended by itself where it was killed above.
            let _ = parent.kill();
            parent.wait().unwrap();
        }
    }
}
