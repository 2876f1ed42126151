//! What makes a CNN graph well formed, whatever its labels mean.

use codebench_model::{CnnGraph, Vertex};
use std::collections::HashSet;

/// The most modules of a CNN.
pub const MAX_MODULES: usize = 4096;
/// The most vertices of a module.
pub const MAX_VERTICES: usize = 4096;
/// The most vertices of a CNN.
pub const MAX_TOTAL_VERTICES: usize = 65_536;
/// The most channels, default channels and classes, and the largest image side.
pub const MAX_EXTENT: u64 = 1_000_000_000;

/// The part of a module that is flawed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The module as a whole.
    Module,
    /// The vertex of this index.
    Vertex(usize),
    /// The edge of this index.
    Edge(usize),
}

/// A flaw of one module.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Flaw {
    /// Where.
    pub part: Part,
    /// What, and how to mend it.
    pub message: String,
}

/// A flaw of a CNN.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StructureError {
    /// No modules, or too many.
    #[error("a CNN has {modules} modules: give 1 to {MAX_MODULES}, the head last")]
    ModuleCount {
        /// How many.
        modules: usize,
    },
    /// Too many vertices.
    #[error("a CNN has {vertices} vertices: give at most {MAX_TOTAL_VERTICES}")]
    VertexCount {
        /// How many.
        vertices: usize,
    },
    /// The channels of a convolution whose label names none.
    #[error("default_channels = {value} is out of range: give 1 to {MAX_EXTENT}")]
    DefaultChannels {
        /// The value given.
        value: u64,
    },
    /// A flaw of one module.
    #[error("module {module}: {flaw}")]
    Module {
        /// Index of the module.
        module: usize,
        /// What is wrong with it.
        flaw: Flaw,
    },
}

/// Checks the graph of every module: bounded by `input` and `output`, acyclic, nothing dangling, edges in order.
pub fn check(graph: &CnnGraph) -> Result<(), StructureError> {
    let modules = graph.modules.len();
    if modules == 0 || modules > MAX_MODULES {
        return Err(StructureError::ModuleCount { modules });
    }
    let vertices = graph.modules.iter().map(|m| m.vertices.len()).sum();
    if vertices > MAX_TOTAL_VERTICES {
        return Err(StructureError::VertexCount { vertices });
    }
    if graph.default_channels == 0 || graph.default_channels > MAX_EXTENT {
        return Err(StructureError::DefaultChannels { value: graph.default_channels });
    }
    for (index, module) in graph.modules.iter().enumerate() {
        let in_order = || check_order(&module.edges);
        (check_module(&module.vertices, &module.edges).and_then(|()| in_order()))
            .map_err(|flaw| StructureError::Module { module: index, flaw })?;
    }
    Ok(())
}

fn check_order(edges: &[[usize; 2]]) -> Result<(), Flaw> {
    let key = |e: &[usize; 2]| (e[1], e[0]);
    match edges.windows(2).position(|w| matches!(w, [a, b] if key(a) > key(b))) {
        None => Ok(()),
        Some(index) => Err(Flaw {
            part: Part::Edge(index + 1),
            message: "edges are out of order: sort them by target, then source".to_owned(),
        }),
    }
}

/// Checks one module whose edges may stand in any order.
pub fn check_module(vertices: &[Vertex], edges: &[[usize; 2]]) -> Result<(), Flaw> {
    check_vertices(vertices)?;
    check_edges(vertices, edges)?;
    let (mut incoming, mut outgoing) = (vec![false; vertices.len()], vec![false; vertices.len()]);
    for &[from, to] in edges {
        outgoing[from] = true;
        incoming[to] = true;
    }
    let last = vertices.len() - 1;
    for (index, vertex) in vertices.iter().enumerate() {
        let missing = match (index > 0 && !incoming[index], index < last && !outgoing[index]) {
            (true, _) => "incoming",
            (_, true) => "outgoing",
            _ => continue,
        };
        let message = format!(
            "vertex {index} `{}` has no {missing} edge: connect every vertex to input and output, or remove it",
            vertex.label
        );
        return Err(Flaw { part: Part::Vertex(index), message });
    }
    Ok(())
}

fn check_vertices(vertices: &[Vertex]) -> Result<(), Flaw> {
    let count = vertices.len();
    if !(2..=MAX_VERTICES).contains(&count) {
        let message = format!(
            "a module has {count} vertices: give 2 to {MAX_VERTICES}, `input` and `output` among them"
        );
        return Err(Flaw { part: Part::Module, message });
    }
    for (index, vertex) in vertices.iter().enumerate() {
        let expected = match index {
            0 => Some("input"),
            _ if index + 1 == count => Some("output"),
            _ => None,
        };
        let label = vertex.label.as_str();
        let message = match expected {
            Some(expected) if label != expected => {
                format!("vertex {index} is `{label}`: a module begins with `input` and ends with `output`")
            }
            None if label == "input" || label == "output" => {
                format!(
                    "vertex {index} is `{label}`: only the first vertex is `input`, only the last `output`"
                )
            }
            None if label.is_empty() => format!("vertex {index} has an empty label"),
            _ => continue,
        };
        return Err(Flaw { part: Part::Vertex(index), message });
    }
    Ok(())
}

fn check_edges(vertices: &[Vertex], edges: &[[usize; 2]]) -> Result<(), Flaw> {
    let count = vertices.len();
    let mut seen = HashSet::new();
    for (index, edge) in edges.iter().enumerate() {
        let [from, to] = *edge;
        let message = if from >= count || to >= count {
            format!("edge [{from}, {to}] leaves the module: its vertices are 0 to {}", count - 1)
        } else if from >= to {
            format!(
                "edge [{from}, {to}] runs backwards: the graph would be cyclic or out of order; list the vertices so \
                 that every edge goes from a lower to a higher index"
            )
        } else if !seen.insert(*edge) {
            format!("edge [{from}, {to}] occurs twice: remove one")
        } else {
            continue;
        };
        return Err(Flaw { part: Part::Edge(index), message });
    }
    Ok(())
}
