//! The side that starts workers and judges how they end.

use super::{MARK, Message, Plan};
use crate::{Failure, OrFail};
use anyhow::{Context, anyhow};
use codebench_conformance::{Outcome, Report, Status};
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// Runs plans with a limit of time for each check.
pub(crate) struct Watch {
    pub(crate) limit: Duration,
}

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
    /// Runs every check of the plan, in as many workers as it takes.
    pub(crate) fn run(&self, plan: &Plan) -> Result<Vec<Report>, Failure> {
        let mut report = plan.report.clone();
        loop {
            let from = report.outcomes.len();
            match self.worker(from, &mut report.outcomes)? {
                End::Done => break,
                End::During(number, reason, took) => {
                    let Some(check) = plan.checks.get(number) else { break };
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
            if report.outcomes.len() >= plan.checks.len() {
                break;
            }
        }
        Ok(vec![report])
    }

    /// Runs a worker from check `from` on and collects its outcomes.
    fn worker(&self, from: usize, outcomes: &mut Vec<Outcome>) -> Result<End, Failure> {
        let mut child = start(from)?;
        let messages = messages(&mut child);
        let errors = tail(&mut child);
        let mut running: Option<(usize, Instant)> = None;
        loop {
            match messages.recv_timeout(self.limit) {
                Ok(Message::Begin(number)) => running = Some((number, Instant::now())),
                Ok(Message::End(_, outcome)) => {
                    outcomes.push(outcome);
                    running = None;
                }
                Err(RecvTimeoutError::Timeout) => {
                    // It may have ended by itself in this moment: nothing is left to kill then.
                    let _ = child.kill();
                    let _ = child.wait();
                    let reason = format!("did not end within {} s", self.limit.as_secs_f64());
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
fn start(from: usize) -> Result<Child, Failure> {
    let program = std::env::current_exe().context("cannot find this program's own file").failure()?;
    Command::new(program)
        .args(std::env::args_os().skip(1))
        .args(["--worker", &from.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot start a process for the checks")
        .failure()
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
