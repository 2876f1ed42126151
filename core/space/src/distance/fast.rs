//! A good edit path in a fraction of a millisecond.

use super::assignment::{NONE, Scratch, assign};
use super::isomorphism::isomorphism;
use super::path::priced;
use super::refine::Mapping;
use super::{EditCosts, EditPath, PreparedGraph};

/// Share of an edge's cost by which assignments of equal cost are told apart: all together never outweigh half an edge.
const HINT: f64 = 1e-3;

/// A good edit path from `a` to `b`, with a lower bound of all paths.
///
/// The bound is the cheapest assignment of vertices, each with half the edges that it must lose or gain (Riesen and Bunke,
/// "Approximate graph edit distance computation by means of bipartite graph matching", 2009). That assignment, and one that
/// keeps the topological order, are improved by exchanges. Isomorphic graphs are found to be so. The cost of the path from
/// `b` to `a` is the same.
pub fn fast(a: &PreparedGraph, b: &PreparedGraph, costs: &EditCosts) -> EditPath {
    if let Some(mapping) = isomorphism(a, b) {
        return priced(a, b, costs, mapping, 0.0);
    }
    if swapped(a, b) {
        return forward(b, a, costs).inverted(a.len());
    }
    forward(a, b, costs)
}

/// Whether `b` comes first: the smaller graph, and among equals by what they contain, so that both directions agree.
fn swapped(a: &PreparedGraph, b: &PreparedGraph) -> bool {
    let key = |g: &PreparedGraph| (g.len(), g.edges().len());
    key(a)
        .cmp(&key(b))
        .then_with(|| a.signature.cmp(&b.signature))
        .then_with(|| a.edges().cmp(b.edges()))
        .is_gt()
}

/// For `a` with no more vertices than `b`.
fn forward(a: &PreparedGraph, b: &PreparedGraph, costs: &EditCosts) -> EditPath {
    let substitute = substitutions(a, b, costs);
    let (bound, assigned) = bipartite(a, b, costs, &substitute);
    let mut best: Option<(f64, Vec<usize>)> = None;
    for image in [assigned, aligned(a, b, costs, &substitute)] {
        let mut mapping = Mapping::new(a, b, costs, &substitute, image);
        mapping.improve();
        let cost = mapping.cost();
        if best.as_ref().is_none_or(|(least, _)| cost < *least) {
            best = Some((cost, mapping.image));
        }
        if cost <= bound {
            break;
        }
    }
    let image = best.map(|(_, image)| image).unwrap_or_default();
    let mapping = image.into_iter().map(|j| (j != NONE).then_some(j as u32)).collect();
    priced(a, b, costs, mapping, bound)
}

pub(super) fn substitutions(a: &PreparedGraph, b: &PreparedGraph, costs: &EditCosts) -> Vec<f64> {
    (0..a.len()).flat_map(|i| (0..b.len()).map(move |j| costs.substitute(a, i, b, j))).collect()
}

/// A lower bound, and the assignment that it comes from.
fn bipartite(
    a: &PreparedGraph,
    b: &PreparedGraph,
    costs: &EditCosts,
    substitute: &[f64],
) -> (f64, Vec<usize>) {
    let (rows, columns) = (a.len(), b.len());
    let half = 0.5 * costs.edge;
    let inserted: Vec<f64> = (0..columns).map(|j| b.weight(j) + half * b.degree(j) as f64).collect();
    let mut matrix = Vec::with_capacity(rows * columns);
    for i in 0..rows {
        let deleted = a.weight(i) + half * a.degree(i) as f64;
        let (out, back) = (a.successors[i].len(), a.predecessors[i].len());
        for j in 0..columns {
            let edges = out.abs_diff(b.successors[j].len()) + back.abs_diff(b.predecessors[j].len());
            let kept = substitute[i * columns + j] + half * edges as f64;
            let likeness = 0.5 * (a.rank[i] - b.rank[j]).abs()
                + if a.colours[0][i] == b.colours[0][j] { 0.0 } else { 0.25 }
                + if a.colours[1][i] == b.colours[1][j] { 0.0 } else { 0.25 };
            // Every vertex of the larger graph is inserted, unless a vertex becomes it.
            matrix.push(kept.min(deleted + inserted[j]) - inserted[j] + HINT * costs.edge * likeness);
        }
    }
    let mut scratch = Scratch::default();
    let dual = assign(rows, columns, &matrix, &mut scratch);
    let total: f64 = inserted.iter().sum();
    // Rounding of the sums, and the hints, which are at most one each.
    let slack = HINT * costs.edge * rows as f64 + 1e-14 * (total + total.abs() + dual.abs());
    let mut image = scratch.of_row;
    for (i, j) in image.iter_mut().enumerate() {
        if a.weight(i) + b.weight(*j) < substitute[i * columns + *j] {
            *j = NONE;
        }
    }
    ((total + dual - slack).max(0.0), image)
}

/// The cheapest mapping that keeps the topological order, as in comparing two texts.
fn aligned(a: &PreparedGraph, b: &PreparedGraph, costs: &EditCosts, substitute: &[f64]) -> Vec<usize> {
    let (rows, columns) = (a.len(), b.len());
    let width = columns + 1;
    let drop = |g: &PreparedGraph, v: usize| g.weight(v) + costs.edge * g.degree(v) as f64;
    let mut least = vec![0.0; (rows + 1) * width];
    for c in 1..=columns {
        least[c] = least[c - 1] + drop(b, b.order[c - 1]);
    }
    let pair = |r: usize, c: usize| {
        let (i, j) = (a.order[r - 1], b.order[c - 1]);
        let edges = a.degree(i).abs_diff(b.degree(j)) as f64;
        substitute[i * columns + j] + costs.edge * edges
    };
    for r in 1..=rows {
        let gone = drop(a, a.order[r - 1]);
        least[r * width] = least[(r - 1) * width] + gone;
        for c in 1..=columns {
            let both = least[(r - 1) * width + c - 1] + pair(r, c);
            let either =
                (least[(r - 1) * width + c] + gone).min(least[r * width + c - 1] + drop(b, b.order[c - 1]));
            least[r * width + c] = both.min(either);
        }
    }
    let mut image = vec![NONE; rows];
    let (mut r, mut c) = (rows, columns);
    while r > 0 && c > 0 {
        let here = least[r * width + c];
        if here == least[(r - 1) * width + c - 1] + pair(r, c) {
            image[a.order[r - 1]] = b.order[c - 1];
            (r, c) = (r - 1, c - 1);
        } else if here == least[(r - 1) * width + c] + drop(a, a.order[r - 1]) {
            r -= 1;
        } else {
            c -= 1;
        }
    }
    image
}

/// The costs of [`fast`] for the pairs of those numbers among `graphs`: see [`pair`].
pub fn distances(graphs: &[PreparedGraph], costs: &EditCosts, numbers: std::ops::Range<usize>) -> Vec<f64> {
    let end = numbers.end.min(pairs(graphs.len()));
    let mut all = Vec::new();
    let (mut i, mut j) = pair(graphs.len(), numbers.start);
    for _ in numbers.start..end {
        all.push(fast(&graphs[i], &graphs[j], costs).cost);
        j += 1;
        if j == graphs.len() {
            (i, j) = (i + 1, i + 2);
        }
    }
    all
}

/// How many pairs there are among `count` graphs.
pub fn pairs(count: usize) -> usize {
    count * count.saturating_sub(1) / 2
}

/// Pair number `number` among `count` graphs, the first index the smaller: (0, 1), (0, 2), ..., (1, 2), ... A caller with
/// several threads gives each a range of numbers, as [`distances`] takes.
pub fn pair(count: usize, number: usize) -> (usize, usize) {
    let mut first = 0;
    let mut left = number;
    while first + 1 < count && left >= count - 1 - first {
        left -= count - 1 - first;
        first += 1;
    }
    (first, first + 1 + left)
}
