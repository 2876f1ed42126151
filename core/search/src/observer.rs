//! Watching a study while it runs.

use codebench_model::{Genotype, Status};

/// What a study tells before its first evaluation.
#[derive(Debug, Clone, PartialEq)]
pub struct Started {
    /// Name of the experiment.
    pub name: String,
    /// Trials of the budget.
    pub trials: u64,
    /// Trials already recorded.
    pub recorded: u64,
    /// Evaluators of each trial.
    pub evaluators: u64,
    /// Number of candidates of the space, in decimal.
    pub space_size: String,
    /// Best objectives already recorded.
    pub best: Option<Best>,
}

/// The best trial so far.
#[derive(Debug, Clone, PartialEq)]
pub struct Best {
    /// Its number.
    pub trial: u64,
    /// Its objectives, larger is better.
    pub objectives: Vec<f64>,
}

/// One evaluator has answered for one trial, or its answer was known.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluated {
    /// The trial.
    pub trial: u64,
    /// Id of the evaluator in the experiment.
    pub evaluator: String,
    /// Whether the answer was known already.
    pub reused: bool,
}

/// One trial is recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct TrialFinished {
    /// The trial.
    pub trial: u64,
    /// Its genotype.
    pub genotype: Genotype,
    /// How it ended.
    pub status: Status,
    /// Why it is not `ok`.
    pub reason: Option<String>,
    /// Its objectives, larger is better.
    pub objectives: Vec<f64>,
    /// Trials recorded so far.
    pub recorded: u64,
    /// Best so far.
    pub best: Option<Best>,
}

/// Receives the events of a study, one at a time, from any thread. Nothing that it does changes a result.
pub trait Observer: Send {
    /// The study starts or goes on.
    fn started(&mut self, _event: &Started) {}
    /// An evaluator has answered.
    fn evaluated(&mut self, _event: &Evaluated) {}
    /// A trial is recorded.
    fn trial_finished(&mut self, _event: &TrialFinished) {}
    /// The search is over; the best candidate is measured once more, on the test split where there is one.
    fn finalising(&mut self, _trial: u64) {}
    /// Something that a user should know.
    fn note(&mut self, _text: &str) {}
}

/// Watches nothing.
#[derive(Debug, Default, Clone, Copy)]
pub struct Silent;

impl Observer for Silent {}
