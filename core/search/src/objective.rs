//! What the search maximises: a weighted sum or a Pareto front, under constraints. Larger is always better.

use codebench_model::{Metrics, parameter};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// Which way a metric should go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// Larger is better.
    Maximise,
    /// Smaller is better.
    Minimise,
}

/// A metric of an evaluator, written `evaluator.metric`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MetricName {
    /// Id of the evaluator in the experiment.
    pub evaluator: String,
    /// Name of the metric.
    pub metric: String,
}

impl fmt::Display for MetricName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.evaluator, self.metric)
    }
}

/// One term of a weighted sum: `weight * (value / normaliser)` to maximise, `weight * (1 - value / normaliser)` to
/// minimise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Term {
    /// The metric.
    pub metric: MetricName,
    /// Its weight, above 0.
    pub weight: f64,
    /// What its value is divided by, above 0, in the metric's own unit.
    pub normaliser: f64,
    /// Which way.
    pub goal: Goal,
}

impl Term {
    /// The term's part of the sum.
    pub fn of(&self, value: f64) -> f64 {
        let share = value / self.normaliser;
        match self.goal {
            Goal::Maximise => self.weight * share,
            Goal::Minimise => self.weight * (1.0 - share),
        }
    }
}

/// One axis of a Pareto front.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Axis {
    /// The metric.
    pub metric: MetricName,
    /// Which way.
    pub goal: Goal,
}

/// A bound on a metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Constraint {
    /// The metric.
    pub metric: MetricName,
    /// Largest value allowed.
    pub max: Option<f64>,
    /// Smallest value allowed.
    pub min: Option<f64>,
}

impl Constraint {
    /// How far `value` is outside, as a share of the bound (of 1 where the bound is 0).
    pub fn violation(&self, value: f64) -> f64 {
        let excess = |beyond: f64, bound: f64| {
            if beyond <= 0.0 { 0.0 } else { beyond / if bound == 0.0 { 1.0 } else { bound.abs() } }
        };
        self.max.map_or(0.0, |max| excess(value - max, max))
            + self.min.map_or(0.0, |min| excess(min - value, min))
    }
}

/// What is aimed at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aim {
    /// One number.
    WeightedSum(Vec<Term>),
    /// As many numbers as axes.
    Pareto(Vec<Axis>),
}

/// The objective of an experiment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Objective {
    /// What is aimed at.
    pub aim: Aim,
    /// What must hold.
    pub constraints: Vec<Constraint>,
}

/// What an objective makes of one trial.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// Larger is better.
    pub objectives: Vec<f64>,
    /// Sum over the constraints, 0 when all hold.
    pub violation: f64,
}

/// Why a trial has no score.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScoreError {
    /// The evaluator does not give the metric.
    #[error("evaluator `{evaluator}` gave no metric `{metric}`{hint}")]
    Missing {
        /// Id of the evaluator.
        evaluator: String,
        /// The metric asked for.
        metric: String,
        /// The nearest name and all names.
        hint: String,
    },
    /// The sum overflowed.
    #[error("the objective is {value}: choose larger normalisers")]
    NotFinite {
        /// The value.
        value: String,
    },
}

impl Objective {
    /// Number of objectives.
    pub fn len(&self) -> usize {
        match &self.aim {
            Aim::WeightedSum(_) => 1,
            Aim::Pareto(axes) => axes.len(),
        }
    }

    /// Never: the reader refuses an experiment without objectives.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every metric it names with its goal, constraints last.
    pub fn metrics(&self) -> Vec<(&MetricName, Option<Goal>)> {
        let mut metrics: Vec<(&MetricName, Option<Goal>)> = match &self.aim {
            Aim::WeightedSum(terms) => terms.iter().map(|t| (&t.metric, Some(t.goal))).collect(),
            Aim::Pareto(axes) => axes.iter().map(|a| (&a.metric, Some(a.goal))).collect(),
        };
        metrics.extend(self.constraints.iter().map(|c| (&c.metric, None)));
        metrics
    }

    /// The score of a trial from the metrics of its evaluators.
    pub fn score(&self, metrics: &BTreeMap<String, Metrics>) -> Result<Score, ScoreError> {
        let objectives = match &self.aim {
            Aim::WeightedSum(terms) => {
                let mut sum = 0.0;
                for term in terms {
                    sum += term.of(value(metrics, &term.metric)?);
                }
                vec![sum]
            }
            Aim::Pareto(axes) => axes
                .iter()
                .map(|axis| {
                    let value = value(metrics, &axis.metric)?;
                    Ok(if axis.goal == Goal::Maximise { value } else { -value })
                })
                .collect::<Result<_, ScoreError>>()?,
        };
        let mut violation = 0.0;
        for constraint in &self.constraints {
            violation += constraint.violation(value(metrics, &constraint.metric)?);
        }
        if let Some(x) = objectives.iter().chain([&violation]).find(|x| !x.is_finite()) {
            return Err(ScoreError::NotFinite { value: x.to_string() });
        }
        Ok(Score { objectives, violation })
    }
}

fn value(metrics: &BTreeMap<String, Metrics>, name: &MetricName) -> Result<f64, ScoreError> {
    let of_evaluator = metrics.get(&name.evaluator);
    of_evaluator.and_then(|m| m.values.get(&name.metric)).copied().ok_or_else(|| {
        let known: Vec<&str> =
            of_evaluator.iter().flat_map(|m| m.values.keys().map(String::as_str)).collect();
        let nearest = parameter::nearest(&name.metric, known.iter().copied());
        let meant = nearest.map(|n| format!(" (did you mean `{n}`?)")).unwrap_or_default();
        ScoreError::Missing {
            evaluator: name.evaluator.clone(),
            metric: name.metric.clone(),
            hint: format!(
                "{meant}; it gave {}",
                if known.is_empty() { "none".into() } else { known.join(", ") }
            ),
        }
    })
}

/// Whether `a` is at least as good as `b` everywhere and better somewhere.
pub fn dominates(a: &[f64], b: &[f64]) -> bool {
    a.iter().zip(b).all(|(x, y)| x >= y) && a.iter().zip(b).any(|(x, y)| x > y)
}

/// Indices, ascending, of the points that no other point dominates; equal points stand or fall together.
pub fn pareto_front(points: &[Vec<f64>]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..points.len()).collect();
    // A point can only be dominated by one that is lexicographically larger.
    order.sort_by(|&i, &j| {
        points[j].partial_cmp(&points[i]).unwrap_or(std::cmp::Ordering::Equal).then(i.cmp(&j))
    });
    let mut front: Vec<usize> = Vec::new();
    for i in order {
        if !front.iter().any(|&j| dominates(&points[j], &points[i])) {
            front.push(i);
        }
    }
    front.sort_unstable();
    front
}

/// Index of the point of a front nearest to the ideal one, every objective scaled to the front's range; the first of
/// equals. `None` for an empty front.
pub fn compromise(points: &[Vec<f64>], front: &[usize]) -> Option<usize> {
    let axes = front.first().map_or(0, |&i| points[i].len());
    let range = |axis: usize| {
        let values = front.iter().map(|&i| points[i][axis]);
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)))
    };
    let ranges: Vec<(f64, f64)> = (0..axes).map(range).collect();
    let distance = |i: usize| -> f64 {
        ranges
            .iter()
            .zip(&points[i])
            .map(|(&(low, high), &x)| if high > low { (high - x) / (high - low) } else { 0.0 })
            .map(|d| d * d)
            .sum()
    };
    front.iter().copied().min_by(|&i, &j| distance(i).total_cmp(&distance(j)).then(i.cmp(&j)))
}
