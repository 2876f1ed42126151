//! The experiment file as TOML has it, with the place of everything that is checked later.

use super::Goal;
use codebench_model::Recipe;
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Spanned;

/// Values of a plugin's parameters with their places.
pub(crate) type RawParameters = BTreeMap<Spanned<String>, Spanned<toml::Value>>;

/// The whole file but `[space]`, which may stand in another file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    pub(super) name: Spanned<String>,
    #[serde(default)]
    pub(super) seed: u64,
    pub(super) image: Option<Image>,
    pub(super) data: Option<Data>,
    pub(super) recipe: Option<Recipe>,
    pub(super) strategy: Strategy,
    pub(super) budget: Budget,
    #[serde(default)]
    pub(super) evaluator: Vec<Spanned<Evaluator>>,
    pub(super) objective: Option<Spanned<WeightedSum>>,
    pub(super) pareto: Option<Spanned<Pareto>>,
    pub(super) executor: Option<Executor>,
    /// Read by whoever fills the catalogue, before the experiment is read.
    #[serde(rename = "plugins")]
    _plugins: Option<serde::de::IgnoredAny>,
}

/// Every key of [`Document`] and `space`, for suggestions.
pub(super) const KEYS: [&str; 13] = [
    "name",
    "seed",
    "space",
    "image",
    "data",
    "recipe",
    "strategy",
    "budget",
    "evaluator",
    "objective",
    "pareto",
    "executor",
    "plugins",
];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Image {
    pub(crate) channels: Spanned<u64>,
    pub(crate) height: Spanned<u64>,
    pub(crate) width: Spanned<u64>,
    pub(crate) classes: Spanned<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Data {
    pub(crate) id: Spanned<String>,
    #[serde(default)]
    pub(crate) parameters: RawParameters,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Strategy {
    pub(super) plugin: Spanned<String>,
    #[serde(default)]
    pub(super) parameters: RawParameters,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Executor {
    pub(crate) plugin: Spanned<String>,
    #[serde(default)]
    pub(crate) parameters: RawParameters,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Evaluator {
    pub(super) id: Spanned<String>,
    pub(super) plugin: Spanned<String>,
    #[serde(default)]
    pub(super) parameters: RawParameters,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Budget {
    pub(super) trials: Spanned<u64>,
    pub(super) batch: Option<Spanned<u64>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WeightedSum {
    pub(super) terms: Spanned<Vec<Term>>,
    #[serde(default)]
    pub(super) constraints: Vec<Spanned<Constraint>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Term {
    pub(super) metric: Spanned<String>,
    pub(super) weight: Option<Spanned<f64>>,
    pub(super) normaliser: Option<Spanned<f64>>,
    pub(super) goal: Goal,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pareto {
    pub(super) objectives: Spanned<Vec<ParetoObjective>>,
    #[serde(default)]
    pub(super) constraints: Vec<Spanned<Constraint>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ParetoObjective {
    pub(super) metric: Spanned<String>,
    pub(super) goal: Goal,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Constraint {
    pub(super) metric: Spanned<String>,
    pub(super) max: Option<f64>,
    pub(super) min: Option<f64>,
}
