//! What a study comes to, in data and in words.

use codebench_model::{Metrics, Parameters};
use std::collections::BTreeMap;
use std::fmt;
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
    /// Objectives, larger is better.
    pub objectives: Vec<f64>,
    /// Whether every constraint holds.
    pub feasible: bool,
    /// Metrics by evaluator, measured on the test split too; those of the search if the final measurement failed.
    pub metrics: BTreeMap<String, Metrics>,
    /// Why the final measurement failed, or is not there yet.
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
    /// Files written.
    pub files: Vec<PathBuf>,
}

impl Counts {
    /// All recorded trials.
    pub fn total(&self) -> u64 {
        self.ok + self.infeasible + self.failed
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts { ok, infeasible, failed } = self.counts;
        let recorded = self.counts.total();
        writeln!(
            f,
            "{}: {recorded} of {} trials ({ok} ok, {infeasible} infeasible, {failed} failed)",
            self.name, self.trials
        )?;
        match self.outcome {
            Outcome::Completed => {}
            Outcome::Exhausted => {
                writeln!(f, "The space is exhausted: all its {} candidates are evaluated.", self.space_size)?;
            }
            Outcome::StrategyDone => writeln!(f, "The strategy has no more to propose.")?,
            Outcome::Interrupted => writeln!(f, "Interrupted: `--resume` goes on with it.")?,
        }
        if let Some((reason, times)) = &self.main_reason {
            writeln!(f, "Most frequent reason of trials that are not ok ({times} times): {reason}")?;
        }
        match &self.best {
            Some(best) => write_best(f, best, self.front.len())?,
            None => writeln!(f, "No trial is ok, so there is no best candidate.")?,
        }
        self.files.iter().try_for_each(|file| writeln!(f, "wrote {}", file.display()))
    }
}

fn write_best(f: &mut fmt::Formatter<'_>, best: &BestCandidate, front: usize) -> fmt::Result {
    let objectives: Vec<String> = best.objectives.iter().map(|x| number(*x)).collect();
    writeln!(f, "Best candidate: trial {}, objective {}", best.trial, objectives.join(", "))?;
    if best.objectives.len() > 1 {
        writeln!(f, "  the compromise on a Pareto front of {front}")?;
    }
    if !best.feasible {
        writeln!(f, "  it violates a constraint; no trial satisfies all of them")?;
    }
    for (evaluator, metrics) in &best.metrics {
        for (name, value) in &metrics.values {
            writeln!(f, "  {:<40} {}", format!("{evaluator}.{name}"), number(*value))?;
        }
    }
    for (name, value) in &best.values {
        writeln!(f, "  {name:<40} {value}")?;
    }
    match &best.final_failure {
        Some(reason) => writeln!(f, "  not measured on the test split: {reason}"),
        None => Ok(()),
    }
}

/// Up to six significant digits, as a person reads them.
pub(crate) fn number(x: f64) -> String {
    let size = x.abs();
    if x == 0.0 {
        "0".into()
    } else if x.fract() == 0.0 && size < 1e15 {
        format!("{x}")
    } else if (1e-3..1e6).contains(&size) {
        // 6 significant digits, so 5 less those before the point.
        let before = codebench_math::floor(codebench_math::log10(size)) as i64;
        let digits = usize::try_from(5 - before).unwrap_or(0);
        let text = format!("{x:.digits$}");
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
    } else {
        format!("{x:.5e}")
    }
}
