//! One run of a program: text in, text out, within limits.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// What a program may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) time: Duration,
    pub(crate) output_bytes: usize,
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum Run {
    /// It ended by itself, with what it wrote and the end of what it said on standard error.
    Ended { status: ExitStatus, output: Vec<u8>, errors: String },
    /// It was stopped: not within the limit of time.
    OutOfTime { errors: String },
    /// It was stopped: more output than allowed.
    TooMuchOutput,
    /// It ended, but something that it started outside of its process group keeps its output open.
    OutputHeld { status: ExitStatus, errors: String },
}

/// Bytes of standard error that are kept.
const ERRORS_KEPT: usize = 2000;
/// How long pipes may stay open after the end of a program that left children behind.
const GRACE: Duration = Duration::from_secs(5);

/// Runs `words` in `folder` with `input`; when it returns, the program and all that it started in its process group
/// have ended.
pub(crate) fn run(words: &[String], folder: &Path, input: Vec<u8>, limits: Limits) -> std::io::Result<Run> {
    let deadline = Instant::now() + limits.time;
    let mut command = Command::new(words.first().map_or("", String::as_str));
    command.args(words.iter().skip(1)).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    if folder != Path::new("") {
        command.current_dir(folder);
    }
    in_own_group(&mut command);
    let mut child = command.spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program need not read its input.
        std::thread::spawn(move || drop(stdin.write_all(&input)));
    }
    let output = collect(child.stdout.take(), limits.output_bytes.saturating_add(1));
    let errors = tail(child.stderr.take());
    let mut pause = Duration::from_millis(1);
    let (mut written, mut in_time) = (None, true);
    while !has_ended(&mut child)? {
        written = written.or_else(|| output.try_recv().ok());
        let too_much = written.as_ref().is_some_and(|w: &Vec<u8>| w.len() > limits.output_bytes);
        in_time = Instant::now() < deadline;
        if too_much || !in_time {
            break;
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
    kill_group(&mut child);
    let status = child.wait()?;
    let output = written.or_else(|| output.recv_timeout(GRACE).ok());
    let errors = errors.recv_timeout(GRACE).unwrap_or_default();
    Ok(match (output, in_time) {
        (Some(output), _) if output.len() > limits.output_bytes => Run::TooMuchOutput,
        (_, false) => Run::OutOfTime { errors },
        (Some(output), true) => Run::Ended { status, output, errors },
        (None, true) => Run::OutputHeld { status, errors },
    })
}

/// The first `most` bytes of a pipe, once it is closed or they are there.
fn collect(pipe: Option<impl Read + Send + 'static>, most: usize) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    if let Some(pipe) = pipe {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            // What was read before a broken pipe counts; nobody listens after the grace.
            let _ = pipe.take(most as u64).read_to_end(&mut bytes);
            let _ = sender.send(bytes);
        });
    }
    receiver
}

/// The end of a pipe, once it is closed.
fn tail(pipe: Option<impl Read + Send + 'static>) -> Receiver<String> {
    let (sender, receiver) = channel();
    if let Some(mut pipe) = pipe {
        std::thread::spawn(move || {
            let (mut kept, mut part) = (Vec::new(), [0; 4096]);
            while let Ok(read @ 1..) = pipe.read(&mut part) {
                kept.extend(part.iter().take(read));
                let excess = kept.len().saturating_sub(ERRORS_KEPT);
                kept.drain(..excess);
            }
            // Nobody listens after the grace.
            let _ = sender.send(String::from_utf8_lossy(&kept).trim().to_owned());
        });
    }
    receiver
}

#[cfg(unix)]
fn in_own_group(command: &mut Command) {
    std::os::unix::process::CommandExt::process_group(command, 0);
}

/// Whether it has ended; it stays a zombie, so that its group's number belongs to nobody else until it is waited for.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
fn has_ended(child: &mut Child) -> std::io::Result<bool> {
    use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT | WaitPidFlag::WNOHANG;
    let Ok(pid) = i32::try_from(child.id()) else { return Ok(true) };
    Ok(waitid(Id::Pid(nix::unistd::Pid::from_raw(pid)), flags)? != WaitStatus::StillAlive)
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
fn has_ended(child: &mut Child) -> std::io::Result<bool> {
    Ok(child.try_wait()?.is_some())
}

#[cfg(unix)]
fn kill_group(child: &mut Child) {
    use nix::sys::signal::{Signal, killpg};
    if let Ok(group) = i32::try_from(child.id()) {
        // A group that has ended is what is wanted.
        let _ = killpg(nix::unistd::Pid::from_raw(group), Signal::SIGKILL);
    }
}

#[cfg(not(unix))]
fn in_own_group(_: &mut Command) {}

#[cfg(not(unix))]
fn kill_group(child: &mut Child) {
    // A process that has ended is what is wanted.
    let _ = child.kill();
}
