//! CNNs that are stacks of equal cells, in which operations stand on edges (as in NAS-Bench-201).

use crate::cnn::CnnModule;
use crate::space::EdgeChoice;
use serde::{Deserialize, Serialize};

/// What an edge of a cell may be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CellOperation {
    /// Its name, the value of the edge's choice.
    pub name: String,
    /// Labels of the chain that it stands for; `None` is no connection.
    pub labels: Option<Vec<String>>,
}

/// What decoding a CNN of cells needs.
///
/// A vertex of a cell is the sum of what its incoming edges bring. Edges that lie on no way from the cell's input to its
/// output are left out. In every label [`CellTemplate::CHANNELS`] stands for the channels of the stack, between two stacks
/// for those of the second.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CellTemplate {
    /// Vertices of a cell; 0 is its input, the last its output.
    pub vertices: usize,
    /// One choice per pair of vertices, sorted by `to`, then `from`; its values are the names of `operations` in order.
    pub edges: Vec<EdgeChoice>,
    /// What an edge may be.
    pub operations: Vec<CellOperation>,
    /// Channels of every stack.
    pub channels: Vec<u64>,
    /// Number of cells in a stack.
    pub cells: usize,
    /// Labels of a chain before the first stack.
    pub stem: Vec<String>,
    /// The module between two stacks.
    pub between: Option<CnnModule>,
    /// Labels of a chain after the last stack and before the classes.
    pub tail: Vec<String>,
}

impl CellTemplate {
    /// What stands for the channels of a stack.
    pub const CHANNELS: &str = "{channels}";

    /// A label with the channels filled in.
    pub fn label(label: &str, channels: u64) -> String {
        label.replace(Self::CHANNELS, &channels.to_string())
    }

    /// Every label that a CNN of the template may have.
    pub fn labels(&self) -> Vec<String> {
        let between = self.between.iter().flat_map(|module| &module.vertices).map(|v| &v.label);
        let own = self.operations.iter().filter_map(|op| op.labels.as_ref()).flatten();
        let written = own.chain(between).chain(&self.stem).chain(&self.tail);
        let of_stacks = written.flat_map(|label| self.channels.iter().map(|c| Self::label(label, *c)));
        let mut labels: Vec<String> =
            of_stacks.filter(|label| !matches!(label.as_str(), "input" | "output")).collect();
        labels.extend(["identity".to_owned(), "dense_classes".to_owned()]);
        labels.sort_unstable();
        labels.dedup();
        labels
    }
}
