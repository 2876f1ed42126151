//! The parameters of `codebench/boshnas-surrogate`.

use super::super::network::Schedule;
use codebench_sdk::prelude::*;

#[derive(Debug, Clone, Copy)]
pub(super) struct Settings {
    pub(super) student: bool,
    pub(super) heteroscedastic: bool,
    pub(super) branches: bool,
    /// Whether the last layer is a logistic function, with targets scaled into it.
    pub(super) sigmoid: bool,
    /// Shares of the natural-parameter network and of the teacher in the mean.
    pub(super) shares: [f64; 2],
    /// Whether the student also learns between and beside the records.
    pub(super) between: bool,
    pub(super) error_weight: f64,
    pub(super) epochs: usize,
    pub(super) warm_epochs: usize,
    pub(super) warm_start: bool,
    pub(super) batch: usize,
    pub(super) rate: f64,
    pub(super) decay: f64,
    pub(super) dropout: f64,
    pub(super) samples: usize,
    pub(super) held_out: f64,
    pub(super) patience: usize,
}

pub(super) fn parameters() -> Vec<ParameterDescription> {
    let integer = ParameterDescription::integer;
    let float = ParameterDescription::float;
    vec![
        ParameterDescription::boolean(
            "student",
            true,
            "Whether a student gives the epistemic deviation; without it the teacher's dropout is sampled anew.",
        ),
        ParameterDescription::boolean(
            "heteroscedastic",
            true,
            "Whether a natural-parameter network learns noise that depends on the input; without it there is none.",
        ),
        ParameterDescription::boolean(
            "branches",
            true,
            "Whether CNN and accelerator have a branch each in every network, where the space has both.",
        ),
        ParameterDescription::choice(
            "head",
            &["linear", "sigmoid"],
            "linear",
            "The last layer of teacher and natural-parameter network; the paper's is sigmoid, which cannot exceed its range.",
        ),
        ParameterDescription::choice(
            "mean",
            &["npn", "teacher", "both"],
            "both",
            "Which network gives the mean, or the average of both; the paper's is npn.",
        ),
        ParameterDescription::choice(
            "distillation",
            &["space", "records"],
            "space",
            "Where the student learns the spread: at the records, as in the paper, or also between and beside them.",
        ),
        float(
            "error_weight",
            0.01,
            100.0,
            1.0,
            "Weight of the squared error in the loss of the natural-parameter network (the paper's is 10); the variance is divided by it.",
        ),
        integer("epochs", 1, 10_000, 50, "Most passes over the records after a fresh start."),
        integer(
            "warm_epochs",
            1,
            10_000,
            15,
            "Most passes over the records when a fit goes on from the one before.",
        ),
        ParameterDescription::boolean("warm_start", true, "Whether a fit goes on from the one before."),
        integer("batch", 1, 4096, 32, "Records of a mini-batch."),
        float(
            "learning_rate",
            1e-5,
            1.0,
            0.03,
            "Highest learning rate of AdamW, half of it for the natural-parameter network; it rises and falls once in a fit.",
        ),
        float("weight_decay", 0.0, 1.0, 0.3, "Weight decay of AdamW."),
        float(
            "dropout",
            0.01,
            0.9,
            0.1,
            "Share of the units that the teacher's dropout zeroes (the paper's is 0.3).",
        ),
        integer("dropout_samples", 2, 1000, 24, "Passes through the teacher from which its spread is taken."),
        float(
            "held_out",
            0.0,
            0.5,
            0.05,
            "Share of the records that is held out of a fit to stop it early; none are if that makes fewer than eight.",
        ),
        integer(
            "patience",
            1,
            10_000,
            10,
            "Passes without improvement on the held-out records after which a fit ends.",
        ),
    ]
}

impl Settings {
    pub(super) fn of(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        let count = |name| configuration.integer(name).map(|i| i as usize);
        let heteroscedastic = configuration.boolean("heteroscedastic")?;
        let shares = match (heteroscedastic, configuration.text("mean")?) {
            (false, _) | (_, "teacher") => [0.0, 1.0],
            (_, "both") => [0.5, 0.5],
            _ => [1.0, 0.0],
        };
        Ok(Settings {
            student: configuration.boolean("student")?,
            heteroscedastic,
            branches: configuration.boolean("branches")?,
            sigmoid: configuration.text("head")? == "sigmoid",
            shares,
            between: configuration.text("distillation")? == "space",
            error_weight: configuration.float("error_weight")?,
            epochs: count("epochs")?,
            warm_epochs: count("warm_epochs")?,
            warm_start: configuration.boolean("warm_start")?,
            batch: count("batch")?,
            rate: configuration.float("learning_rate")?,
            decay: configuration.float("weight_decay")?,
            dropout: configuration.float("dropout")?,
            samples: count("dropout_samples")?,
            held_out: configuration.float("held_out")?,
            patience: count("patience")?,
        })
    }

    /// Of a fresh start, or of going on.
    pub(super) fn schedule(&self, fresh: bool) -> Schedule {
        Schedule {
            epochs: if fresh { self.epochs } else { self.warm_epochs },
            batch: self.batch,
            rate: if fresh { self.rate } else { 0.5 * self.rate },
            decay: self.decay,
            dropout: self.dropout,
            held_out: self.held_out,
            patience: self.patience,
        }
    }
}
