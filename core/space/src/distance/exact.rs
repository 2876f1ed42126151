//! A best edit path of small graphs.

use super::assignment::{NONE, Scratch, assign};
use super::fast::{fast, substitutions};
use super::path::priced;
use super::{EditCosts, EditPath, PreparedGraph};

/// The cheapest edit path from `a` to `b`, if the search ends within `steps` mappings of a single vertex (some millions suffice
/// for graphs of ten vertices); otherwise the best path that it saw, with the lower bound of [`fast`].
///
/// Depth first with the vertices of `a` in topological order. What is left is bounded by the cheapest assignment of the
/// other vertices, with the edges to those that are mapped counted and half of the others.
pub fn exact(a: &PreparedGraph, b: &PreparedGraph, costs: &EditCosts, steps: usize) -> EditPath {
    let first = fast(a, b, costs);
    if first.cost == 0.0 {
        return first;
    }
    let mut search = Search {
        a,
        b,
        costs,
        substitute: substitutions(a, b, costs),
        image: vec![NONE; a.len()],
        used: vec![false; b.len()],
        best: first.cost,
        mapping: None,
        steps,
        scratch: Scratch::default(),
    };
    let whole = search.extend(0, 0.0);
    let mapping = search.mapping.take().unwrap_or(first.mapping);
    let bound = if whole { f64::INFINITY } else { first.lower_bound };
    priced(a, b, costs, mapping, bound)
}

struct Search<'a> {
    a: &'a PreparedGraph,
    b: &'a PreparedGraph,
    costs: &'a EditCosts,
    substitute: Vec<f64>,
    image: Vec<usize>,
    used: Vec<bool>,
    best: f64,
    mapping: Option<Vec<Option<u32>>>,
    steps: usize,
    scratch: Scratch,
}

impl Search<'_> {
    /// Maps the vertices from place `at` of the order on, `cost` being that of those before; whether it tried everything.
    fn extend(&mut self, at: usize, cost: f64) -> bool {
        let (bound, row) = self.rest(at);
        // A cheaper path must be cheaper by more than rounding.
        if cost + bound >= self.best * (1.0 - 1e-12) {
            return true;
        }
        let Some(&i) = self.a.order.get(at) else {
            self.best = cost + bound;
            let images = self.image.iter().map(|j| (*j != NONE).then_some(*j as u32));
            self.mapping = Some(images.collect());
            return true;
        };
        let mut choices: Vec<usize> = (0..self.b.len()).filter(|j| !self.used[*j]).collect();
        choices.sort_by(|j, k| row[*j].total_cmp(&row[*k]));
        choices.push(NONE);
        for j in choices {
            if self.steps == 0 {
                return false;
            }
            self.steps -= 1;
            let step = self.step(at, i, j);
            self.image[i] = j;
            if j != NONE {
                self.used[j] = true;
            }
            let whole = self.extend(at + 1, cost + step);
            if j != NONE {
                self.used[j] = false;
            }
            self.image[i] = NONE;
            if !whole {
                return false;
            }
        }
        true
    }

    /// The cost of mapping `i` to `j`: the vertex, and its edges with the vertices mapped before.
    fn step(&self, at: usize, i: usize, j: usize) -> f64 {
        let mut edges = 0;
        for &k in &self.a.order[..at] {
            let other = self.image[k];
            let both = j != NONE && other != NONE;
            edges += usize::from(self.a.has_edge(i, k) != (both && self.b.has_edge(j, other)));
            edges += usize::from(self.a.has_edge(k, i) != (both && self.b.has_edge(other, j)));
        }
        let vertex = if j == NONE { self.a.weight(i) } else { self.substitute[i * self.b.len() + j] };
        vertex + self.costs.edge * edges as f64
    }

    /// A lower bound of what is left from place `at` on (exact at the end), and for the vertex there the costs that it had.
    fn rest(&mut self, at: usize) -> (f64, Vec<f64>) {
        let left = &self.a.order[at..];
        let free: Vec<usize> = (0..self.b.len()).filter(|j| !self.used[*j]).collect();
        let half = 0.5 * self.costs.edge;
        let is_left = |v: &&u32| left.contains(&(**v as usize));
        let is_free = |v: &&u32| !self.used[**v as usize];
        // Edges among the vertices that are left count half at each end, the others whole.
        let weigh =
            |v: f64, all: usize, open: usize| v + self.costs.edge * (all - open) as f64 + half * open as f64;
        let inserted: Vec<f64> = free
            .iter()
            .map(|j| {
                let open = self.b.successors[*j].iter().filter(is_free).count()
                    + self.b.predecessors[*j].iter().filter(is_free).count();
                weigh(self.b.weight(*j), self.b.degree(*j), open)
            })
            .collect();
        let total: f64 = inserted.iter().sum();
        // A square matrix: a vertex of either graph may be left without partner.
        let size = left.len() + free.len();
        let mut matrix = vec![0.0; size * size];
        let mut first = vec![f64::INFINITY; self.b.len()];
        for (r, &i) in left.iter().enumerate() {
            let (out, back) = (
                self.a.successors[i].iter().filter(is_left).count(),
                self.a.predecessors[i].iter().filter(is_left).count(),
            );
            let deleted = weigh(self.a.weight(i), self.a.degree(i), out + back);
            for (c, &j) in free.iter().enumerate() {
                let (to_out, to_back) = (
                    self.b.successors[j].iter().filter(is_free).count(),
                    self.b.predecessors[j].iter().filter(is_free).count(),
                );
                let open = half * (out.abs_diff(to_out) + back.abs_diff(to_back)) as f64;
                let cost = self.step(at, i, j) + open;
                matrix[r * size + c] = cost;
                if r == 0 {
                    first[j] = cost;
                }
            }
            matrix[r * size + free.len()..(r + 1) * size].fill(deleted);
        }
        for r in left.len()..size {
            matrix[r * size..r * size + free.len()].copy_from_slice(&inserted);
        }
        if left.is_empty() {
            return (self.end(&free), first);
        }
        let dual = assign(size, size, &matrix, &mut self.scratch);
        (dual - 1e-14 * (total + dual.abs()), first)
    }

    /// What inserting the vertices that are left costs, with all their edges.
    fn end(&self, free: &[usize]) -> f64 {
        let weights: f64 = free.iter().map(|j| self.b.weight(*j)).sum();
        let touched = |(from, to): &&(u32, u32)| !self.used[*from as usize] || !self.used[*to as usize];
        weights + self.costs.edge * self.b.edges().iter().filter(touched).count() as f64
    }
}
