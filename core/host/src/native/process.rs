//! A child process, all that it starts, and what it says.

use std::io::{self, Read};
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often the host looks whether the child has ended.
const PAUSE: Duration = Duration::from_millis(2);
/// Bytes of the end of its output that are kept.
const KEPT_BYTES: usize = 1 << 16;
/// How long the output may stay open after the end of the child and of its process group.
const GRACE: Duration = Duration::from_secs(1);

/// The end of a child; `None` if it was killed at the limit. All that it has started in its process group ends with it.
pub(super) fn wait(child: &mut Child, limit: Duration) -> io::Result<Option<ExitStatus>> {
    let started = Instant::now();
    let in_time = loop {
        if has_ended(child)? {
            break true;
        }
        if started.elapsed() >= limit {
            break false;
        }
        std::thread::sleep(PAUSE);
    };
    kill_group(child);
    let status = child.wait()?;
    Ok(in_time.then_some(status))
}

/// The end of what a pipe brings; it is read all the time, so that the child is never kept waiting.
pub(super) struct Tail {
    bytes: Arc<Mutex<Vec<u8>>>,
    closed: Receiver<()>,
}

impl Tail {
    pub(super) fn of(pipe: Option<impl Read + Send + 'static>) -> Tail {
        let ((open, closed), bytes) = (channel(), Arc::<Mutex<Vec<u8>>>::default());
        let kept = Arc::clone(&bytes);
        if let Some(mut pipe) = pipe {
            std::thread::spawn(move || {
                let mut part = [0; 4096];
                while let Ok(read @ 1..) = pipe.read(&mut part) {
                    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                    kept.extend(part.iter().take(read));
                    let excess = kept.len().saturating_sub(KEPT_BYTES);
                    kept.drain(..excess);
                }
                drop::<Sender<()>>(open);
            });
        }
        Tail { bytes, closed }
    }

    /// What came, once it is closed; of a pipe that a process holds open nevertheless, what has come so far.
    pub(super) fn text(&self) -> String {
        // Closed is disconnected.
        let _ = self.closed.recv_timeout(GRACE);
        String::from_utf8_lossy(&self.bytes.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

/// The child becomes the first of a process group of its own.
#[cfg(unix)]
pub(super) fn in_own_group(command: &mut Command) {
    std::os::unix::process::CommandExt::process_group(command, 0);
}

#[cfg(not(unix))]
pub(super) fn in_own_group(_: &mut Command) {}

/// Whether it has ended; it stays a zombie, so that its group's number belongs to nobody else until it is waited for.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
fn has_ended(child: &mut Child) -> io::Result<bool> {
    use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT | WaitPidFlag::WNOHANG;
    let Ok(pid) = i32::try_from(child.id()) else { return Ok(true) };
    Ok(waitid(Id::Pid(nix::unistd::Pid::from_raw(pid)), flags)? != WaitStatus::StillAlive)
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
fn has_ended(child: &mut Child) -> io::Result<bool> {
    Ok(child.try_wait()?.is_some())
}

/// Kills the child and its process group, if it leads one; whoever calls it has not waited for the child yet.
#[cfg(unix)]
pub fn kill_group(child: &mut Child) {
    use nix::sys::signal::{Signal, killpg};
    if let Ok(group) = i32::try_from(child.id()) {
        // A group that has ended is what is wanted.
        let _ = killpg(nix::unistd::Pid::from_raw(group), Signal::SIGKILL);
    }
}

/// Kills the child.
#[cfg(not(unix))]
pub fn kill_group(child: &mut Child) {
    // A process that has ended is what is wanted.
    let _ = child.kill();
}
