//! Graph-edit distances between CNNs.
//!
//! The distance is the least cost of an edit path: vertices substituted, deleted or inserted, edges deleted or inserted. Costs
//! are those of the paper's CNNBench ([`EditCosts`]). [`fast`] finds a good path in a fraction of a millisecond, with a lower
//! bound that no path can beat; [`exact`] finds a best one of small graphs.

mod assignment;
mod exact;
mod fast;
mod isomorphism;
mod operations;
mod path;
mod prepared;
mod refine;

pub use exact::exact;
pub use fast::{distances, fast, pair, pairs};
pub use operations::Operations;
pub use path::{EditOperation, EditPath};
pub use prepared::{GraphError, PreparedGraph};

/// What an edit costs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EditCosts {
    /// Substituting a vertex costs `(1 + position * |difference of positions|) * |difference of weights|`.
    pub position: f64,
    /// Deleting or inserting an edge. A vertex costs its weight.
    pub edge: f64,
    /// Added where a vertex is substituted by one of another label: the paper's weights do not tell all labels apart.
    pub label: f64,
}

impl Default for EditCosts {
    /// The paper's, and a trifle for a changed label, so that only isomorphic graphs are at distance 0.
    fn default() -> Self {
        EditCosts { label: 1e-12, ..Self::published() }
    }
}

impl EditCosts {
    /// The released code's.
    pub fn published() -> Self {
        EditCosts { position: 0.1, edge: 1e-9, label: 0.0 }
    }

    /// Of substituting vertex `i` of `a` by vertex `j` of `b`.
    pub(crate) fn substitute(&self, a: &PreparedGraph, i: usize, b: &PreparedGraph, j: usize) -> f64 {
        let (from, to) = (a.vertex(i), b.vertex(j));
        let steps = f64::from(from.position.abs_diff(to.position));
        let label = if from.label == to.label { 0.0 } else { self.label };
        (1.0 + self.position * steps) * (from.weight - to.weight).abs() + label
    }
}
