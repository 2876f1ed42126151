//! Kind `executor`: where evaluations run. Built-in only.

use crate::PluginError;

/// Purpose: runs independent tasks of one batch.
///
/// Call order: any number of [`Executor::run`], one at a time.
///
/// Contract: calls `task(i)` exactly once for every `i` in `0..count`, from any threads in any order, and returns when
/// all have returned. The number of threads never changes a result.
///
/// Smallest built-in to copy: `threads` in `core/search`.
pub trait Executor: Send + Sync {
    /// Runs the tasks.
    ///
    /// # Errors
    /// Only if the tasks could not be run at all.
    fn run(&self, count: usize, task: &(dyn Fn(usize) + Sync)) -> Result<(), PluginError>;
}
