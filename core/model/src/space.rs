//! A search space as data: an ordered list of typed choices with conditions. A candidate is a [`Genotype`]: one index
//! per choice. The functions over it live in `codebench-space`.

use crate::parameter::ParameterValue;
use serde::{Deserialize, Serialize};

/// Which part of the candidate a choice belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Block {
    /// The CNN.
    Cnn,
    /// The accelerator.
    Accelerator,
}

/// A choice is active when every one of its conditions holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Condition {
    /// Index of an earlier choice, itself active.
    pub choice: usize,
    /// Indices of that choice's values with which the condition holds, ascending.
    pub is_in: Vec<u32>,
}

/// One decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Choice {
    /// Unique name, such as `cnn.stack0.v1.op` or `pib`.
    pub name: String,
    /// Part of the candidate.
    pub block: Block,
    /// The values; at least one, all different.
    pub values: Vec<ParameterValue>,
    /// Whether the order of the values means something (numbers), or they are names.
    pub ordered: bool,
    /// When it is active; always if empty.
    pub when: Vec<Condition>,
}

/// One index per choice of the space. An inactive choice holds 0 in a repaired genotype, so that equal candidates are
/// equal genotypes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Genotype(pub Vec<u32>);

/// A search space.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Space {
    /// Version of this document.
    pub v: u32,
    /// Name for reports.
    pub name: String,
    /// Decisions in order.
    pub choices: Vec<Choice>,
}
