//! A small builder of explicit modules.

use codebench_model::{CnnModule, Join, Vertex};

/// A module under construction. Vertices are numbered in the order of the calls.
pub(super) struct Module {
    vertices: Vec<Vertex>,
    edges: Vec<[usize; 2]>,
}

/// The input vertex of every module.
pub(super) const INPUT: usize = 0;

impl Module {
    pub(super) fn new() -> Self {
        Module { vertices: vec![Vertex::new("input")], edges: Vec::new() }
    }

    /// `label` applied to the output of `from`.
    pub(super) fn op(&mut self, from: usize, label: impl Into<String>) -> usize {
        self.add(&[from], Vertex::new(label))
    }

    /// `labels` one after another behind `from`.
    pub(super) fn chain<L: Into<String>>(
        &mut self,
        from: usize,
        labels: impl IntoIterator<Item = L>,
    ) -> usize {
        labels.into_iter().fold(from, |last, label| self.op(last, label))
    }

    /// `label` applied to the joined outputs of `from`, which ascend.
    pub(super) fn join(&mut self, join: Join, from: &[usize], label: impl Into<String>) -> usize {
        self.add(from, Vertex::joined(label, join))
    }

    /// The module that gives the joined outputs of `from`.
    pub(super) fn end(mut self, join: Join, from: &[usize]) -> CnnModule {
        self.join(join, from, "output");
        let Module { vertices, edges } = self;
        CnnModule { vertices, edges }
    }

    fn add(&mut self, from: &[usize], vertex: Vertex) -> usize {
        let to = self.vertices.len();
        self.vertices.push(vertex);
        self.edges.extend(from.iter().map(|from| [*from, to]));
        to
    }
}

/// A module that is a chain. Its output names a join, although a single tensor arrives: that makes it explicit.
pub(super) fn chain<L: Into<String>>(labels: impl IntoIterator<Item = L>) -> CnnModule {
    let mut module = Module::new();
    let last = module.chain(INPUT, labels);
    module.end(Join::Sum, &[last])
}

/// The usual head: mean over the map, then the classes.
pub(super) fn mean_and_classes() -> CnnModule {
    chain(["global-avg-pool", "dense_classes"])
}
