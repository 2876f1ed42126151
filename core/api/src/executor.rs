//! Kind `executor`: where evaluations run. Built-in only.

use crate::PluginError;

/// Purpose: runs independent tasks of one batch.
///
/// Call order: any number of [`Executor::run`], one at a time.
///
/// Purity and threads: `task(i)` is called exactly once for every `i` in `0..count`, from any threads in any order, and
/// [`Executor::run`] returns when all have returned. The number of threads never changes a result.
///
/// Units: none; tasks are numbered from 0.
///
/// Errors: [`ErrorKind::Failed`](crate::ErrorKind::Failed) if the tasks cannot be run at all. A task that fails is the
/// study's concern: it catches panics and returns normally.
///
/// ```
/// use codebench_api::{Executor, PluginError};
///
/// /// One task after another.
/// struct Serial;
///
/// impl Executor for Serial {
///     fn run(&self, count: usize, task: &(dyn Fn(usize) + Sync)) -> Result<(), PluginError> {
///         (0..count).for_each(task);
///         Ok(())
///     }
/// }
/// ```
///
/// Smallest built-in to copy: `threads` in `core/search`.
pub trait Executor: Send + Sync {
    /// Runs the tasks.
    fn run(&self, count: usize, task: &(dyn Fn(usize) + Sync)) -> Result<(), PluginError>;
}
