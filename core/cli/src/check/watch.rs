//! The side that starts workers and judges how they end.

use super::{MARK, Message};
use crate::{Failure, OrFail};
use anyhow::{Context, anyhow};
use codebench_conformance::{Check, Outcome, Report, Status};
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// Runs plans with a limit of time for each check.
pub(crate) struct Watch {
    pub(crate) limit: Duration,
    /// The worker that runs the checks from a number on.
    pub(crate) worker: fn(usize) -> Result<Command, Failure>,
}

/// How long a worker may take to begin its first check.
const START: Duration = Duration::from_secs(60);

/// How a worker ended.
enum End {
    /// Every check was run.
    Done,
    /// In the check of this number, for this reason, after this time.
    During(usize, String, Duration),
    /// Before or between checks.
    Outside(String),
}

impl Watch {
    /// Runs every check, in as many workers as it takes.
    pub(crate) fn run(&self, report: Report, checks: &[Check]) -> Result<Report, Failure> {
        let mut report = report;
        loop {
            let from = report.outcomes.len();
            match self.worker(from, &mut report.outcomes)? {
                End::Done if report.outcomes.len() < checks.len() => {
                    return Err(anyhow!("the worker left checks out")).failure();
                }
                End::Done => break,
                End::During(number, reason, took) => {
                    let Some(check) = checks.get(number) else { break };
                    report.outcomes.push(Outcome {
                        check: check.name.into(),
                        promise: check.promise.into(),
                        status: Status::Crashed,
                        message: Some(reason),
                        wall_s: took.as_secs_f64(),
                    });
                }
                End::Outside(reason) => {
                    return Err(anyhow!("the checks could not be run: {reason}")).failure();
                }
            }
            if report.outcomes.len() >= checks.len() {
                break;
            }
        }
        Ok(report)
    }

    fn start(&self, from: usize) -> Result<Child, Failure> {
        (self.worker)(from)?
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot start a process for the checks")
            .failure()
    }

    /// Runs a worker from check `from` on and collects its outcomes.
    fn worker(&self, from: usize, outcomes: &mut Vec<Outcome>) -> Result<End, Failure> {
        let mut child = self.start(from)?;
        let messages = messages(&mut child);
        let errors = tail(&mut child);
        let mut running: Option<(usize, Instant)> = None;
        loop {
            // Starting, and loading what is to be checked, is no check.
            let limit = if running.is_some() { self.limit } else { self.limit.max(START) };
            match messages.recv_timeout(limit) {
                Ok(Message::Begin(number)) => running = Some((number, Instant::now())),
                Ok(Message::End(_, outcome)) => {
                    outcomes.push(outcome);
                    running = None;
                }
                Err(RecvTimeoutError::Timeout) => {
                    // It may have ended by itself in this moment: nothing is left to kill then.
                    let _ = child.kill();
                    let _ = child.wait();
                    let reason = format!("did not end within {} s", limit.as_secs_f64());
                    return Ok(ended(running, reason));
                }
                Err(RecvTimeoutError::Disconnected) => {
                    let status = child.wait().context("cannot wait for the worker").failure()?;
                    if status.success() && running.is_none() {
                        return Ok(End::Done);
                    }
                    let said = errors.recv().unwrap_or_default();
                    let said = if said.is_empty() { said } else { format!(": {said}") };
                    return Ok(ended(running, format!("the process ended with {status}{said}")));
                }
            }
        }
    }
}

fn ended(running: Option<(usize, Instant)>, reason: String) -> End {
    match running {
        Some((number, since)) => End::During(number, reason, since.elapsed()),
        None => End::Outside(reason),
    }
}

/// This program with the same arguments, as a worker.
pub(crate) fn own_worker(from: usize) -> Result<Command, Failure> {
    let program = std::env::current_exe().context("cannot find this program's own file").failure()?;
    let mut command = Command::new(program);
    command.args(std::env::args_os().skip(1)).args(["--worker", &from.to_string()]);
    Ok(command)
}

/// Messages of the worker; what else it prints is passed over.
fn messages(child: &mut Child) -> Receiver<Message> {
    let (sender, receiver) = channel();
    if let Some(out) = child.stdout.take() {
        std::thread::spawn(move || {
            let mut lines = BufReader::new(out).split(b'\n');
            while let Some(Ok(line)) = lines.next() {
                let line = String::from_utf8_lossy(&line);
                let message = line.strip_prefix(MARK).and_then(|json| serde_json::from_str(json).ok());
                // Nobody listens any more once the worker is given up.
                if message.is_some_and(|m| sender.send(m).is_err()) {
                    break;
                }
            }
        });
    }
    receiver
}

/// The last lines of the worker's standard error, once it is closed.
fn tail(child: &mut Child) -> Receiver<String> {
    let (sender, receiver) = channel();
    if let Some(mut errors) = child.stderr.take() {
        std::thread::spawn(move || {
            let (mut kept, mut part) = (Vec::new(), [0; 4096]);
            while let Ok(read) = errors.read(&mut part) {
                if read == 0 {
                    break;
                }
                kept.extend_from_slice(&part[..read]);
                let excess = kept.len().saturating_sub(1000);
                kept.drain(..excess);
            }
            let text = String::from_utf8_lossy(&kept);
            let lines: Vec<&str> = text.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
            // The receiver is gone if the worker was given up.
            let _ = sender.send(lines[lines.len().saturating_sub(3)..].join(" / "));
        });
    }
    receiver
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use codebench_api::{Form, Kind};
    use codebench_conformance::checks;

    fn report() -> Report {
        Report {
            id: "test/subject".into(),
            version: "0.1.0".into(),
            kind: Kind::Executor,
            form: Form::Native,
            source: "here".into(),
            seed: 0,
            outcomes: Vec::new(),
        }
    }

    /// A shell that acts as a worker: `b` begins a check and `e` ends it as passed.
    fn shell(script: &str) -> Command {
        let functions = r#"
            b() { echo "codebench-check {\"begin\":$1}"; }
            e() { echo; echo "codebench-check {\"end\":[$1,{\"check\":\"c$1\",\"promise\":\"p\",\"status\":\"passed\",\"wall_s\":0}]}"; }
            rest() { i=$1; while [ $i -lt 8 ]; do b $i; e $i; i=$((i+1)); done; }
        "#;
        let mut command = Command::new("sh");
        command.args(["-c", &format!("{functions}\n{script}")]);
        command
    }

    fn run(limit_s: f64, worker: fn(usize) -> Result<Command, Failure>) -> Result<Report, Failure> {
        let checks = checks(Kind::Executor);
        assert_eq!(checks.len(), 8);
        Watch { limit: Duration::from_secs_f64(limit_s), worker }.run(report(), &checks)
    }

    fn message(report: &Report, index: usize) -> &str {
        report.outcomes[index].message.as_deref().unwrap_or_default()
    }

    #[test]
    fn a_crash_is_the_outcome_of_the_check_that_ran_and_the_next_goes_on() {
        let report = run(60.0, |from| {
            Ok(match from {
                0 => shell("b 0; e 0; b 1; echo 'thread overflowed' >&2; kill -SEGV $$"),
                2 => shell("b 2; printf 'no newline'; e 2; b 3; exit 7"),
                from => shell(&format!("rest {from}")),
            })
        });
        let report = report.unwrap();
        let statuses: Vec<Status> = report.outcomes.iter().map(|o| o.status).collect();
        let mut expected = vec![Status::Passed; 8];
        (expected[1], expected[3]) = (Status::Crashed, Status::Crashed);
        assert_eq!(statuses, expected);
        assert!(message(&report, 1).contains("signal: 11"), "{report}");
        assert!(message(&report, 1).contains("thread overflowed"), "{report}");
        assert!(message(&report, 3).contains("exit status: 7"), "{report}");
        assert_eq!(report.outcomes[3].check, checks(Kind::Executor)[3].name);
    }

    #[test]
    fn a_hang_is_the_outcome_of_the_check_that_ran() {
        let report = run(1.0, |from| {
            Ok(match from {
                0 => shell("b 0; exec sleep 600"),
                from => shell(&format!("rest {from}")),
            })
        });
        let report = report.unwrap();
        assert_eq!(report.outcomes.len(), 8);
        assert_eq!(message(&report, 0), "did not end within 1 s");
    }

    #[test]
    fn a_worker_that_ends_before_any_check_is_a_failure() {
        let failure = run(60.0, |_| Ok(shell("echo 'cannot load' >&2; exit 1"))).unwrap_err();
        assert!(failure.text().unwrap().contains("cannot load"));
        assert!(run(60.0, |_| Ok(Command::new("no-such-program-anywhere"))).is_err());
    }

    #[test]
    fn a_worker_that_leaves_checks_out_is_a_failure() {
        assert!(run(60.0, |_| Ok(shell("b 0; e 0"))).is_err());
    }
}
