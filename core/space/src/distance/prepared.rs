//! Graphs ready for many distances.

use crate::graph_features::mix;
use codebench_model::{LabelledGraph, LabelledVertex};

/// Why a graph is refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum GraphError {
    /// An edge ends nowhere.
    #[error("edge {from} -> {to} of a graph of {vertices} vertices: give vertices from 0 to {}", vertices.saturating_sub(1))]
    NoVertex {
        /// Start of the edge.
        from: u32,
        /// End of the edge.
        to: u32,
        /// Vertices of the graph.
        vertices: usize,
    },
    /// An edge from a vertex to itself, or twice the same.
    #[error("edge {from} -> {to} {what}: give each edge between two vertices once")]
    BadEdge {
        /// Start of the edge.
        from: u32,
        /// End of the edge.
        to: u32,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A weight that is no cost.
    #[error("vertex {vertex} weighs {weight}: give a finite number of at least 0")]
    BadWeight {
        /// Number of the vertex.
        vertex: usize,
        /// Its weight.
        weight: f64,
    },
    /// A vertex whose label has no position and no weight.
    #[error(
        "module {module}, vertex {vertex} `{label}`: the label is not among the {known} operations that distances are \
         measured with: add it to their list"
    )]
    UnknownLabel {
        /// Number of the module.
        module: usize,
        /// Number of the vertex in it.
        vertex: usize,
        /// Its label.
        label: String,
        /// Operations in the list.
        known: usize,
    },
}

/// A graph with what distances look up again and again.
#[derive(Debug, Clone)]
pub struct PreparedGraph {
    vertices: Vec<LabelledVertex>,
    /// Edges in ascending order.
    edges: Vec<(u32, u32)>,
    /// Per vertex, where its edges lead to and come from.
    pub(crate) successors: Vec<Vec<u32>>,
    pub(crate) predecessors: Vec<Vec<u32>>,
    /// Successors as bits, `words` per vertex.
    bits: Vec<u64>,
    words: usize,
    /// Place in a topological order, from 0 to 1; the index where there is a cycle.
    pub(crate) rank: Vec<f64>,
    /// The vertices in that order.
    pub(crate) order: Vec<usize>,
    /// Colours of one, two and four rounds of refinement (Weisfeiler and Lehman): of vertices that correspond in isomorphic
    /// graphs they are equal.
    pub(crate) colours: [Vec<u64>; 3],
    /// The last colours, sorted.
    pub(crate) signature: Vec<u64>,
}

impl PreparedGraph {
    /// Checks a graph and prepares it.
    ///
    /// # Errors
    /// [`GraphError`] for an edge that leads nowhere, to its own start, or is there twice, and a weight below 0 or not finite.
    pub fn new(graph: &LabelledGraph) -> Result<Self, GraphError> {
        let count = graph.vertices.len();
        if let Some((vertex, v)) =
            graph.vertices.iter().enumerate().find(|(_, v)| !(v.weight >= 0.0 && v.weight.is_finite()))
        {
            return Err(GraphError::BadWeight { vertex, weight: v.weight });
        }
        let mut edges = graph.edges.clone();
        edges.sort_unstable();
        let (mut successors, mut predecessors) = (vec![Vec::new(); count], vec![Vec::new(); count]);
        let words = count.div_ceil(64);
        let mut bits = vec![0; words * count];
        for (number, &(from, to)) in edges.iter().enumerate() {
            if from as usize >= count || to as usize >= count {
                return Err(GraphError::NoVertex { from, to, vertices: count });
            }
            let twice = number > 0 && edges[number - 1] == (from, to);
            if from == to || twice {
                let what = if twice { "is there twice" } else { "leads to its own start" };
                return Err(GraphError::BadEdge { from, to, what });
            }
            successors[from as usize].push(to);
            predecessors[to as usize].push(from);
            bits[from as usize * words + to as usize / 64] |= 1u64 << (to % 64);
        }
        let order = topological(&successors, &predecessors);
        let mut rank = vec![0.0; count];
        order.iter().enumerate().for_each(|(place, v)| rank[*v] = (place as f64 + 0.5) / count as f64);
        let mut prepared = PreparedGraph {
            vertices: graph.vertices.clone(),
            edges,
            successors,
            predecessors,
            bits,
            words,
            rank,
            order,
            colours: Default::default(),
            signature: Vec::new(),
        };
        prepared.colour();
        Ok(prepared)
    }

    /// Number of vertices.
    pub fn len(&self) -> usize {
        self.vertices.len()
    }

    /// Whether it has no vertices.
    pub fn is_empty(&self) -> bool {
        self.vertices.is_empty()
    }

    /// The vertices.
    pub fn vertices(&self) -> &[LabelledVertex] {
        &self.vertices
    }

    /// The edges, in ascending order.
    pub fn edges(&self) -> &[(u32, u32)] {
        &self.edges
    }

    pub(crate) fn vertex(&self, i: usize) -> &LabelledVertex {
        &self.vertices[i]
    }

    pub(crate) fn weight(&self, i: usize) -> f64 {
        self.vertices[i].weight
    }

    pub(crate) fn has_edge(&self, from: usize, to: usize) -> bool {
        self.bits[from * self.words + to / 64] >> (to % 64) & 1 == 1
    }

    /// Edges in and out.
    pub(crate) fn degree(&self, i: usize) -> usize {
        self.successors[i].len() + self.predecessors[i].len()
    }

    fn colour(&mut self) {
        let own =
            |v: &LabelledVertex| mix(mix(u64::from(v.label), v.weight.to_bits()), u64::from(v.position));
        let mut now: Vec<u64> = self.vertices.iter().map(own).collect();
        for round in 1..=4 {
            now = self.refined(&now);
            match round {
                1 => self.colours[0] = now.clone(),
                2 => self.colours[1] = now.clone(),
                _ => {}
            }
        }
        self.signature = now.clone();
        self.signature.sort_unstable();
        self.colours[2] = now;
    }

    fn refined(&self, colours: &[u64]) -> Vec<u64> {
        let sum = |list: &[u32], salt: u64| {
            list.iter().fold(0u64, |sum, v| sum.wrapping_add(mix(colours[*v as usize], salt)))
        };
        let next =
            |i: usize| mix(mix(colours[i], sum(&self.predecessors[i], 1)), sum(&self.successors[i], 2));
        (0..self.len()).map(next).collect()
    }
}

/// The vertices in topological order, the least index first where there is a choice; vertices on cycles come last.
fn topological(successors: &[Vec<u32>], predecessors: &[Vec<u32>]) -> Vec<usize> {
    let mut missing: Vec<usize> = predecessors.iter().map(Vec::len).collect();
    let mut ready: std::collections::BTreeSet<usize> =
        (0..missing.len()).filter(|v| missing[*v] == 0).collect();
    let mut order = Vec::with_capacity(missing.len());
    while let Some(v) = ready.pop_first() {
        order.push(v);
        for to in &successors[v] {
            missing[*to as usize] -= 1;
            if missing[*to as usize] == 0 {
                ready.insert(*to as usize);
            }
        }
    }
    let rest: Vec<usize> = (0..missing.len()).filter(|v| missing[*v] > 0).collect();
    order.extend(rest);
    order
}
