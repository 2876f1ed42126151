//! Whether two graphs are the same but for the numbering of their vertices.

use super::PreparedGraph;

/// Steps of the search; graphs of CNNs need about one per vertex.
const STEPS: usize = 20_000;

/// The vertex of `b` for each vertex of `a`, if the search finds that they correspond.
pub(crate) fn isomorphism(a: &PreparedGraph, b: &PreparedGraph) -> Option<Vec<Option<u32>>> {
    if a.signature != b.signature || a.edges().len() != b.edges().len() {
        return None;
    }
    let mut search = Search { a, b, image: vec![None; a.len()], used: vec![false; b.len()], steps: STEPS };
    search.extend(0).then_some(search.image)
}

struct Search<'a> {
    a: &'a PreparedGraph,
    b: &'a PreparedGraph,
    image: Vec<Option<u32>>,
    used: Vec<bool>,
    steps: usize,
}

impl Search<'_> {
    /// Finds images for the vertices from place `at` of the order on.
    fn extend(&mut self, at: usize) -> bool {
        let Some(&i) = self.a.order.get(at) else { return true };
        for j in 0..self.b.len() {
            if self.used[j] || !self.fits(i, j) {
                continue;
            }
            if self.steps == 0 {
                return false;
            }
            self.steps -= 1;
            self.image[i] = Some(j as u32);
            self.used[j] = true;
            if self.extend(at + 1) {
                return true;
            }
            self.image[i] = None;
            self.used[j] = false;
        }
        false
    }

    fn fits(&self, i: usize, j: usize) -> bool {
        let (from, to) = (self.a.vertex(i), self.b.vertex(j));
        let same = from.label == to.label && from.weight == to.weight && from.position == to.position;
        let image = |v: &u32| self.image[*v as usize];
        same && self.a.colours[2][i] == self.b.colours[2][j]
            && self.a.predecessors[i].iter().filter_map(image).all(|p| self.b.has_edge(p as usize, j))
            && self.a.successors[i].iter().filter_map(image).all(|s| self.b.has_edge(j, s as usize))
    }
}
