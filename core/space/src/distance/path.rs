//! Edit paths.

use super::{EditCosts, PreparedGraph};

/// A way to turn one graph into another, and what is known of the cheapest one.
#[derive(Debug, Clone, PartialEq)]
pub struct EditPath {
    /// Sum of the costs of all operations.
    pub cost: f64,
    /// No path costs less.
    pub lower_bound: f64,
    /// For each vertex of the first graph the vertex of the second that it becomes; `None` where it is deleted. Vertices of
    /// the second graph that no vertex becomes are inserted.
    pub mapping: Vec<Option<u32>>,
}

/// One step of an edit path. Numbers are those of the graphs that the vertices and edges belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EditOperation {
    /// Vertex `.0` of the first graph becomes vertex `.1` of the second.
    Substitute(u32, u32),
    /// A vertex of the first graph goes, when its edges have gone.
    DeleteVertex(u32),
    /// A vertex of the second graph comes.
    InsertVertex(u32),
    /// An edge of the first graph goes.
    DeleteEdge(u32, u32),
    /// An edge of the second graph comes.
    InsertEdge(u32, u32),
}

impl EditOperation {
    /// What it costs.
    pub fn cost(&self, a: &PreparedGraph, b: &PreparedGraph, costs: &EditCosts) -> f64 {
        match *self {
            EditOperation::Substitute(i, j) => costs.substitute(a, i as usize, b, j as usize),
            EditOperation::DeleteVertex(i) => a.weight(i as usize),
            EditOperation::InsertVertex(j) => b.weight(j as usize),
            EditOperation::DeleteEdge(..) | EditOperation::InsertEdge(..) => costs.edge,
        }
    }
}

impl EditPath {
    /// Whether no path is cheaper, but for rounding.
    pub fn is_exact(&self) -> bool {
        self.cost <= self.lower_bound
    }

    /// The steps in an order in which they can be taken: edges go, vertices go, vertices change, vertices come, edges come.
    pub fn operations(&self, a: &PreparedGraph, b: &PreparedGraph) -> Vec<EditOperation> {
        let mut operations = Vec::new();
        let mut source = vec![None; b.len()];
        for (i, to) in self.mapping.iter().enumerate() {
            if let Some(j) = to {
                source[*j as usize] = Some(i as u32);
            }
        }
        let image = |v: u32| self.mapping.get(v as usize).copied().flatten();
        for &(from, to) in a.edges() {
            let kept =
                matches!((image(from), image(to)), (Some(f), Some(t)) if b.has_edge(f as usize, t as usize));
            if !kept {
                operations.push(EditOperation::DeleteEdge(from, to));
            }
        }
        let vertices = || (0..self.mapping.len() as u32).zip(&self.mapping);
        operations
            .extend(vertices().filter(|(_, to)| to.is_none()).map(|(i, _)| EditOperation::DeleteVertex(i)));
        operations.extend(vertices().filter_map(|(i, to)| Some(EditOperation::Substitute(i, (*to)?))));
        let inserted = (0..b.len() as u32).zip(&source).filter(|(_, s)| s.is_none());
        operations.extend(inserted.map(|(j, _)| EditOperation::InsertVertex(j)));
        for &(from, to) in b.edges() {
            let kept = matches!((source[from as usize], source[to as usize]), (Some(f), Some(t)) if a.has_edge(f as usize, t as usize));
            if !kept {
                operations.push(EditOperation::InsertEdge(from, to));
            }
        }
        operations
    }

    /// The same path backwards.
    pub(crate) fn inverted(&self, vertices: usize) -> Self {
        let mut mapping = vec![None; vertices];
        for (i, to) in self.mapping.iter().enumerate() {
            if let Some(j) = to {
                mapping[*j as usize] = Some(i as u32);
            }
        }
        EditPath { cost: self.cost, lower_bound: self.lower_bound, mapping }
    }
}

/// The cost of the path that `mapping` says, added in the order of its operations.
pub(crate) fn priced(
    a: &PreparedGraph,
    b: &PreparedGraph,
    costs: &EditCosts,
    mapping: Vec<Option<u32>>,
    lower_bound: f64,
) -> EditPath {
    let mut path = EditPath { cost: 0.0, lower_bound, mapping };
    // Edges are counted, so that the sum does not gather their rounding.
    let (mut edges, mut vertices) = (0u32, 0.0);
    for operation in path.operations(a, b) {
        match operation {
            EditOperation::DeleteEdge(..) | EditOperation::InsertEdge(..) => edges += 1,
            other => vertices += other.cost(a, b, costs),
        }
    }
    path.cost = vertices + f64::from(edges) * costs.edge;
    path.lower_bound = path.lower_bound.min(path.cost);
    path
}
