//! A whole CNN as one graph, for distances between CNNs.

use serde::{Deserialize, Serialize};

/// A vertex as distances see it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LabelledVertex {
    /// Number of the label: equal where the labels are.
    pub label: u32,
    /// How much its operation weighs, at least 0; the paper's unit is millions of parameters of a convolution.
    pub weight: f64,
    /// Place of the label in the list of all operations.
    pub position: u32,
}

/// A CNN without the borders of its modules: vertices, and directed edges between them.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LabelledGraph {
    /// The vertices.
    pub vertices: Vec<LabelledVertex>,
    /// From and to, each pair at most once, none from a vertex to itself.
    pub edges: Vec<(u32, u32)>,
}
