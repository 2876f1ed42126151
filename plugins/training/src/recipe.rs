//! The recipe, checked, and its schedules.

use codebench_sdk::math;
use codebench_sdk::model::Recipe;
use codebench_sdk::prelude::PluginError;

/// How the learning rate changes over the steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schedule {
    /// It does not.
    Constant,
    /// Half a cosine from the peak to zero.
    Cosine,
}

impl Schedule {
    /// Factor of the peak learning rate at `step` of `steps`.
    pub fn factor(self, step: u64, steps: u64) -> f64 {
        match self {
            Schedule::Constant => 1.0,
            Schedule::Cosine => {
                0.5 * (1.0 + math::cos(std::f64::consts::PI * step as f64 / steps.max(1) as f64))
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
            other => return Err(PluginError::invalid(format!("this trainer has no schedule `{other}`"))),
        };
        Ok(CheckedRecipe { recipe: recipe.clone(), schedule })
    }

    /// The fields.
    pub fn fields(&self) -> &Recipe {
        &self.recipe
    }

    /// Learning rate at `step` of `steps`.
    pub fn learning_rate(&self, step: u64, steps: u64) -> f64 {
        self.recipe.learning_rate * self.schedule.factor(step, steps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schedule_of_the_model_is_known() {
        let schedule = |name: &str| {
            let recipe = Recipe { schedule: name.into(), ..Recipe::default() };
            CheckedRecipe::new(&recipe).unwrap().schedule
        };
        assert_eq!(Recipe::SCHEDULES.map(schedule), [Schedule::Constant, Schedule::Cosine]);
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
    fn schedules_start_at_the_peak() {
        assert_eq!(Schedule::Constant.factor(7, 10), 1.0);
        assert_eq!(Schedule::Cosine.factor(0, 10), 1.0);
        assert!((Schedule::Cosine.factor(5, 10) - 0.5).abs() < 1e-12);
        assert!(Schedule::Cosine.factor(10, 10).abs() < 1e-12);
    }
}
