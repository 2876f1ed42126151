//! A module checked and with its predecessors listed.

use crate::error::{Fault, Location};
use crate::structure::{self, Part};
use codebench_model::{CnnModule, Vertex};

/// A module whose edges all go forward between existing vertices, none twice, and whose every vertex lies on a path
/// that starts and ends at a boundary.
pub(crate) struct Module<'a> {
    pub(crate) index: usize,
    pub(crate) vertices: &'a [Vertex],
    /// Per vertex, the sources of its incoming edges, ascending.
    pub(crate) predecessors: Vec<Vec<usize>>,
}

impl<'a> Module<'a> {
    /// Checks `module`; the fault carries its place.
    pub(crate) fn new(index: usize, module: &'a CnnModule) -> Result<Self, (Option<usize>, Fault)> {
        let vertices = module.vertices.as_slice();
        structure::check_module(vertices, &module.edges).map_err(|flaw| {
            let vertex = match flaw.part {
                Part::Vertex(vertex) => Some(vertex),
                Part::Module | Part::Edge(_) => None,
            };
            (vertex, Fault::malformed(flaw.message))
        })?;
        let mut predecessors = vec![Vec::new(); vertices.len()];
        for &[from, to] in &module.edges {
            predecessors[to].push(from);
        }
        predecessors.iter_mut().for_each(|sources| sources.sort_unstable());
        Ok(Module { index, vertices, predecessors })
    }

    /// Index of the output vertex.
    pub(crate) fn last(&self) -> usize {
        self.vertices.len() - 1
    }

    pub(crate) fn label(&self, vertex: usize) -> &'a str {
        self.vertices.get(vertex).map_or("", |v| v.label.as_str())
    }

    /// Predecessors of `vertex` without the module's input.
    pub(crate) fn interior(&self, vertex: usize) -> &[usize] {
        let sources = self.sources(vertex);
        if sources.first() == Some(&0) { &sources[1..] } else { sources }
    }

    pub(crate) fn reads_input(&self, vertex: usize) -> bool {
        self.sources(vertex).first() == Some(&0)
    }

    pub(crate) fn sources(&self, vertex: usize) -> &[usize] {
        self.predecessors.get(vertex).map_or(&[], Vec::as_slice)
    }

    /// True if no vertex has two inputs.
    pub(crate) fn is_chain(&self) -> bool {
        self.predecessors.iter().all(|sources| sources.len() <= 1)
    }

    pub(crate) fn location(&self, vertex: usize) -> Location {
        location(self.index, self.vertices, Some(vertex))
    }
}

/// The place of a vertex, or of the module.
pub(crate) fn location(module: usize, vertices: &[Vertex], vertex: Option<usize>) -> Location {
    let vertex = vertex.map(|v| (v, vertices.get(v).map(|x| x.label.clone()).unwrap_or_default()));
    Location { module, vertex }
}
