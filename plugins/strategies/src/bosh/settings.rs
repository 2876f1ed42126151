//! The parameters of both strategies.

use crate::model::{Model, SurrogateUse};
use codebench_sdk::prelude::*;

/// Which side of a pair does not move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fix {
    Nothing,
    /// One block, as the first random point has it.
    Block(Block),
    /// Each block in turn as the best trial has it.
    InTurn,
    /// The same, but only while nothing gets better.
    InTurnWhenStale,
    /// The same always, and every turn is a search that knows nothing of those before it but what they found.
    Alternate,
}

/// What the parameters say.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) surrogate: SurrogateUse,
    pub(super) startup: usize,
    pub(super) improvement: bool,
    pub(super) hypervolume: bool,
    pub(super) limits: bool,
    pub(super) beta: f64,
    pub(super) aleatoric: f64,
    pub(super) settled_after: usize,
    pub(super) patience: usize,
    pub(super) uncertainty_probability: f64,
    pub(super) diversity_probability: f64,
    pub(super) second_order: bool,
    pub(super) starts: usize,
    pub(super) steps: usize,
    pub(super) step_size: f64,
    pub(super) library: usize,
    pub(super) around: usize,
    pub(super) random: usize,
    pub(super) climbs: usize,
    pub(super) refine: bool,
    pub(super) transfer: f64,
    pub(super) fix: Fix,
    /// Proposals of a turn.
    pub(super) turn: usize,
    /// Outcomes without improvement after which there are turns.
    pub(super) turns_after: usize,
}

impl Settings {
    /// Parameters of both, with the acquisition, the climbs and the random candidates that are the default.
    pub(super) fn parameters(acquisition: &str, climbs: i64, random: i64) -> Vec<ParameterDescription> {
        let mut parameters = SurrogateUse::parameters("codebench/gp", "both", "ranks");
        parameters.extend([
            ParameterDescription::integer("startup", 1, 100_000, 10, "Random trials before the first model."),
            ParameterDescription::choice(
                "acquisition",
                &["ucb", "ei"],
                acquisition,
                "What the designs found are compared by: upper confidence bound, as the paper does, or expected improvement. Ascents \
                 always climb the bound.",
            ),
            ParameterDescription::choice(
                "pareto",
                &["hypervolume", "weights"],
                "hypervolume",
                "Of two to four objectives: the designs found are compared by what their bounds add to the hypervolume of the front, or \
                 by sums with weights that are drawn anew for every proposal.",
            ),
            ParameterDescription::choice(
                "constraints",
                &["model", "penalty"],
                "model",
                "How constraints are learned: by a surrogate of their own, as the probability that a candidate keeps them, or as worse targets \
                 of what breaks them.",
            ),
            ParameterDescription::float("beta", 0.0, 100.0, 0.5, "Deviations that the confidence bound lies above the mean."),
            ParameterDescription::float(
                "aleatoric",
                0.0,
                10.0,
                0.1,
                "Share of the aleatoric deviation that counts once the search has settled.",
            ),
            ParameterDescription::integer(
                "settled_after",
                0,
                1_000_000,
                25,
                "Outcomes without improvement after which the search counts as settled.",
            ),
            ParameterDescription::integer(
                "patience",
                0,
                1_000_000,
                0,
                "Outcomes without improvement after which nothing more is proposed; 0 is never.",
            ),
            ParameterDescription::float(
                "uncertainty_probability",
                0.0,
                1.0,
                0.1,
                "How often the most uncertain candidate is proposed instead.",
            ),
            ParameterDescription::float(
                "diversity_probability",
                0.0,
                1.0,
                0.1,
                "How often a candidate far from all that is known is proposed instead.",
            ),
            ParameterDescription::boolean(
                "second_order",
                true,
                "Whether steps are scaled by curvature (Hessian products, as AdaHessian does) or by gradients alone (as Adam does).",
            ),
            ParameterDescription::integer("starts", 0, 1000, 4, "Starts of the ascent, half of them the best trials; 0 leaves it out."),
            ParameterDescription::integer("steps", 1, 1000, 5, "Steps of an ascent."),
            ParameterDescription::float("step_size", 1e-6, 1.0, 0.1, "Length of a step, with inputs from 0 to 1."),
            ParameterDescription::integer(
                "library",
                0,
                100_000,
                20_000,
                "A space of at most so many points is a library: an ascent ends at the nearest unknown point of all. In a larger one \
                 its end is read choice by choice and repaired.",
            ),
            ParameterDescription::integer(
                "around",
                0,
                1000,
                5,
                "Best trials whose neighbours compete with the ends of the ascents; 0 leaves the ends alone, as the paper does.",
            ),
            ParameterDescription::boolean(
                "refine",
                true,
                "Where stacks of several sizes are possible, whether the largest are searched first; each time that the search has \
                 settled, the best are split into smaller ones, half of which are those of their nearest neighbours among the best.",
            ),
            ParameterDescription::float(
                "transfer",
                0.0,
                100.0,
                0.0,
                "How far a design's bound, and its worth by the acquisition function, may lie below those of the best, in deviations of the \
                 targets, and it be proposed because its CNN begins as one that has been evaluated, whose weights it could take over.",
            ),
            ParameterDescription::integer("climbs", 0, 100, climbs, "Times that the best candidates are joined by their neighbours."),
            ParameterDescription::integer("random", 0, 100_000, random, "Random candidates that compete too, where neighbours do."),
        ]);
        parameters
    }

    /// Parameters of pairs.
    pub(super) fn sides() -> Vec<ParameterDescription> {
        vec![
            ParameterDescription::choice(
                "fix",
                &["nothing", "cnn", "accelerator", "in-turn", "alternate"],
                "nothing",
                "Which side is held fast: none; one, as the first random point has it; or each in turn, as the best trial has it. With `in-turn` \
                 that is one search, which learns from all trials; with `alternate` every turn is a search of its own, which learns from the \
                 trials that have the side that is held.",
            ),
            ParameterDescription::integer(
                "turn",
                1,
                100_000,
                10,
                "Proposals of a turn, counted from the first proposal of all.",
            ),
            ParameterDescription::integer(
                "turns_after",
                0,
                1_000_000,
                5,
                "Where nothing is held fast: outcomes without improvement after which either side is held in turn, as the best trial has it, \
                 until there is one; 0 is never.",
            ),
        ]
    }

    pub(super) fn new(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        let size = |name| configuration.integer(name).map(|n| n.unsigned_abs() as usize);
        Ok(Settings {
            surrogate: SurrogateUse::configure(configuration)?,
            startup: size("startup")?,
            improvement: configuration.text("acquisition")? == "ei",
            hypervolume: configuration.text("pareto")? == "hypervolume",
            limits: configuration.text("constraints")? == "model",
            beta: configuration.float("beta")?,
            aleatoric: configuration.float("aleatoric")?,
            settled_after: size("settled_after")?,
            patience: size("patience")?,
            uncertainty_probability: configuration.float("uncertainty_probability")?,
            diversity_probability: configuration.float("diversity_probability")?,
            second_order: configuration.boolean("second_order")?,
            starts: size("starts")?,
            steps: size("steps")?,
            step_size: configuration.float("step_size")?,
            library: size("library")?,
            around: size("around")?,
            random: size("random")?,
            climbs: size("climbs")?,
            refine: configuration.boolean("refine")?,
            transfer: configuration.float("transfer")?,
            fix: Fix::Nothing,
            turn: 1,
            turns_after: 0,
        })
    }

    pub(super) fn with_sides(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        let size = |name| configuration.integer(name).map(|n| n.unsigned_abs() as usize);
        let turns_after = size("turns_after")?;
        let fix = match configuration.text("fix")? {
            "cnn" => Fix::Block(Block::Cnn),
            "accelerator" => Fix::Block(Block::Accelerator),
            "in-turn" => Fix::InTurn,
            "alternate" => Fix::Alternate,
            _ if turns_after > 0 => Fix::InTurnWhenStale,
            _ => Fix::Nothing,
        };
        Ok(Settings { fix, turn: size("turn")?, turns_after, ..Settings::new(configuration)? })
    }

    /// What learns the objectives, and nothing yet.
    pub(super) fn model(&self, context: &StrategyContext) -> Result<Model, PluginError> {
        match self.limits {
            true => self.surrogate.start_with_limits(context),
            false => self.surrogate.start(context),
        }
    }
}
