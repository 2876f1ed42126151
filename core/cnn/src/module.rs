//! A module checked and with its predecessors listed.

use crate::error::{Fault, Location};
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
        let count = vertices.len();
        let whole = |message: String| Err((None, Fault::malformed(message)));
        if count < 2 {
            return whole(format!("{count} vertices; a module needs at least `input` and `output`"));
        }
        for (vertex, label) in [(0, "input"), (count - 1, "output")] {
            if vertices.get(vertex).is_none_or(|v| v.label != label) {
                return Err((
                    Some(vertex),
                    Fault::malformed(format!(
                        "this vertex must be labelled `{label}`: `input` comes first and `output` last"
                    )),
                ));
            }
        }
        let mut predecessors = vec![Vec::new(); count];
        let mut leaves = vec![false; count];
        for &[from, to] in &module.edges {
            if from >= count || to >= count {
                return whole(format!(
                    "edge [{from}, {to}] dangles: there are {count} vertices, so both ends must be 0 to {}",
                    count - 1
                ));
            }
            if from >= to {
                return whole(format!(
                    "edge [{from}, {to}] goes backwards, which makes a cycle possible; order the vertices so that every edge goes to a later vertex"
                ));
            }
            predecessors[to].push(from);
            leaves[from] = true;
        }
        for (vertex, sources) in predecessors.iter_mut().enumerate() {
            sources.sort_unstable();
            if let Some(twice) = sources.windows(2).find(|w| w[0] == w[1]) {
                return whole(format!("edge [{}, {vertex}] occurs twice; leave one out", twice[0]));
            }
            if vertex > 0 && sources.is_empty() && count > 2 {
                return Err((Some(vertex), Fault::malformed("no edge leads to this vertex; add one")));
            }
            if vertex + 1 < count && !leaves[vertex] {
                return Err((Some(vertex), Fault::malformed("no edge leaves this vertex; add one")));
            }
        }
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
