//! `codebench/reinforce`.

use crate::history::History;
use crate::start;
use codebench_sdk::math;
use codebench_sdk::prelude::*;
use codebench_sdk::space::active;

/// Stream of the seed.
const STREAM: u64 = 6;
/// Draws of the policy before an unknown point is sought elsewhere.
const DRAWS: usize = 50;

/// Policy gradient (Williams, 1992): every choice has a distribution of its own, which moves towards what did better than usual.
#[derive(Debug)]
pub struct Reinforce {
    learning_rate: f64,
    decay: f64,
    state: Option<State>,
}

#[derive(Debug)]
struct State {
    history: History,
    /// Logits by choice and value.
    logits: Vec<Vec<f64>>,
    learned: usize,
    /// Moving mean of the values and of their squared deviations.
    baseline: Option<(f64, f64)>,
}

impl Plugin for Reinforce {
    type Kind = kinds::Strategy;

    fn info() -> PluginInfo {
        PluginInfo::new(
            "codebench/reinforce",
            "0.1.0",
            "Policy gradient: draws every choice from a distribution that it learns.",
        )
        .parameters(vec![
            ParameterDescription::float(
                "learning_rate",
                1e-6,
                10.0,
                0.1,
                "Step of the logits, per standard deviation of the values.",
            ),
            ParameterDescription::float(
                "decay",
                0.0,
                0.999,
                0.9,
                "Weight of the past in the moving mean that a value is compared with.",
            ),
        ])
        .example(
            "a slower learner",
            "[strategy]\nplugin = \"codebench/reinforce\"\nparameters = { learning_rate = 0.03 }",
        )
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        Ok(Reinforce {
            learning_rate: configuration.float("learning_rate")?,
            decay: configuration.float("decay")?,
            state: None,
        })
    }
}

impl Strategy for Reinforce {
    fn start(&mut self, context: &StrategyContext) -> Result<(), PluginError> {
        let history = History::new(context, STREAM)?;
        let logits = context.space.choices.iter().map(|c| vec![0.0; c.values.len()]).collect();
        self.state = Some(State { history, logits, learned: 0, baseline: None });
        Ok(())
    }

    fn ask(&mut self, count: usize) -> Result<Vec<Genotype>, PluginError> {
        let state = self.state.as_mut().ok_or_else(start::not_started)?;
        (0..count).map(|_| state.propose()).collect()
    }

    fn tell(&mut self, outcomes: &[Tell]) -> Result<(), PluginError> {
        let (rate, decay) = (self.learning_rate, self.decay);
        let state = self.state.as_mut().ok_or_else(start::not_started)?;
        state.history.tell(outcomes);
        state.learn(rate, decay);
        Ok(())
    }
}

impl State {
    fn propose(&mut self) -> Result<Genotype, PluginError> {
        let mut point = None;
        for _ in 0..DRAWS {
            let drawn: Vec<u32> =
                self.logits.iter().map(|logits| draw(&softmax(logits), self.history.rng.unit())).collect();
            let repaired = self.history.points.repair(&Genotype(drawn)).map_err(start::invalid)?;
            if !self.history.is_known(&repaired) {
                return Ok(self.history.propose(repaired));
            }
            point = Some(repaired);
        }
        let point = match point {
            Some(point) => self.history.mutate(&point)?,
            None => self.history.sample(),
        };
        Ok(self.history.propose(point))
    }

    fn learn(&mut self, rate: f64, decay: f64) {
        let values = self.history.values();
        for (outcome, value) in self.history.outcomes.iter().zip(&values).skip(self.learned) {
            let (mean, variance) = self.baseline.unwrap_or((*value, 0.0));
            let deviation = value - mean;
            let variance = decay * variance + (1.0 - decay) * deviation * deviation;
            self.baseline = Some((decay * mean + (1.0 - decay) * value, variance));
            let spread = math::sqrt(variance);
            if spread <= 0.0 {
                continue;
            }
            let step = rate * (deviation / spread).clamp(-3.0, 3.0);
            for choice in active(self.history.points.space(), &outcome.genotype) {
                let chosen = outcome.genotype.0[choice] as usize;
                let probabilities = softmax(&self.logits[choice]);
                for (value, (logit, p)) in self.logits[choice].iter_mut().zip(&probabilities).enumerate() {
                    *logit += step * (f64::from(u8::from(value == chosen)) - p);
                }
            }
        }
        self.learned = values.len();
    }
}

/// Probabilities of logits.
fn softmax(logits: &[f64]) -> Vec<f64> {
    let highest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = logits.iter().map(|x| math::exp(x - highest)).collect();
    let total: f64 = weights.iter().sum();
    weights.iter().map(|w| w / total).collect()
}

/// The value within whose share of the unit interval `unit` falls.
pub(crate) fn draw(probabilities: &[f64], unit: f64) -> u32 {
    let mut rest = unit;
    for (value, p) in probabilities.iter().enumerate() {
        if rest < *p {
            return value as u32;
        }
        rest -= p;
    }
    probabilities.iter().rposition(|p| *p > 0.0).unwrap_or(0) as u32
}
