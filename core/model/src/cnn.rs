//! A CNN as a sequence of modules, each a directed acyclic graph of labelled vertices (CODEBench, section 3.1).

use serde::{Deserialize, Serialize};

/// How a vertex combines the tensors on its incoming edges.
///
/// A vertex without one follows the paper: interior predecessors are summed (resized to the largest map), the
/// module's input arrives through a 1x1 projection, and the output vertex concatenates. A module in which any vertex
/// names a join is *explicit*: nothing is projected, resized or raised, and shapes must agree as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Join {
    /// Elementwise sum; shapes must be equal, or N x C x 1 x 1 broadcasts.
    Sum,
    /// Concatenation along channels, in order of vertex index.
    Concat,
    /// Elementwise product; N x C x 1 x 1 broadcasts over N x C x H x W (squeeze and excite).
    Multiply,
}

impl Join {
    /// Every join with its name in files, in order of declaration.
    pub const ALL: [(Join, &'static str); 3] =
        [(Join::Sum, "sum"), (Join::Concat, "concat"), (Join::Multiply, "multiply")];

    /// The join called `name`.
    pub fn from_name(name: &str) -> Option<Join> {
        Self::ALL.into_iter().find(|(_, n)| *n == name).map(|(join, _)| join)
    }

    /// The name in files.
    pub fn name(self) -> &'static str {
        match self {
            Join::Sum => "sum",
            Join::Concat => "concat",
            Join::Multiply => "multiply",
        }
    }
}

/// One vertex of a module: an operation named by its label, and optionally a join.
///
/// Written as the bare label when there is no join.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(from = "VertexForm", into = "VertexForm")]
pub struct Vertex {
    /// Label in the CNN language, such as `conv3x3-c64-p1-bn-relu`; `input` and `output` bound the module.
    pub label: String,
    /// How incoming tensors are combined; `None` is the paper's rule.
    pub join: Option<Join>,
}

impl Vertex {
    /// A vertex that follows the paper's rule for its inputs.
    pub fn new(label: impl Into<String>) -> Self {
        Vertex { label: label.into(), join: None }
    }

    /// A vertex that combines its inputs by `join`.
    pub fn joined(label: impl Into<String>, join: Join) -> Self {
        Vertex { label: label.into(), join: Some(join) }
    }
}

#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
enum VertexForm {
    Label(String),
    Full {
        label: String,
        #[serde(default)]
        join: Option<Join>,
    },
}

impl From<VertexForm> for Vertex {
    fn from(form: VertexForm) -> Self {
        match form {
            VertexForm::Label(label) => Vertex { label, join: None },
            VertexForm::Full { label, join } => Vertex { label, join },
        }
    }
}

impl From<Vertex> for VertexForm {
    fn from(vertex: Vertex) -> Self {
        match vertex.join {
            None => VertexForm::Label(vertex.label),
            join => VertexForm::Full { label: vertex.label, join },
        }
    }
}

/// A directed acyclic graph of operations. Vertex 0 is `input`, the last vertex is `output`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CnnModule {
    /// Vertices in topological order.
    pub vertices: Vec<Vertex>,
    /// Edges `[from, to]` with `from < to`, sorted by `to`, then `from`; no edge occurs twice.
    pub edges: Vec<[usize; 2]>,
}

impl CnnModule {
    /// Sources of the edges that end in `vertex`, ascending.
    pub fn predecessors(&self, vertex: usize) -> impl Iterator<Item = usize> + '_ {
        self.edges.iter().filter(move |e| e[1] == vertex).map(|e| e[0])
    }

    /// Targets of the edges that start in `vertex`, ascending.
    pub fn successors(&self, vertex: usize) -> impl Iterator<Item = usize> + '_ {
        self.edges.iter().filter(move |e| e[0] == vertex).map(|e| e[1])
    }

    /// True if any vertex names a join, which switches the paper's projections and corrections off.
    pub fn is_explicit(&self) -> bool {
        self.vertices.iter().any(|v| v.join.is_some())
    }
}

/// A CNN in the label language: modules applied one after another; the last one is the head.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CnnGraph {
    /// Channels of a convolution whose label names none.
    #[serde(default = "CnnGraph::standard_default_channels")]
    pub default_channels: u64,
    /// The modules in order, the head last.
    pub modules: Vec<CnnModule>,
}

impl CnnGraph {
    /// The published value of `default_channels`.
    pub fn standard_default_channels() -> u64 {
        128
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_join_is_called_as_serde_writes_it() {
        for (join, name) in Join::ALL {
            assert_eq!((join.name(), Join::from_name(name)), (name, Some(join)));
            assert_eq!(serde_json::to_value(join).unwrap(), name);
        }
        assert_eq!(Join::from_name("average"), None);
    }
}
