//! Calls of native plugins that do not come back.
//!
//! A native library runs in the host's own threads, and no call can be stopped from outside. So every call notes that it is
//! inside the library, with a few stores to memory of its own thread; and what the study calls (an evaluation, an ask, the
//! lowering of a vertex) runs, once there is a native plugin, on a thread that can be left behind. Whoever waits for it looks
//! now and then whether the thread is inside the same call for longer than the plugin's limit.

use crate::text::message;
use codebench_api::{ErrorKind, PluginError};
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

/// How often the one who waits looks.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Stack of a thread that can be left behind: that of a main thread.
const STACK_BYTES: usize = 8 << 20;

/// A plugin whose calls are watched.
pub(crate) struct Watched {
    id: String,
    /// How long one call may take; no bound if `None`.
    limit: Option<Duration>,
    /// A call of it has been left behind.
    disabled: AtomicBool,
}

impl Watched {
    /// Lives as long as the process, as its library does.
    pub(crate) fn new(id: &str, limit: Option<Duration>) -> &'static Watched {
        Box::leak(Box::new(Watched { id: id.to_owned(), limit, disabled: AtomicBool::new(false) }))
    }

    /// A call of the plugin. Once a call was left behind, none is made any more.
    ///
    /// # Errors
    /// Those of the call; that the plugin is disabled.
    pub(crate) fn inside<T>(
        &'static self,
        call: impl FnOnce() -> Result<T, PluginError>,
    ) -> Result<T, PluginError> {
        if self.disabled.load(Ordering::Relaxed) {
            return Err(self.is_disabled());
        }
        let answer = INSIDE.with_borrow(|slot| match slot {
            None => call(),
            Some(slot) => {
                // Plugins may call each other: the innermost is the one that is waited for.
                let outer = slot.enter(std::ptr::from_ref(self).cast_mut());
                let answer = call();
                slot.enter(outer);
                answer
            }
        });
        answer.map_err(|error| PluginError { message: message(&error.message), ..error })
    }

    fn is_disabled(&self) -> PluginError {
        let message = format!(
            "plugin `{}` is disabled: an earlier call of it has not come back; mend it, or give it more `wall_s`, and start anew in \
             another folder",
            self.id
        );
        PluginError { kind: ErrorKind::Limit, message }
    }

    fn leave_behind(&self, limit: Duration) -> PluginError {
        self.disabled.store(true, Ordering::Relaxed);
        let message = format!(
            "plugin `{}` has not come back from a call within {} s: its thread is left behind, and the plugin is disabled; raise \
             `wall_s` if it needs more",
            self.id,
            limit.as_secs_f64()
        );
        PluginError { kind: ErrorKind::Limit, message }
    }
}

/// Where a thread is: which plugin it is inside, and how often a plugin has been entered or left.
#[derive(Default)]
struct Slot {
    inside: AtomicPtr<Watched>,
    moves: AtomicU64,
}

thread_local! {
    /// Of a thread that can be left behind.
    static INSIDE: RefCell<Option<Arc<Slot>>> = const { RefCell::new(None) };
}

impl Slot {
    /// Only the thread itself writes. It counts first: whoever sees the new plugin sees the new count too.
    fn enter(&self, plugin: *mut Watched) -> *mut Watched {
        let outer = self.inside.load(Ordering::Relaxed);
        self.moves.store(self.moves.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        self.inside.store(plugin, Ordering::Release);
        outer
    }
}

/// What the one who waits has seen last.
struct Look {
    moves: u64,
    since: Instant,
}

impl Look {
    /// The plugin in which the thread has been for longer than its limit.
    fn stuck(&mut self, slot: &Slot) -> Option<(&'static Watched, Duration)> {
        let moves = slot.moves.load(Ordering::Relaxed);
        if moves != self.moves {
            *self = Look { moves, since: Instant::now() };
            return None;
        }
        // SAFETY: the pointer is null or that of a `Watched`, which lives as long as the process and is never written.
        let plugin = unsafe { slot.inside.load(Ordering::Acquire).as_ref() }?;
        // A thread that has moved between the two looks is inside something else, which it has just entered.
        if slot.moves.load(Ordering::Relaxed) != moves {
            return None;
        }
        plugin.limit.filter(|limit| self.since.elapsed() > *limit).map(|limit| (plugin, limit))
    }
}

/// Runs `body` on a thread that is left behind if a native plugin does not come back.
///
/// # Errors
/// Those of `body`; which plugin has not come back.
pub(crate) fn guarded<T: Send + 'static>(
    body: impl FnOnce() -> Result<T, PluginError> + Send + 'static,
) -> Result<T, PluginError> {
    if INSIDE.with_borrow(Option::is_some) {
        return body();
    }
    let slot = Arc::new(Slot::default());
    let (of_thread, (answer, answers)) = (Arc::clone(&slot), sync_channel(1));
    let run = move || {
        INSIDE.set(Some(of_thread));
        // Nobody listens any more if the thread was left behind.
        let _ = answer.send(catch_unwind(AssertUnwindSafe(body)));
    };
    std::thread::Builder::new()
        .name("plugin call".into())
        .stack_size(STACK_BYTES)
        .spawn(run)
        .map_err(|e| PluginError::failed(format!("no thread can be started: {e}; run fewer --threads")))?;
    let mut look = Look { moves: 0, since: Instant::now() };
    loop {
        match answers.recv_timeout(LOOK_EVERY) {
            Ok(Ok(answer)) => return answer,
            Ok(Err(panic)) => resume_unwind(panic),
            Err(RecvTimeoutError::Timeout) => {
                if let Some((plugin, limit)) = look.stuck(&slot) {
                    return Err(plugin.leave_behind(limit));
                }
            }
            Err(RecvTimeoutError::Disconnected) => {
                return Err(PluginError::failed("the thread of a call has ended without an answer"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_does_not_come_back_is_left_behind_and_its_plugin_disabled() {
        let (held, hold) =
            (Arc::new(std::sync::Barrier::new(2)), Watched::new("a/b", Some(Duration::from_millis(100))));
        let inner = Arc::clone(&held);
        let answer = guarded(move || {
            hold.inside(|| {
                inner.wait();
                Ok(())
            })
        });
        let error = answer.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Limit);
        assert!(error.message.contains("`a/b` has not come back from a call within 0.1 s"), "{error}");
        let later = guarded(move || hold.inside(|| Ok(())));
        assert!(later.unwrap_err().message.contains("is disabled"));
        held.wait();
    }

    #[test]
    fn many_short_calls_are_no_long_one() {
        let quick = Watched::new("a/quick", Some(Duration::from_millis(200)));
        let answer = guarded(move || {
            let start = Instant::now();
            let mut calls = 0u64;
            while start.elapsed() < Duration::from_millis(500) {
                calls += quick.inside(|| Ok(1))?;
            }
            Ok(calls)
        });
        assert!(answer.unwrap() > 1);
    }

    #[test]
    fn the_innermost_plugin_is_the_one_that_hangs() {
        let outer = Watched::new("a/outer", None);
        let inner = Watched::new("a/inner", Some(Duration::from_millis(100)));
        let answer: Result<(), _> = guarded(move || {
            outer.inside(|| {
                inner.inside(|| Ok(()))?;
                inner.inside(|| {
                    loop {
                        std::thread::park();
                    }
                })
            })
        });
        assert!(answer.unwrap_err().message.contains("a/inner"));
        assert!(guarded(move || outer.inside(|| Ok(()))).is_ok());
    }

    #[test]
    fn errors_and_panics_pass() {
        let refused: Result<(), _> = guarded(|| Err(PluginError::invalid("no")));
        assert_eq!(refused.unwrap_err().message, "no");
        let panicked = catch_unwind(|| guarded::<()>(|| panic!("oh")));
        assert!(panicked.is_err());
    }
}
