//! The edges of one module: counting, completing and mending directed acyclic graphs in which every vertex but the last
//! has an outgoing edge, every vertex but the first an incoming edge, and the number of edges is bounded.
//!
//! Edges are flags in the order of [`pairs`]: sorted by target, then source.

use num_bigint::BigUint;

/// Vertices that a module may have at most.
pub const MAX_VERTICES: usize = 16;

/// All pairs `(from, to)` with `from < to < vertices`, sorted by `to`, then `from`.
pub(crate) fn pairs(vertices: usize) -> impl Iterator<Item = (usize, usize)> {
    (1..vertices).flat_map(|to| (0..to).map(move |from| (from, to)))
}

/// Position of the edge `(from, to)` in the order of [`pairs`].
pub(crate) fn position(from: usize, to: usize) -> usize {
    to * (to - 1) / 2 + from
}

/// Number of pairs.
pub(crate) fn pair_count(vertices: usize) -> usize {
    vertices * vertices.saturating_sub(1) / 2
}

/// Counts the valid ways to decide the edges that are still open.
///
/// Edges are decided target by target. What is open depends on the decided ones only through the number of vertices
/// that have no outgoing edge yet and the number of edges left, because earlier vertices are interchangeable as sources.
#[derive(Debug, Clone)]
pub(crate) struct EdgeCounter {
    vertices: usize,
    limit: usize,
    /// `columns[to][unserved][edges left]`: ways to decide the edges into `to` and later targets.
    columns: Vec<Vec<Vec<BigUint>>>,
    binomials: Vec<Vec<u64>>,
}

/// Decisions so far: all edges before the pair `(from, to)`.
#[derive(Debug, Clone)]
pub(crate) struct Partial {
    from: usize,
    to: usize,
    /// Bit per vertex that has an outgoing edge.
    served: u32,
    /// Whether `to` has an incoming edge.
    entered: bool,
    /// Edges that may still be added.
    left: usize,
}

impl EdgeCounter {
    /// A counter for modules of `vertices` (2 to [`MAX_VERTICES`]) and at most `limit` edges.
    pub(crate) fn new(vertices: usize, limit: usize) -> Self {
        let limit = limit.min(pair_count(vertices));
        let binomials = pascal(vertices);
        let mut counter = EdgeCounter { vertices, limit, columns: Vec::new(), binomials };
        let mut columns = vec![Vec::new(); vertices + 1];
        // Past the last target nothing may be unserved but the output itself, which `unserved` does not count.
        columns[vertices] = table(vertices, limit, |unserved, _| BigUint::from(u32::from(unserved == 0)));
        for to in (1..vertices).rev() {
            counter.columns = std::mem::take(&mut columns);
            let column =
                table(to, limit, |unserved, left| counter.open(to, 0, unserved, to - unserved, false, left));
            columns = std::mem::take(&mut counter.columns);
            columns[to] = column;
        }
        counter.columns = columns;
        counter
    }

    /// Number of valid modules.
    pub(crate) fn total(&self) -> BigUint {
        self.completions(&self.start())
    }

    /// Nothing decided.
    pub(crate) fn start(&self) -> Partial {
        Partial { from: 0, to: 1, served: 0, entered: false, left: self.limit }
    }

    /// Ways to decide the edges that `partial` leaves open.
    pub(crate) fn completions(&self, partial: &Partial) -> BigUint {
        let Partial { from, to, served, entered, left } = *partial;
        if to >= self.vertices {
            return BigUint::from(1u32);
        }
        let before = |vertex: usize| (1u32 << vertex) - 1;
        let passed = from - (served & before(from)).count_ones() as usize;
        let ready = (served & before(to) & !before(from)).count_ones() as usize;
        self.open(to, passed, to - from - ready, ready, entered, left)
    }

    /// `partial` with its next edge decided; `None` if that breaks a rule at once.
    pub(crate) fn decide(&self, partial: &Partial, present: bool) -> Option<Partial> {
        let mut next = partial.clone();
        if present {
            next.left = next.left.checked_sub(1)?;
            next.served |= 1 << partial.from;
            next.entered = true;
        }
        next.from += 1;
        if next.from == next.to {
            if !next.entered {
                return None;
            }
            next = Partial { from: 0, to: next.to + 1, entered: false, ..next };
        }
        let done = next.to == self.vertices;
        let all = (1u32 << (self.vertices - 1)) - 1;
        (!done || next.served & all == all).then_some(next)
    }

    /// Ways when, of the sources of `to` still open, `unserved` have no outgoing edge and `ready` have one; `passed` of
    /// the sources already decided have none.
    fn open(
        &self,
        to: usize,
        passed: usize,
        unserved: usize,
        ready: usize,
        entered: bool,
        left: usize,
    ) -> BigUint {
        let mut sum = BigUint::default();
        let last = to + 1 == self.vertices;
        for first in 0..=unserved.min(left) {
            for second in 0..=ready.min(left - first) {
                if !entered && first + second == 0 {
                    continue;
                }
                // The target itself becomes a source without an outgoing edge, unless it is the output.
                let unserved_after = passed + unserved - first + usize::from(!last);
                let Some(ways) = self.columns[to + 1]
                    .get(unserved_after)
                    .and_then(|row| row.get(left - first - second))
                    .filter(|ways| **ways != BigUint::default())
                else {
                    continue;
                };
                sum += ways * (self.binomials[unserved][first] * self.binomials[ready][second]);
            }
        }
        sum
    }
}

fn table(unserved: usize, limit: usize, mut entry: impl FnMut(usize, usize) -> BigUint) -> Vec<Vec<BigUint>> {
    (0..=unserved).map(|u| (0..=limit).map(|left| entry(u, left)).collect()).collect()
}

/// Binomial coefficients up to `n`; at most 12,870 for `n` = 16.
fn pascal(n: usize) -> Vec<Vec<u64>> {
    let mut rows: Vec<Vec<u64>> = vec![vec![1]];
    for i in 1..=n {
        let above = &rows[i - 1];
        let inner = above.windows(2).map(|pair| pair[0] + pair[1]);
        rows.push([1].into_iter().chain(inner).chain([1]).collect());
    }
    rows
}

/// Why edges are no valid module, or `None` if they are.
pub(crate) fn fault(vertices: usize, limit: usize, edges: &[bool]) -> Option<Fault> {
    let present = |from: usize, to: usize| edges.get(position(from, to)).copied().unwrap_or(false);
    for vertex in 0..vertices {
        if vertex + 1 < vertices && !(vertex + 1..vertices).any(|to| present(vertex, to)) {
            return Some(Fault::NoOutgoing(vertex));
        }
        if vertex > 0 && !(0..vertex).any(|from| present(from, vertex)) {
            return Some(Fault::NoIncoming(vertex));
        }
    }
    let count = edges.iter().filter(|e| **e).count();
    (count > limit).then_some(Fault::TooMany { count, limit })
}

/// A rule that edges break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    NoOutgoing(usize),
    NoIncoming(usize),
    TooMany { count: usize, limit: usize },
}

/// The valid edges nearest to `edges`: each edge in order keeps its flag if the earlier ones and `pinned` leave a valid
/// completion with it. `None` if no valid module has the pinned edge's flag.
pub(crate) fn repair(
    vertices: usize,
    limit: usize,
    edges: &[bool],
    pinned: Option<(usize, bool)>,
) -> Option<Vec<bool>> {
    let mut decided: Vec<Option<bool>> = vec![None; pair_count(vertices)];
    if let Some((position, flag)) = pinned {
        *decided.get_mut(position)? = Some(flag);
    }
    if !is_completable(vertices, limit, &decided) {
        return None;
    }
    for i in 0..decided.len() {
        if decided[i].is_none() {
            let wish = edges.get(i).copied().unwrap_or(false);
            decided[i] = Some(wish);
            if !is_completable(vertices, limit, &decided) {
                decided[i] = Some(!wish);
            }
        }
    }
    Some(decided.into_iter().map(|d| d.unwrap_or(false)).collect())
}

/// Whether open edges (`None`) can be decided so that the module is valid.
///
/// Vertices that still need an outgoing edge and vertices that still need an incoming one are the sides of a bipartite
/// graph whose edges are the open pairs. The fewest edges that serve all needs are the needs less a maximum matching,
/// if every need has an open edge at all.
fn is_completable(vertices: usize, limit: usize, decided: &[Option<bool>]) -> bool {
    let is = |from: usize, to: usize, flag: Option<bool>| decided[position(from, to)] == flag;
    let needs_out: Vec<usize> = (0..vertices.saturating_sub(1))
        .filter(|&v| !(v + 1..vertices).any(|to| is(v, to, Some(true))))
        .collect();
    let needs_in: Vec<usize> =
        (1..vertices).filter(|&v| !(0..v).any(|from| is(from, v, Some(true)))).collect();
    let has_open = needs_out.iter().all(|&v| (v + 1..vertices).any(|to| is(v, to, None)))
        && needs_in.iter().all(|&v| (0..v).any(|from| is(from, v, None)));
    if !has_open {
        return false;
    }
    let mut partner: Vec<Option<usize>> = vec![None; vertices];
    let matched = needs_out
        .iter()
        .filter(|&&from| {
            let mut tried = vec![false; vertices];
            augment(from, &needs_in, &|from, to| from < to && is(from, to, None), &mut partner, &mut tried)
        })
        .count();
    let present = decided.iter().filter(|d| **d == Some(true)).count();
    present + needs_out.len() + needs_in.len() - matched <= limit
}

/// One augmenting path of Kuhn's matching algorithm.
fn augment(
    from: usize,
    targets: &[usize],
    open: &dyn Fn(usize, usize) -> bool,
    partner: &mut [Option<usize>],
    tried: &mut [bool],
) -> bool {
    for &to in targets {
        if !open(from, to) || tried[to] {
            continue;
        }
        tried[to] = true;
        let free = match partner[to] {
            None => true,
            Some(other) => augment(other, targets, open, partner, tried),
        };
        if free {
            partner[to] = Some(from);
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all_flags(n: usize) -> impl Iterator<Item = Vec<bool>> {
        (0..1u64 << n).map(move |bits| (0..n).map(|i| bits >> i & 1 == 1).collect())
    }

    fn valid(vertices: usize, limit: usize) -> Vec<Vec<bool>> {
        all_flags(pair_count(vertices)).filter(|e| fault(vertices, limit, e).is_none()).collect()
    }

    #[test]
    fn the_count_equals_enumeration() {
        for vertices in 2..=6 {
            for limit in 0..=pair_count(vertices) + 1 {
                let expected = valid(vertices, limit).len();
                let count = EdgeCounter::new(vertices, limit).total();
                assert_eq!(count, BigUint::from(expected), "{vertices} vertices, at most {limit} edges");
            }
        }
    }

    /// Before isomorphic modules are dropped, the released generator finds so many (cumulative over sizes, 2 labels).
    #[test]
    fn the_count_equals_that_of_the_released_generator() {
        for (vertices, limit, labelled) in [(3, 6, 4), (4, 7, 40), (4, 4, 20), (5, 8, 904), (5, 9, 968)] {
            let labels = 1u32 << (vertices - 2);
            assert_eq!(EdgeCounter::new(vertices, limit).total() * labels, BigUint::from(labelled as u32));
        }
    }

    /// Every prefix of decisions, not only the empty one.
    #[test]
    fn completions_equal_enumeration() {
        for (vertices, limit) in [(4, 5), (5, 6), (5, 10)] {
            let counter = EdgeCounter::new(vertices, limit);
            let points = valid(vertices, limit);
            for edges in &points {
                let mut partial = counter.start();
                for i in 0..edges.len() {
                    let ways = points.iter().filter(|p| p[..i] == edges[..i]).count();
                    assert_eq!(counter.completions(&partial), BigUint::from(ways));
                    partial = counter.decide(&partial, edges[i]).unwrap();
                }
                assert_eq!(counter.completions(&partial), BigUint::from(1u32));
            }
        }
    }

    #[test]
    fn completability_equals_enumeration() {
        for (vertices, limit) in [(3, 2), (4, 3), (4, 4), (4, 6)] {
            let points = valid(vertices, limit);
            let n = pair_count(vertices);
            for code in 0..3usize.pow(n as u32) {
                let decided: Vec<Option<bool>> = (0..n)
                    .map(|i| [None, Some(false), Some(true)][code / 3usize.pow(i as u32) % 3])
                    .collect();
                let expected =
                    points.iter().any(|p| p.iter().zip(&decided).all(|(f, d)| d.is_none_or(|d| d == *f)));
                assert_eq!(is_completable(vertices, limit, &decided), expected, "{decided:?}, limit {limit}");
            }
        }
    }

    #[test]
    fn repair_keeps_valid_edges_mends_others_and_obeys_the_pin() {
        let (vertices, limit) = (5, 6);
        for edges in all_flags(pair_count(vertices)) {
            let mended = repair(vertices, limit, &edges, None).unwrap();
            assert_eq!(fault(vertices, limit, &mended), None);
            assert_eq!(repair(vertices, limit, &mended, None).unwrap(), mended);
            if fault(vertices, limit, &edges).is_none() {
                assert_eq!(mended, edges);
                for pin in 0..edges.len() {
                    if let Some(changed) = repair(vertices, limit, &edges, Some((pin, !edges[pin]))) {
                        assert_eq!(fault(vertices, limit, &changed), None);
                        assert_eq!(changed[pin], !edges[pin]);
                    } else {
                        // Only the one edge out of the input's only target, or into the output's only source, is bound.
                        assert!(pin == 0 || pin + 1 == edges.len(), "{pin}");
                    }
                }
            }
        }
        assert_eq!(repair(4, 2, &[], None), None);
    }

    /// Inclusion and exclusion over the vertices without outgoing and without incoming edges.
    #[test]
    fn larger_modules_are_counted_as_by_inclusion_and_exclusion() {
        let vertices = 9;
        let mut sum: i128 = 0;
        for no_out in 0..1u32 << (vertices - 1) {
            for no_in in 0..1u32 << (vertices - 1) {
                let open = pairs(vertices)
                    .filter(|(from, to)| no_out >> from & 1 == 0 && no_in >> (to - 1) & 1 == 0)
                    .count();
                let sign = if (no_out.count_ones() + no_in.count_ones()) % 2 == 0 { 1 } else { -1 };
                sum += sign * (1i128 << open);
            }
        }
        let count = EdgeCounter::new(vertices, usize::MAX).total();
        assert_eq!(count.to_string(), sum.to_string());
        assert_eq!(EdgeCounter::new(MAX_VERTICES, usize::MAX).total().bits(), 117);
    }
}
