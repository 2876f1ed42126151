//! Why a study ends without a result.

use crate::experiment::ExperimentError;
use crate::store::StoreError;
use codebench_api::PluginError;

/// Why a study cannot start, go on or finish. What is stored stays stored.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum SearchError {
    #[error(transparent)]
    Experiment(#[from] ExperimentError),
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A plugin that cannot be made or asked what it needs.
    #[error("{role}: {error}")]
    Plugin { role: String, error: PluginError },
    /// Parts of the experiment that do not fit together.
    #[error("{0}")]
    Inconsistent(String),
    /// `--resume` with another experiment.
    #[error(
        "the experiment is not the one that the store was made with:\n  {}\nput it back, or give another --out; only \
         budget.trials (to grow) and executor may change", .differences.join("\n  ")
    )]
    Changed { differences: Vec<String> },
    /// `--resume` with another tuning file.
    #[error(
        "the tuning is not the one that the store was made with:\n  {}\nput it back, or give another --out; only \
         tune.configurations, tune.epochs and executor may change", .differences.join("\n  ")
    )]
    Retuned { differences: Vec<String> },
    /// `--resume` with a smaller budget than what is stored.
    #[error("budget.trials = {trials}, but the store already holds {asked} trials: give at least {asked}")]
    Shrunk { trials: u64, asked: u64 },
    /// A file that cannot be put together; the store is there.
    #[error("{file} cannot be put together: {reason}")]
    Output { file: &'static str, reason: String },
    /// A strategy that does not repeat itself.
    #[error(
        "strategy `{plugin}` does not repeat what the store holds ({what}): it is not a function of its seed and log; \
         report this to its author, or give another --out"
    )]
    Replay { plugin: String, what: String },
    /// A strategy that failed three times in a row.
    #[error("strategy `{plugin}` failed three times in a row, so the run ends; the last reason: {reason}")]
    Strategy { plugin: String, reason: String },
    /// A strategy that failed and cannot be made again: a native one that was given up, for example.
    #[error("strategy `{plugin}` failed ({reason}) and cannot be made again, so the run ends: {error}")]
    StrategyLost { plugin: String, reason: String, error: String },
}
