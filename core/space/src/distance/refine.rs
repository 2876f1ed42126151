//! Local search over mappings of vertices.

use super::assignment::NONE;
use super::{EditCosts, PreparedGraph};

/// Rounds over all pairs of vertices at most.
const ROUNDS: usize = 12;
/// Gains below this share of an edge are rounding.
const TRIFLE: f64 = 1e-9;

/// A mapping of the vertices of `a` to those of `b`, and what substitutions cost.
pub(crate) struct Mapping<'a> {
    pub(crate) a: &'a PreparedGraph,
    pub(crate) b: &'a PreparedGraph,
    pub(crate) edge: f64,
    /// Costs of substitutions, row by row of `a`.
    pub(crate) substitute: &'a [f64],
    /// The image of each vertex of `a`, or [`NONE`].
    pub(crate) image: Vec<usize>,
    /// Vertices of `b` without a source.
    pub(crate) free: Vec<usize>,
}

impl<'a> Mapping<'a> {
    pub(crate) fn new(
        a: &'a PreparedGraph,
        b: &'a PreparedGraph,
        costs: &EditCosts,
        substitute: &'a [f64],
        image: Vec<usize>,
    ) -> Self {
        let mut used = vec![false; b.len()];
        image.iter().filter(|j| **j != NONE).for_each(|j| used[*j] = true);
        let free = (0..b.len()).filter(|j| !used[*j]).collect();
        Mapping { a, b, edge: costs.edge, substitute, image, free }
    }

    /// Of vertices and edges.
    pub(crate) fn cost(&self) -> f64 {
        let vertices: f64 = self.image.iter().enumerate().map(|(i, j)| self.vertex_cost(i, *j)).sum();
        let inserted: f64 = self.free.iter().map(|j| self.b.weight(*j)).sum();
        let kept = self.a.edges().iter().filter(|(from, to)| {
            let (f, t) = (self.image[*from as usize], self.image[*to as usize]);
            f != NONE && t != NONE && self.b.has_edge(f, t)
        });
        let edges = self.a.edges().len() + self.b.edges().len() - 2 * kept.count();
        vertices + inserted + edges as f64 * self.edge
    }

    fn vertex_cost(&self, i: usize, j: usize) -> f64 {
        if j == NONE { self.a.weight(i) } else { self.substitute[i * self.b.len() + j] }
    }

    /// Edges of `i` that are kept if it becomes `j`.
    fn kept(&self, i: usize, j: usize) -> usize {
        if j == NONE {
            return 0;
        }
        let image = |v: &&u32| self.image[**v as usize];
        let out = self.a.successors[i].iter().filter(|v| image(v) != NONE && self.b.has_edge(j, image(v)));
        let back = self.a.predecessors[i].iter().filter(|v| image(v) != NONE && self.b.has_edge(image(v), j));
        out.count() + back.count()
    }

    /// Improves the mapping until no exchange of two images, no move to a free vertex, no deletion and no insertion gains.
    pub(crate) fn improve(&mut self) {
        for _ in 0..ROUNDS {
            let mut better = false;
            for i in 0..self.a.len() {
                better |= self.move_to_free(i);
                better |= self.delete(i);
                for k in i + 1..self.a.len() {
                    better |= self.exchange(i, k);
                }
            }
            if !better {
                break;
            }
        }
    }

    fn exchange(&mut self, i: usize, k: usize) -> bool {
        let (to_i, to_k) = (self.image[i], self.image[k]);
        if to_i == to_k {
            return false;
        }
        let vertices = self.vertex_cost(i, to_k) + self.vertex_cost(k, to_i)
            - self.vertex_cost(i, to_i)
            - self.vertex_cost(k, to_k);
        // Even if every edge of both were kept afterwards.
        let most = 2.0 * self.edge * (self.a.degree(i) + self.a.degree(k)) as f64;
        if vertices >= most {
            return false;
        }
        let between = |m: &Self| {
            let (f, t) = (m.image[i], m.image[k]);
            let both = f != NONE && t != NONE;
            usize::from(both && m.a.has_edge(i, k) && m.b.has_edge(f, t))
                + usize::from(both && m.a.has_edge(k, i) && m.b.has_edge(t, f))
        };
        let before = self.kept(i, to_i) + self.kept(k, to_k) - between(self);
        self.image.swap(i, k);
        let after = self.kept(i, to_k) + self.kept(k, to_i) - between(self);
        let change = vertices + 2.0 * self.edge * (before as f64 - after as f64);
        if change < -TRIFLE * self.edge {
            return true;
        }
        self.image.swap(i, k);
        false
    }

    fn move_to_free(&mut self, i: usize) -> bool {
        let mut better = false;
        for place in 0..self.free.len() {
            let (from, to) = (self.image[i], self.free[place]);
            // What comes and goes besides the substitution: the vertices of `b` that are inserted.
            let inserted = if from == NONE { 0.0 } else { self.b.weight(from) } - self.b.weight(to);
            let vertices = self.vertex_cost(i, to) - self.vertex_cost(i, from) + inserted;
            if vertices >= 2.0 * self.edge * self.a.degree(i) as f64 {
                continue;
            }
            let (before, after) = (self.kept(i, from), self.kept(i, to));
            if vertices + 2.0 * self.edge * (before as f64 - after as f64) < -TRIFLE * self.edge {
                self.image[i] = to;
                if from == NONE {
                    self.free.swap_remove(place);
                    return true;
                }
                self.free[place] = from;
                better = true;
            }
        }
        better
    }

    fn delete(&mut self, i: usize) -> bool {
        let from = self.image[i];
        if from == NONE {
            return false;
        }
        let vertices = self.a.weight(i) + self.b.weight(from) - self.vertex_cost(i, from);
        if vertices >= 0.0 || vertices + 2.0 * self.edge * self.kept(i, from) as f64 >= -TRIFLE * self.edge {
            return false;
        }
        self.image[i] = NONE;
        self.free.push(from);
        true
    }
}
