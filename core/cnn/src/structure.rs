//! What makes a module well formed, whatever its labels mean.

use codebench_model::Vertex;
use std::collections::HashSet;

/// The part of a module that is flawed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// The module as a whole.
    Module,
    /// The vertex of this index.
    Vertex(usize),
    /// The edge of this index.
    Edge(usize),
}

/// A flaw of a module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Flaw {
    /// Where.
    pub(crate) part: Part,
    /// What, and how to mend it.
    pub(crate) message: String,
}

fn flaw(part: Part, message: impl Into<String>) -> Result<(), Flaw> {
    Err(Flaw { part, message: message.into() })
}

/// Checks that a module is bounded by `input` and `output`, that its edges, which may stand in any order, all go forward
/// between existing vertices, none twice, and that every vertex lies on a path from input to output.
pub(crate) fn check_module(vertices: &[Vertex], edges: &[[usize; 2]]) -> Result<(), Flaw> {
    check_vertices(vertices)?;
    check_edges(vertices.len(), edges)?;
    let (mut entered, mut left) = (vec![false; vertices.len()], vec![false; vertices.len()]);
    for &[from, to] in edges {
        left[from] = true;
        entered[to] = true;
    }
    for vertex in 0..vertices.len() {
        if vertex > 0 && !entered[vertex] && vertices.len() > 2 {
            return flaw(Part::Vertex(vertex), "no edge leads to this vertex; add one");
        }
        if vertex + 1 < vertices.len() && !left[vertex] {
            return flaw(Part::Vertex(vertex), "no edge leaves this vertex; add one");
        }
    }
    Ok(())
}

fn check_vertices(vertices: &[Vertex]) -> Result<(), Flaw> {
    let count = vertices.len();
    if count < 2 {
        return flaw(Part::Module, format!("{count} vertices; a module needs at least `input` and `output`"));
    }
    for (vertex, label) in [(0, "input"), (count - 1, "output")] {
        if vertices.get(vertex).is_none_or(|v| v.label != label) {
            let message =
                format!("this vertex must be labelled `{label}`: `input` comes first and `output` last");
            return flaw(Part::Vertex(vertex), message);
        }
    }
    for (vertex, Vertex { label, .. }) in vertices.iter().enumerate().take(count - 1).skip(1) {
        if let Some((_, place)) = [("input", "first"), ("output", "last")].iter().find(|(l, _)| l == label) {
            let message = format!("`{label}` may only be the {place} vertex of a module");
            return flaw(Part::Vertex(vertex), message);
        }
    }
    Ok(())
}

fn check_edges(count: usize, edges: &[[usize; 2]]) -> Result<(), Flaw> {
    let mut seen = HashSet::new();
    for (index, edge) in edges.iter().enumerate() {
        let [from, to] = *edge;
        let message = if from >= count || to >= count {
            format!(
                "edge [{from}, {to}] dangles: there are {count} vertices, so both ends must be 0 to {}",
                count - 1
            )
        } else if from >= to {
            format!(
                "edge [{from}, {to}] goes backwards, which makes a cycle possible; order the vertices so that every edge goes to a later vertex"
            )
        } else if !seen.insert(*edge) {
            format!("edge [{from}, {to}] occurs twice; leave one out")
        } else {
            continue;
        };
        return flaw(Part::Edge(index), message);
    }
    Ok(())
}
