//! The side that starts workers and judges how they end.

use super::{MARK, Message, all_checks};
use crate::{Failure, OrFail, failure};
use anyhow::{Context, anyhow};
use codebench_conformance::{Check, Outcome, Report, Status};
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// Runs plans with a limit of time for each check.
pub(crate) struct Watch {
    pub(crate) limit: Duration,
    /// The worker that runs the checks from a number on.
    pub(crate) worker: fn(usize) -> Result<Command, Failure>,
}

/// The exit status of a worker that was given wrong arguments.
const USAGE: i32 = failure::USAGE as i32;

/// How long a worker may take to begin its first check.
const START: Duration = Duration::from_secs(60);

/// How often the command looks whether a worker that says nothing more has ended.
const PAUSE: Duration = Duration::from_millis(5);

/// How long standard error may stay open after the end of a worker that left processes behind.
const GRACE: Duration = Duration::from_secs(1);

/// How a worker ended.
enum End {
    /// Every check was run.
    Done,
    /// In the middle of a check, for this reason, after this time.
    During(String, Duration),
    /// Before or between checks, with this status and what it said.
    Outside(String, Option<i32>, String),
}

/// What is known so far.
#[derive(Default)]
struct Progress {
    reports: Vec<Report>,
    checks: Vec<(usize, Check)>,
    done: usize,
}

impl Progress {
    fn plan(&mut self, reports: Vec<Report>) {
        // Every worker says the same plan; outcomes are kept.
        if self.checks.is_empty() {
            self.checks = all_checks(&reports);
            self.reports = reports;
        }
    }

    fn add(&mut self, outcome: Outcome) {
        let report = self.checks.get(self.done).and_then(|(report, _)| self.reports.get_mut(*report));
        if let Some(report) = report {
            report.outcomes.push(outcome);
        }
        self.done += 1;
    }

    fn crashed(&mut self, reason: String, took: Duration) {
        if let Some((_, check)) = self.checks.get(self.done).copied() {
            self.add(Outcome {
                check: check.name.into(),
                promise: check.promise.into(),
                status: Status::Crashed,
                message: Some(reason),
                wall_s: took.as_secs_f64(),
            });
        }
    }
}

impl Watch {
    /// Runs every check of the worker's plan, in as many workers as it takes.
    pub(crate) fn run(&self) -> Result<Vec<Report>, Failure> {
        let mut progress = Progress::default();
        loop {
            match self.worker(&mut progress)? {
                End::Done if progress.done < progress.checks.len() => {
                    return Err(anyhow!("the worker left checks out")).failure();
                }
                End::Done => return Ok(progress.reports),
                End::During(reason, took) => progress.crashed(reason, took),
                // Wrong arguments or files: the worker has said it all.
                End::Outside(_, Some(USAGE), said) => {
                    return Err(anyhow!("{}", said.trim_start_matches("error: "))).usage();
                }
                End::Outside(reason, _, said) => {
                    return Err(anyhow!("the checks could not be run: {reason}{}", last_lines(&said)))
                        .failure();
                }
            }
            if progress.done >= progress.checks.len() {
                return Ok(progress.reports);
            }
        }
    }

    fn start(&self, from: usize) -> Result<Child, Failure> {
        let mut command = (self.worker)(from)?;
        codebench_host::native::ends_with_parent(&mut command, None);
        command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot start a process for the checks")
            .failure()
    }

    /// Runs a worker from the first check that is not done and collects its outcomes.
    fn worker(&self, progress: &mut Progress) -> Result<End, Failure> {
        let mut child = self.start(progress.done)?;
        let messages = messages(&mut child);
        let errors = tail(&mut child);
        let mut running: Option<Instant> = None;
        loop {
            // Starting, and loading what is to be checked, is no check.
            let limit = if running.is_some() { self.limit } else { self.limit.max(START) };
            match messages.recv_timeout(limit) {
                Ok(Message::Plan(reports)) => progress.plan(reports),
                Ok(Message::Begin(_)) => running = Some(Instant::now()),
                Ok(Message::End(_, outcome)) => {
                    progress.add(outcome);
                    running = None;
                }
                Err(RecvTimeoutError::Timeout) => {
                    // It may have ended by itself in this moment: nothing is left to kill then.
                    codebench_host::native::kill_group(&mut child);
                    let _ = child.wait();
                    let reason = format!("did not end within {} s", limit.as_secs_f64());
                    return Ok(match running {
                        Some(since) => End::During(reason, since.elapsed()),
                        None => End::Outside(reason, None, String::new()),
                    });
                }
                Err(RecvTimeoutError::Disconnected) => {
                    let status = wait(&mut child, limit).context("cannot wait for the worker").failure()?;
                    let said = errors.recv_timeout(GRACE).unwrap_or_default();
                    let reason = match status {
                        Some(status) => format!("the process ended with {status}"),
                        None => format!("closed its output and did not end within {} s", limit.as_secs_f64()),
                    };
                    return Ok(match running {
                        Some(since) => End::During(reason + &last_lines(&said), since.elapsed()),
                        None if status.is_some_and(|status| status.success()) => End::Done,
                        None => End::Outside(reason, status.and_then(|status| status.code()), said),
                    });
                }
            }
        }
    }
}

/// The end of a worker that says nothing more; `None` if it was killed at the limit.
fn wait(child: &mut Child, limit: Duration) -> std::io::Result<Option<ExitStatus>> {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if started.elapsed() >= limit {
            // It may have ended by itself in this moment.
            codebench_host::native::kill_group(child);
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(PAUSE);
    }
}

/// The last three lines, behind a colon.
fn last_lines(said: &str) -> String {
    let lines: Vec<&str> = said.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
    let last = lines[lines.len().saturating_sub(3)..].join(" / ");
    if last.is_empty() { last } else { format!(": {last}") }
}

/// This program with the same arguments, as a worker.
pub(crate) fn own_worker(from: usize) -> Result<Command, Failure> {
    let program = std::env::current_exe().context("cannot find this program's own file").failure()?;
    let mut command = Command::new(program);
    let mut arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    // Behind `--` there are names only.
    let end = arguments.iter().position(|argument| argument == "--").unwrap_or(arguments.len());
    arguments.splice(end..end, ["--worker".into(), from.to_string().into()]);
    command.args(arguments);
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

/// The end of the worker's standard error, once it is closed.
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
                let excess = kept.len().saturating_sub(4000);
                kept.drain(..excess);
            }
            // The receiver is gone if the worker was given up.
            let _ = sender.send(String::from_utf8_lossy(&kept).into_owned());
        });
    }
    receiver
}

#[cfg(test)]
#[cfg(unix)]
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
        let plan = serde_json::to_string(&Message::Plan(vec![report()])).unwrap();
        let functions = r#"
            echo "codebench-check $PLAN"
            b() { echo "codebench-check {\"begin\":$1}"; }
            e() { echo; echo "codebench-check {\"end\":[$1,{\"check\":\"c$1\",\"promise\":\"p\",\"status\":\"passed\",\"wall_s\":0}]}"; }
            rest() { i=$1; while [ $i -lt 8 ]; do b $i; e $i; i=$((i+1)); done; }
        "#;
        let mut command = Command::new("sh");
        command.args(["-c", &format!("{functions}\n{script}")]).env("PLAN", plan);
        command
    }

    fn run(limit_s: f64, worker: fn(usize) -> Result<Command, Failure>) -> Result<Report, Failure> {
        assert_eq!(checks(Kind::Executor).len(), 8);
        let mut reports = Watch { limit: Duration::from_secs_f64(limit_s), worker }.run()?;
        assert_eq!(reports.len(), 1);
        Ok(reports.remove(0))
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

    /// Where the worker below notes what it has started.
    fn note() -> std::path::PathBuf {
        std::env::temp_dir().join(format!("codebench-watch-{}", std::process::id()))
    }

    #[test]
    fn what_a_worker_has_started_ends_with_it() {
        let report = run(1.0, |from| {
            Ok(match from {
                0 => shell(&format!("b 0; sleep 600 & echo $! > '{}'; wait", note().display())),
                from => shell(&format!("rest {from}")),
            })
        });
        assert_eq!(report.unwrap().outcomes[0].status, Status::Crashed);
        let started: i32 = std::fs::read_to_string(note()).unwrap().trim().parse().unwrap();
        let _ = std::fs::remove_file(note());
        let is_there =
            || std::fs::read_to_string(format!("/proc/{started}/stat")).is_ok_and(|s| !s.contains(") Z "));
        let since = Instant::now();
        while is_there() && since.elapsed() < Duration::from_secs(60) {
            std::thread::sleep(Duration::from_millis(10));
        }
        assert!(!is_there(), "process {started} goes on");
    }

    #[test]
    fn a_worker_that_closes_its_output_and_goes_on_is_a_hang() {
        let started = Instant::now();
        let report = run(1.0, |from| {
            Ok(match from {
                0 => shell("b 0; exec >&-; exec sleep 600"),
                from => shell(&format!("rest {from}")),
            })
        });
        assert_eq!(message(&report.unwrap(), 0), "closed its output and did not end within 1 s");
        assert!(started.elapsed() < Duration::from_secs(60));
    }

    #[test]
    fn a_process_that_keeps_standard_error_open_is_not_waited_for() {
        let started = Instant::now();
        let report = run(60.0, |from| {
            Ok(match from {
                0 => shell("b 0; sleep 30 >&- & exit 7"),
                from => shell(&format!("rest {from}")),
            })
        });
        assert!(message(&report.unwrap(), 0).contains("exit status: 7"));
        assert!(started.elapsed() < Duration::from_secs(25));
    }

    #[test]
    fn a_worker_that_ends_before_any_check_is_a_failure() {
        let failure = run(60.0, |_| Ok(shell("echo 'cannot load' >&2; exit 1"))).unwrap_err();
        assert!(failure.text().unwrap().contains("cannot load"));
        let failure = run(60.0, |_| Ok(shell("echo 'error: no such plugin' >&2; exit 2"))).unwrap_err();
        assert_eq!((failure.status(), failure.text().unwrap().as_str()), (2, "error: no such plugin\n"));
        assert!(run(60.0, |_| Ok(Command::new("no-such-program-anywhere"))).is_err());
    }

    #[test]
    fn a_worker_that_leaves_checks_out_is_a_failure() {
        assert!(run(60.0, |_| Ok(shell("b 0; e 0"))).is_err());
    }
}
