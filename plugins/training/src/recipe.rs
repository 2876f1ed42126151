//! The recipe, checked, and its schedules.

use codebench_sdk::math;
use codebench_sdk::model::Recipe;
use codebench_sdk::prelude::PluginError;
use std::f64::consts::PI;

/// Schedule `one-cycle` starts at this share of the peak learning rate.
const START: f64 = 1.0 / 25.0;
/// And ends at this share of its start.
const END: f64 = 1e-4;

/// How the learning rate changes over the steps; every factor is one of the peak learning rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Schedule {
    /// It does not.
    Constant,
    /// Half a cosine from the peak to zero.
    Cosine,
    /// Multiplied by `decay` after every epoch.
    Exponential {
        /// Factor from epoch to epoch.
        decay: f64,
    },
    /// Half cosines from the peak to zero, one after the other (Loshchilov and Hutter, arXiv 1608.03983).
    WarmRestarts {
        /// Epochs of the first.
        first: u64,
        /// Each is so many times longer than the one before.
        factor: u64,
    },
    /// Half a cosine from 1/25 up to the peak, another down to 4e-6 (Smith and Topin, arXiv 1708.07120).
    OneCycle {
        /// Share of the steps that rise.
        rise: f64,
    },
}

/// Where a training stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Steps done.
    pub step: u64,
    /// Steps of one epoch.
    pub steps_per_epoch: u64,
    /// Epochs of the recipe.
    pub epochs: u64,
}

impl Progress {
    /// Share of all steps that is done.
    fn share(self) -> f64 {
        self.step as f64 / (self.steps_per_epoch * self.epochs).max(1) as f64
    }

    /// Epochs done, with their fraction.
    fn epoch(self) -> f64 {
        self.step as f64 / self.steps_per_epoch.max(1) as f64
    }
}

/// From `from` at 0 to `to` at 1 on half a cosine.
fn anneal(from: f64, to: f64, at: f64) -> f64 {
    to + (from - to) * 0.5 * (1.0 + math::cos(PI * at))
}

impl Schedule {
    /// Factor of the peak learning rate.
    pub fn factor(self, progress: Progress) -> f64 {
        match self {
            Schedule::Constant => 1.0,
            Schedule::Cosine => anneal(1.0, 0.0, progress.share()),
            Schedule::Exponential { decay } => math::pow(decay, progress.epoch().floor()),
            Schedule::WarmRestarts { first, factor } => {
                let (mut rest, mut length) = (progress.epoch(), first as f64);
                while factor > 1 && rest >= length {
                    rest -= length;
                    length *= factor as f64;
                }
                anneal(1.0, 0.0, rest % length / length)
            }
            Schedule::OneCycle { rise } => {
                let share = progress.share();
                if share < rise {
                    anneal(START, 1.0, share / rise)
                } else {
                    anneal(1.0, START * END, (share - rise) / (1.0 - rise))
                }
            }
        }
    }
}

/// A recipe whose values are all in range.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckedRecipe {
    recipe: Recipe,
    schedule: Schedule,
}

impl CheckedRecipe {
    /// Checks every field.
    ///
    /// # Errors
    /// The field, its value and the allowed range.
    pub fn new(recipe: &Recipe) -> Result<CheckedRecipe, PluginError> {
        recipe.check().map_err(|e| PluginError::invalid(e.to_string()))?;
        let schedule = match recipe.schedule.as_str() {
            "constant" => Schedule::Constant,
            "cosine" => Schedule::Cosine,
            "exponential" => Schedule::Exponential { decay: recipe.decay },
            "warm-restarts" => {
                Schedule::WarmRestarts { first: recipe.restart_epochs, factor: recipe.restart_factor }
            }
            "one-cycle" => Schedule::OneCycle { rise: recipe.warm_up },
            other => return Err(PluginError::invalid(format!("this trainer has no schedule `{other}`"))),
        };
        Ok(CheckedRecipe { recipe: recipe.clone(), schedule })
    }

    /// The fields.
    pub fn fields(&self) -> &Recipe {
        &self.recipe
    }

    /// Learning rate of the step after those done.
    pub fn learning_rate(&self, progress: Progress) -> f64 {
        self.recipe.learning_rate * self.schedule.factor(progress)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn factors<const N: usize>(name: &str, steps: [u64; N]) -> [f64; N] {
        let fields =
            Recipe { schedule: name.into(), learning_rate: 1.0, restart_epochs: 2, ..Recipe::default() };
        let recipe = CheckedRecipe::new(&fields).unwrap();
        steps.map(|step| recipe.learning_rate(Progress { step, steps_per_epoch: 10, epochs: 10 }))
    }

    fn assert_close<const N: usize>(got: [f64; N], expected: [f64; N]) {
        assert!(got.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{got:?} against {expected:?}");
    }

    #[test]
    fn every_schedule_of_the_model_is_known() {
        for name in Recipe::SCHEDULES {
            assert!(
                CheckedRecipe::new(&Recipe { schedule: name.into(), ..Recipe::default() }).is_ok(),
                "{name}"
            );
        }
    }

    #[test]
    fn a_value_out_of_range_is_refused() {
        let error = CheckedRecipe::new(&Recipe { epochs: 0, ..Recipe::default() }).unwrap_err();
        assert_eq!(
            error.message,
            "recipe `epochs` = 0 is out of range: give a whole number from 1 to 100000"
        );
    }

    #[test]
    fn schedules_follow_their_formulas() {
        assert_close(factors("constant", [0, 70]), [1.0, 1.0]);
        assert_close(factors("cosine", [0, 50, 100]), [1.0, 0.5, 0.0]);
        assert_close(factors("exponential", [0, 9, 10, 25]), [1.0, 1.0, 0.95, 0.95 * 0.95]);
        // Half cosines of 2, 4 and 8 epochs.
        assert_close(factors("warm-restarts", [0, 10, 20, 40, 60]), [1.0, 0.5, 1.0, 0.5, 1.0]);
        // PyTorch's OneCycleLR with its default divisors: 0.04, the peak after 30 steps, 4e-6 at the end.
        assert_close(factors("one-cycle", [0, 15, 30, 65, 100]), [0.04, 0.52, 1.0, 0.500002, 4e-6]);
    }
}
