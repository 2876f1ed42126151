//! The recipe, checked, and its schedules.

use codebench_sdk::math;
use codebench_sdk::model::{Recipe, parameter};
use codebench_sdk::prelude::PluginError;

/// How the learning rate changes over the steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schedule {
    /// It does not.
    Constant,
    /// Half a cosine from the peak to zero.
    Cosine,
}

/// Schedules by name.
const SCHEDULES: [(&str, Schedule); 2] = [("constant", Schedule::Constant), ("cosine", Schedule::Cosine)];

/// Optimisers by name.
const OPTIMIZERS: [&str; 3] = ["sgd", "adam", "adamw"];

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
    /// Names the field, its value and the allowed range.
    pub fn new(recipe: &Recipe) -> Result<CheckedRecipe, PluginError> {
        whole("epochs", recipe.epochs, 100_000)?;
        whole("batch_size", recipe.batch_size, 65_536)?;
        name("optimizer", &recipe.optimizer, &OPTIMIZERS)?;
        number("learning_rate", recipe.learning_rate, "above 0 and at most 10", |x| x > 0.0 && x <= 10.0)?;
        let rate = |x| (0.0..1.0).contains(&x);
        number("momentum", recipe.momentum, "from 0 to below 1", rate)?;
        for beta in recipe.betas {
            number("betas", beta, "two numbers from 0 to below 1", rate)?;
        }
        number("weight_decay", recipe.weight_decay, "from 0 to 1", |x| (0.0..=1.0).contains(&x))?;
        number("label_smoothing", recipe.label_smoothing, "from 0 to below 1", rate)?;
        name("schedule", &recipe.schedule, &SCHEDULES.map(|(known, _)| known))?;
        let schedule = SCHEDULES.iter().find(|(known, _)| *known == recipe.schedule);
        let schedule = schedule.map_or(Schedule::Constant, |(_, schedule)| *schedule);
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

fn refuse(field: &str, value: impl std::fmt::Display, allowed: &str) -> PluginError {
    PluginError::invalid(format!("recipe `{field}` = {value} is out of range: give {allowed}"))
}

fn whole(field: &str, value: u64, max: u64) -> Result<(), PluginError> {
    if (1..=max).contains(&value) {
        return Ok(());
    }
    Err(refuse(field, value, &format!("a whole number from 1 to {max}")))
}

fn number(field: &str, value: f64, allowed: &str, in_range: impl Fn(f64) -> bool) -> Result<(), PluginError> {
    if value.is_finite() && in_range(value) {
        return Ok(());
    }
    Err(refuse(field, value, allowed))
}

fn name(field: &str, value: &str, known: &[&str]) -> Result<(), PluginError> {
    if known.contains(&value) {
        return Ok(());
    }
    let nearest = parameter::nearest(value, known.iter().copied());
    let hint = nearest.map(|n| format!(" (did you mean `{n}`?)")).unwrap_or_default();
    Err(PluginError::invalid(format!(
        "recipe `{field}` = `{value}` is unknown{hint}: give one of {}",
        known.join(", ")
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(change: impl Fn(&mut Recipe)) -> String {
        let mut recipe = Recipe::default();
        change(&mut recipe);
        CheckedRecipe::new(&recipe).unwrap_err().message
    }

    #[test]
    fn the_default_is_in_range_and_others_are_quoted() {
        assert!(CheckedRecipe::new(&Recipe::default()).is_ok());
        assert_eq!(
            message(|r| r.epochs = 0),
            "recipe `epochs` = 0 is out of range: give a whole number from 1 to 100000"
        );
        assert_eq!(
            message(|r| r.batch_size = 1 << 40),
            "recipe `batch_size` = 1099511627776 is out of range: give a whole number from 1 to 65536"
        );
        assert_eq!(
            message(|r| r.learning_rate = f64::NAN),
            "recipe `learning_rate` = NaN is out of range: give above 0 and at most 10"
        );
        assert_eq!(
            message(|r| r.momentum = 1.0),
            "recipe `momentum` = 1 is out of range: give from 0 to below 1"
        );
        assert_eq!(
            message(|r| r.betas = [0.9, -0.5]),
            "recipe `betas` = -0.5 is out of range: give two numbers from 0 to below 1"
        );
        assert_eq!(
            message(|r| r.weight_decay = 2.0),
            "recipe `weight_decay` = 2 is out of range: give from 0 to 1"
        );
        assert_eq!(
            message(|r| r.label_smoothing = f64::INFINITY),
            "recipe `label_smoothing` = inf is out of range: give from 0 to below 1"
        );
        assert_eq!(
            message(|r| r.optimizer = "adma".into()),
            "recipe `optimizer` = `adma` is unknown (did you mean `adam`?): give one of sgd, adam, adamw"
        );
        assert_eq!(
            message(|r| r.schedule = "linear".into()),
            "recipe `schedule` = `linear` is unknown: give one of constant, cosine"
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
