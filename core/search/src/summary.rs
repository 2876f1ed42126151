//! What a study comes to.

use codebench_model::{Block, Metrics, Parameters};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The budget is spent.
    Completed,
    /// Every candidate of the space has been evaluated.
    Exhausted,
    /// The strategy has no more to propose.
    StrategyDone,
    /// The run was cancelled; `--resume` goes on with it.
    Interrupted,
}

/// How many trials ended how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub struct Counts {
    pub ok: u64,
    pub infeasible: u64,
    pub failed: u64,
}

/// The best candidate.
#[derive(Debug, Clone, PartialEq)]
pub struct BestCandidate {
    /// Its trial.
    pub trial: u64,
    /// Values of its choices.
    pub values: Parameters,
    /// Of every choice that makes a CNN or an accelerator, which.
    pub blocks: BTreeMap<String, Block>,
    /// Objectives, larger is better.
    pub objectives: Vec<f64>,
    /// Whether every constraint holds.
    pub feasible: bool,
    /// Metrics by evaluator, measured on the test split too; those of the search if the final measurement failed.
    pub metrics: BTreeMap<String, Metrics>,
    /// Why the final measurement failed. `None` if it did not, or if the run was interrupted before.
    pub final_failure: Option<String>,
}

/// What a study comes to.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// Name of the experiment.
    pub name: String,
    /// Why the run ended.
    pub outcome: Outcome,
    /// Trials of the budget.
    pub trials: u64,
    /// How the recorded ones ended.
    pub counts: Counts,
    /// Number of candidates of the space, in decimal.
    pub space_size: String,
    /// The best candidate, if any trial is ok.
    pub best: Option<BestCandidate>,
    /// Trials that no other dominates.
    pub front: Vec<u64>,
    /// The most frequent reason of trials that are not ok, and how often it was given.
    pub main_reason: Option<(String, u64)>,
    /// What sets the records apart from those of an experiment that ran from its start as it is now.
    pub note: Option<String>,
    /// Files written.
    pub files: Vec<PathBuf>,
}

impl Counts {
    /// All recorded trials.
    pub fn total(&self) -> u64 {
        self.ok + self.infeasible + self.failed
    }
}
