//! How a CNN is trained.

use crate::parameter;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How a CNN is trained. [`Recipe::check`] states the ranges.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Recipe {
    /// Passes over the training split (target of this rung in successive halving).
    pub epochs: u64,
    /// Images per step.
    pub batch_size: u64,
    /// One of [`Recipe::OPTIMIZERS`].
    pub optimizer: String,
    /// Peak learning rate.
    pub learning_rate: f64,
    /// Momentum of SGD.
    pub momentum: f64,
    /// Decay rates of Adam's two moments.
    pub betas: [f64; 2],
    /// Weight decay (L2 for SGD and Adam, decoupled for AdamW).
    pub weight_decay: f64,
    /// How the learning rate changes over the steps: one of [`Recipe::SCHEDULES`].
    pub schedule: String,
    /// Epochs that the schedule spans; 0 is `epochs`. More than `epochs` for a training that is meant to go on.
    #[serde(skip_serializing_if = "is_zero")]
    pub schedule_epochs: u64,
    /// Schedule `exponential`: factor of the learning rate from epoch to epoch.
    pub decay: f64,
    /// Schedule `warm-restarts`: epochs of the first half cosine.
    pub restart_epochs: u64,
    /// Schedule `warm-restarts`: each half cosine is so many times longer than the one before.
    pub restart_factor: u64,
    /// Schedule `one-cycle`: share of the steps in which the learning rate rises.
    pub warm_up: f64,
    /// Probability mass spread over the other classes.
    pub label_smoothing: f64,
    /// Largest Euclidean norm of all gradients together; 0 does not clip.
    pub clip_norm: f64,
    /// Training ends after so many epochs without a lower validation loss; 0 trains all epochs.
    pub patience: u64,
    /// Training images are moved by up to so many pixels, over black.
    pub crop_padding: u64,
    /// Every second training image is mirrored left to right.
    pub flip: bool,
    /// Side of a black square put somewhere on every training image, pixels; 0 puts none.
    pub cutout: u64,
}

impl Default for Recipe {
    fn default() -> Self {
        Recipe {
            epochs: 10,
            batch_size: 64,
            optimizer: "adamw".into(),
            learning_rate: 2e-3,
            momentum: 0.9,
            betas: [0.9, 0.999],
            weight_decay: 1e-2,
            schedule: "cosine".into(),
            schedule_epochs: 0,
            decay: 0.95,
            restart_epochs: 10,
            restart_factor: 2,
            warm_up: 0.3,
            label_smoothing: 0.0,
            clip_norm: 0.0,
            patience: 0,
            crop_padding: 0,
            flip: false,
            cutout: 0,
        }
    }
}

/// A field of a recipe that is out of range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("recipe `{field}` {problem}")]
pub struct RecipeError {
    /// Name of the field.
    pub field: &'static str,
    problem: String,
}

impl Recipe {
    /// The optimisers.
    pub const OPTIMIZERS: [&str; 3] = ["sgd", "adam", "adamw"];
    /// The schedules of the learning rate.
    pub const SCHEDULES: [&str; 5] = ["constant", "cosine", "exponential", "warm-restarts", "one-cycle"];

    /// Epochs that the schedule of the learning rate spans.
    pub fn span(&self) -> u64 {
        if self.schedule_epochs == 0 { self.epochs } else { self.schedule_epochs }
    }

    /// The same training, ended after `epochs`: its schedule is that of the whole.
    #[must_use]
    pub fn stopped_after(&self, epochs: u64) -> Recipe {
        let span = self.span();
        Recipe { epochs, schedule_epochs: if span == epochs { 0 } else { span }, ..self.clone() }
    }

    /// Names of the fields that the recipe's optimiser and schedule do not read.
    pub fn unread(&self) -> Vec<&'static str> {
        let of_schedules = [
            ("decay", "exponential"),
            ("restart_epochs", "warm-restarts"),
            ("restart_factor", "warm-restarts"),
            ("warm_up", "one-cycle"),
        ];
        let unread = of_schedules.into_iter().filter(|(_, schedule)| *schedule != self.schedule);
        let of_optimizer = if self.optimizer == "sgd" { "betas" } else { "momentum" };
        unread.map(|(field, _)| field).chain([of_optimizer]).collect()
    }

    /// Checks that every field is in range.
    ///
    /// # Errors
    /// The first that is not, with its value and what is allowed.
    pub fn check(&self) -> Result<(), RecipeError> {
        whole("epochs", self.epochs, 1, 100_000)?;
        whole("batch_size", self.batch_size, 1, 65_536)?;
        name("optimizer", &self.optimizer, &Self::OPTIMIZERS)?;
        number("learning_rate", self.learning_rate, "a number above 0 and at most 10", |x| {
            x > 0.0 && x <= 10.0
        })?;
        let rate = |x| (0.0..1.0).contains(&x);
        number("momentum", self.momentum, "a number from 0 to below 1", rate)?;
        for beta in self.betas {
            number("betas", beta, "two numbers from 0 to below 1", rate)?;
        }
        number("weight_decay", self.weight_decay, "a number from 0 to 1", |x| (0.0..=1.0).contains(&x))?;
        name("schedule", &self.schedule, &Self::SCHEDULES)?;
        if self.schedule_epochs != 0 {
            whole("schedule_epochs", self.schedule_epochs, self.epochs, 100_000)?;
        }
        number("decay", self.decay, "a number above 0 and at most 1", |x| x > 0.0 && x <= 1.0)?;
        whole("restart_epochs", self.restart_epochs, 1, 100_000)?;
        whole("restart_factor", self.restart_factor, 1, 10)?;
        number("warm_up", self.warm_up, "a number from 0 to below 1", rate)?;
        number("label_smoothing", self.label_smoothing, "a number from 0 to below 1", rate)?;
        number("clip_norm", self.clip_norm, "a number from 0 (no clipping) to 1e6", |x| {
            (0.0..=1e6).contains(&x)
        })?;
        whole("patience", self.patience, 0, 100_000)?;
        whole("crop_padding", self.crop_padding, 0, 256)?;
        whole("cutout", self.cutout, 0, 4096)
    }
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn refuse(field: &'static str, value: impl fmt::Display, allowed: &str) -> RecipeError {
    RecipeError { field, problem: format!("= {value} is out of range: give {allowed}") }
}

fn whole(field: &'static str, value: u64, min: u64, max: u64) -> Result<(), RecipeError> {
    if (min..=max).contains(&value) {
        return Ok(());
    }
    Err(refuse(field, value, &format!("a whole number from {min} to {max}")))
}

fn number(
    field: &'static str,
    value: f64,
    allowed: &str,
    in_range: impl Fn(f64) -> bool,
) -> Result<(), RecipeError> {
    if value.is_finite() && in_range(value) {
        return Ok(());
    }
    Err(refuse(field, value, allowed))
}

fn name(field: &'static str, value: &str, known: &[&str]) -> Result<(), RecipeError> {
    if known.contains(&value) {
        return Ok(());
    }
    let nearest = parameter::nearest(value, known.iter().copied());
    let hint = nearest.map(|n| format!(" (did you mean `{n}`?)")).unwrap_or_default();
    let problem = format!("= `{value}` is unknown{hint}: give one of {}", known.join(", "));
    Err(RecipeError { field, problem })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(change: impl Fn(&mut Recipe)) -> (&'static str, String) {
        let mut recipe = Recipe::default();
        change(&mut recipe);
        let error = recipe.check().unwrap_err();
        (error.field, error.to_string())
    }

    #[test]
    fn the_default_is_in_range_and_others_are_quoted() {
        assert_eq!(Recipe::default().check(), Ok(()));
        type Change = fn(&mut Recipe);
        let cases: [(Change, &str, &str); 13] = [
            (|r| r.epochs = 0, "epochs", "= 0 is out of range: give a whole number from 1 to 100000"),
            (
                |r| r.batch_size = 1 << 40,
                "batch_size",
                "= 1099511627776 is out of range: give a whole number from 1 to 65536",
            ),
            (
                |r| r.learning_rate = f64::NAN,
                "learning_rate",
                "= NaN is out of range: give a number above 0 and at most 10",
            ),
            (|r| r.momentum = 1.0, "momentum", "= 1 is out of range: give a number from 0 to below 1"),
            (
                |r| r.betas = [0.9, -0.5],
                "betas",
                "= -0.5 is out of range: give two numbers from 0 to below 1",
            ),
            (|r| r.weight_decay = 2.0, "weight_decay", "= 2 is out of range: give a number from 0 to 1"),
            (
                |r| r.label_smoothing = f64::INFINITY,
                "label_smoothing",
                "= inf is out of range: give a number from 0 to below 1",
            ),
            (
                |r| r.optimizer = "adma".into(),
                "optimizer",
                "= `adma` is unknown (did you mean `adam`?): give one of sgd, adam, adamw",
            ),
            (
                |r| r.schedule = "linear".into(),
                "schedule",
                "= `linear` is unknown: give one of constant, cosine, exponential, warm-restarts, one-cycle",
            ),
            (
                |r| r.schedule_epochs = 9,
                "schedule_epochs",
                "= 9 is out of range: give a whole number from 10 to 100000",
            ),
            (|r| r.decay = 0.0, "decay", "= 0 is out of range: give a number above 0 and at most 1"),
            (
                |r| r.clip_norm = -1.0,
                "clip_norm",
                "= -1 is out of range: give a number from 0 (no clipping) to 1e6",
            ),
            (
                |r| r.cutout = 1 << 40,
                "cutout",
                "= 1099511627776 is out of range: give a whole number from 0 to 4096",
            ),
        ];
        for (change, field, problem) in cases {
            assert_eq!(error(change), (field, format!("recipe `{field}` {problem}")));
        }
    }
}
