//! Work that cannot be interrupted, on threads for which the caller waits so long and no longer.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, TryRecvError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Threads of one purpose.
pub(super) struct Background {
    /// Those at work that nobody waits for any more.
    left: AtomicUsize,
    most_left: usize,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum NoAnswer {
    /// So many threads are at work that nobody waits for, as many as may be.
    TooManyLeft(usize),
    /// The system gives no thread.
    NoThread(std::io::Error),
    /// It took too long, and goes on in the background.
    TooLong,
    /// The work panicked.
    Panicked,
}

impl Background {
    /// At most `most_left` threads go on without anybody who waits.
    pub(super) const fn new(most_left: usize) -> Self {
        Background { left: AtomicUsize::new(0), most_left }
    }

    /// The answer of `work`, which runs on a thread called `name`.
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub(super) fn run<T: Send + 'static>(
        &'static self,
        name: &str,
        patience: Duration,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, NoAnswer> {
        let left = self.left.load(Ordering::Relaxed);
        if left >= self.most_left {
            return Err(NoAnswer::TooManyLeft(left));
        }
        let is_left = Arc::new(Mutex::new(false));
        let thread = Thread { of: self, is_left: Arc::clone(&is_left) };
        let (sender, receiver) = sync_channel(1);
        let work = move || {
            let answer = work();
            // Either the answer is sent or the thread is left: never both.
            let is_left = thread.is_left.lock().unwrap_or_else(PoisonError::into_inner);
            if !*is_left {
                let _ = sender.send(answer);
            }
        };
        std::thread::Builder::new().name(name.to_owned()).spawn(work).map_err(NoAnswer::NoThread)?;
        match receiver.recv_timeout(patience) {
            Ok(answer) => Ok(answer),
            Err(RecvTimeoutError::Disconnected) => Err(NoAnswer::Panicked),
            Err(RecvTimeoutError::Timeout) => {
                let mut is_left = is_left.lock().unwrap_or_else(PoisonError::into_inner);
                // It may have ended in the meantime.
                receiver.try_recv().map_err(|none| match none {
                    TryRecvError::Disconnected => NoAnswer::Panicked,
                    TryRecvError::Empty => {
                        *is_left = true;
                        self.left.fetch_add(1, Ordering::Relaxed);
                        NoAnswer::TooLong
                    }
                })
            }
        }
    }
}

/// A thread at work; one that was left is counted until it ends, also in a panic.
struct Thread {
    of: &'static Background,
    is_left: Arc<Mutex<bool>>,
}

impl Drop for Thread {
    fn drop(&mut self) {
        if *self.is_left.lock().unwrap_or_else(PoisonError::into_inner) {
            self.of.left.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    const SOON: Duration = Duration::from_millis(20);
    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn no_more_threads_are_left_than_allowed_and_they_count_until_they_end() {
        static TWO: Background = Background::new(2);
        let held = Arc::new(Mutex::new(()));
        let holding = held.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in 0..2 {
            let held = Arc::clone(&held);
            let answer = TWO.run("held", SOON, move || drop(held.lock()));
            assert!(matches!(answer, Err(NoAnswer::TooLong)), "{answer:?}");
        }
        let refused = TWO.run("refused", LONG, || ());
        assert!(matches!(refused, Err(NoAnswer::TooManyLeft(2))), "{refused:?}");
        drop(holding);
        let started = Instant::now();
        while TWO.left.load(Ordering::Relaxed) > 0 && started.elapsed() < LONG {
            std::thread::sleep(SOON);
        }
        assert_eq!(TWO.run("welcome", LONG, || 7).ok(), Some(7));
    }

    #[test]
    fn a_panic_is_no_answer() {
        static ONE: Background = Background::new(1);
        let answer: Result<(), _> = ONE.run("panics", LONG, || std::panic::resume_unwind(Box::new("oh")));
        assert!(matches!(answer, Err(NoAnswer::Panicked)), "{answer:?}");
        assert!(ONE.run("goes on", LONG, || ()).is_ok());
    }
}
