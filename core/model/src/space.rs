//! A search space as data: an ordered list of typed choices with conditions. A candidate is a [`Genotype`]: one index
//! per choice. The functions over it live in `codebench-space`.

use crate::cell::CellTemplate;
use crate::cnn::CnnGraph;
use crate::hardware::AcceleratorDescription;
use crate::parameter::ParameterValue;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

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
    /// Whether the order of the values means something (numbers, and `false` before `true`), or they are names.
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

/// A decision whether one edge of a module is present.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct EdgeChoice {
    /// Slot in which the edge starts.
    pub from: usize,
    /// Slot in which it ends; larger than `from`.
    pub to: usize,
    /// Index of the choice; its values are `false` and `true`.
    pub choice: usize,
}

/// How many edges a module may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum EdgeLimit {
    /// At most this many.
    Edges(usize),
    /// At most this many more than the module has vertices.
    VerticesPlus(usize),
}

/// What stands for the number of a module's vertices in the text of a limit.
const VERTICES: &str = "module_vertices";

impl EdgeLimit {
    /// The limit for a module of `vertices` vertices.
    pub fn of(self, vertices: usize) -> usize {
        match self {
            EdgeLimit::Edges(limit) => limit,
            EdgeLimit::VerticesPlus(more) => vertices.saturating_add(more),
        }
    }
}

/// As users write it: a number, or `module_vertices+K`, as in the released design spaces.
impl fmt::Display for EdgeLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EdgeLimit::Edges(limit) => write!(f, "{limit}"),
            EdgeLimit::VerticesPlus(more) => write!(f, "{VERTICES}+{more}"),
        }
    }
}

/// A text that is no limit of edges.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no limit: give a whole number, or a text such as \"{VERTICES}+3\"")]
pub struct NotAnEdgeLimit(String);

impl FromStr for EdgeLimit {
    type Err = NotAnEdgeLimit;

    /// Reads `module_vertices`, `module_vertices+K`, or a number.
    fn from_str(text: &str) -> Result<EdgeLimit, NotAnEdgeLimit> {
        let refuse = || NotAnEdgeLimit(text.to_owned());
        let number = |digits: &str| digits.trim().parse().map_err(|_| refuse());
        match text.trim().strip_prefix(VERTICES).map(str::trim_start) {
            None => number(text).map(EdgeLimit::Edges),
            Some("") => Ok(EdgeLimit::VerticesPlus(0)),
            Some(rest) => {
                let more = rest.strip_prefix('+').ok_or_else(refuse)?;
                number(more).map(EdgeLimit::VerticesPlus)
            }
        }
    }
}

/// The choices that make up one module.
///
/// A module of at most `slots` vertices has slot 0 for its input, slot `slots - 1` for its output, and interior
/// vertices from slot 1 upwards; a smaller module leaves the slots before the output empty.
///
/// Constraint on every candidate in which `vertices` is active: each vertex but the output has an outgoing edge, each
/// but the input an incoming edge, and no more edges are present than `edge_limit` allows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ModuleTemplate {
    /// Number of slots.
    pub slots: usize,
    /// Choice of the number of vertices, input and output included.
    pub vertices: usize,
    /// One choice per pair of slots, sorted by `to`, then `from`. Their choices are consecutive.
    pub edges: Vec<EdgeChoice>,
    /// Bound on the number of edges.
    pub edge_limit: EdgeLimit,
    /// Choices of the interior vertices' labels, from slot 1.
    pub ops: Vec<usize>,
    /// Choices of the joins of slots 2, 3, ... and the output; empty for the paper's rule.
    pub joins: Vec<usize>,
}

/// The CNN's last module: a chain of flatten, dense layers, classes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct HeadTemplate {
    /// Choice of the first operation.
    pub flatten: usize,
    /// Choice of the number of operations between flatten and classes.
    pub layers: usize,
    /// Choices of those operations.
    pub dense: Vec<usize>,
}

/// What decoding a CNN needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum CnnTemplate {
    /// One of several given CNNs.
    Networks {
        /// The choice among them.
        choice: usize,
        /// The CNNs, parallel to the choice's values.
        graphs: Vec<CnnGraph>,
    },
    /// A CNN grown from modules.
    Modules {
        /// Choice of [`CnnGraph::default_channels`].
        default_channels: usize,
        /// Labels of a chain before the first stack.
        stem: Vec<String>,
        /// Choice of the number of stacks.
        stacks: usize,
        /// Choice of the number of equal modules in a stack.
        modules_per_stack: usize,
        /// Labels of a chain between two stacks.
        between: Vec<String>,
        /// The module of each stack; a single one serves all stacks.
        modules: Vec<ModuleTemplate>,
        /// The last module.
        head: HeadTemplate,
    },
    /// Stacks of equal cells, in which operations stand on edges.
    Cells(CellTemplate),
}

impl CnnTemplate {
    /// The modules whose choices are constrained.
    pub fn modules(&self) -> &[ModuleTemplate] {
        match self {
            CnnTemplate::Networks { .. } | CnnTemplate::Cells(_) => &[],
            CnnTemplate::Modules { modules, .. } => modules,
        }
    }
}

/// A choice and the parameters that take its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Assignment {
    /// Index of the choice.
    pub choice: usize,
    /// Names of the parameters.
    pub parameters: Vec<String>,
}

/// What decoding an accelerator needs. Of several choices for one parameter at most one is active at a time.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AcceleratorTemplate {
    /// Parameters by choice.
    pub assignments: Vec<Assignment>,
    /// The accelerator whose `parameters` they are; the paper's template if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Box<AcceleratorDescription>>,
}

/// A search space.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Space {
    /// Version of this document.
    pub v: u32,
    /// Name for reports.
    pub name: String,
    /// Decisions in order.
    pub choices: Vec<Choice>,
    /// How the CNN is made from them, and what constrains them; `None` if the space has no CNN.
    #[serde(default)]
    pub cnn: Option<CnnTemplate>,
    /// How the accelerator is made from them; `None` if the space has none.
    #[serde(default)]
    pub accelerator: Option<AcceleratorTemplate>,
}

impl Space {
    /// The version of the document that this crate writes.
    pub const VERSION: u32 = 1;

    /// The modules whose choices are constrained.
    pub fn modules(&self) -> &[ModuleTemplate] {
        self.cnn.as_ref().map_or(&[], CnnTemplate::modules)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edge_limits_are_numbers_or_sums() {
        for (text, limit) in [
            ("9", EdgeLimit::Edges(9)),
            ("module_vertices+3", EdgeLimit::VerticesPlus(3)),
            (" module_vertices + 3 ", EdgeLimit::VerticesPlus(3)),
            ("module_vertices", EdgeLimit::VerticesPlus(0)),
        ] {
            assert_eq!(text.parse(), Ok(limit), "{text}");
            assert_eq!(limit.to_string().parse(), Ok(limit));
        }
        for text in ["", "vertices+3", "module_vertices*3", "module_vertices+", "module_vertices+x", "-1"] {
            let error = text.parse::<EdgeLimit>().unwrap_err().to_string();
            let expected =
                format!("{text:?} is no limit: give a whole number, or a text such as \"module_vertices+3\"");
            assert_eq!(error, expected);
        }
    }
}
