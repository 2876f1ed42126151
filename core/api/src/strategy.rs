//! Kind `strategy`: what to evaluate next.

use crate::PluginError;
use codebench_model::{Genotype, Space, Status};
use serde::{Deserialize, Serialize};

/// What a strategy is made for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StrategyContext {
    /// The space.
    pub space: Space,
    /// The only source of randomness.
    pub seed: u64,
    /// Number of objectives; every one larger is better.
    pub objectives: usize,
}

/// The outcome of one trial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tell {
    /// Number of the trial.
    pub trial: u64,
    /// The repaired genotype.
    pub genotype: Genotype,
    /// How it ended; failures are told too.
    pub status: Status,
    /// Objectives, larger is better; empty unless the status is `ok`.
    pub objectives: Vec<f64>,
    /// For constraints: total violation, 0 when feasible.
    pub violation: f64,
}

/// Purpose: proposes candidates and learns from their outcomes.
///
/// Call order: [`Strategy::start`] once, then any sequence of [`Strategy::ask`] and [`Strategy::tell`]; several asks
/// may be outstanding, and tells may come for any subset in any order.
///
/// Purity and threads: the state is a function of (parameters, context, ordered log of calls): no clock, no other
/// randomness, no threads of its own that change results. Resume replays the log. Called from one thread at a time.
///
/// Units: objectives as the experiment defines them, larger is better.
///
/// Errors: an error of `ask` is answered by the host with uniform samples; an error of `tell` is logged and skipped.
/// Three in a row end the run.
///
/// ```
/// use codebench_api::{PluginError, Strategy, StrategyContext, Tell};
/// use codebench_model::Genotype;
///
/// /// Proposes the first value of every choice, for ever.
/// #[derive(Default)]
/// struct First {
///     choices: usize,
/// }
///
/// impl Strategy for First {
///     fn start(&mut self, context: &StrategyContext) -> Result<(), PluginError> {
///         self.choices = context.space.choices.len();
///         Ok(())
///     }
///
///     fn ask(&mut self, count: usize) -> Result<Vec<Genotype>, PluginError> {
///         Ok(vec![Genotype(vec![0; self.choices]); count])
///     }
///
///     fn tell(&mut self, _outcomes: &[Tell]) -> Result<(), PluginError> {
///         Ok(())
///     }
/// }
/// ```
///
/// Smallest built-in to copy: `random` in `plugins/strategies`.
pub trait Strategy: Send {
    /// Receives the space and the seed.
    fn start(&mut self, context: &StrategyContext) -> Result<(), PluginError>;

    /// Proposes `count` candidates, each with one index per choice; they need not be repaired, and the study removes
    /// duplicates. Fewer than `count` means that the strategy has no more to propose.
    fn ask(&mut self, count: usize) -> Result<Vec<Genotype>, PluginError>;

    /// Learns the outcome of trials, in ask order.
    fn tell(&mut self, outcomes: &[Tell]) -> Result<(), PluginError>;
}
