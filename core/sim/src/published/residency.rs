//! Which chunks of an operand stay in a buffer: a first-in first-out queue of chunks.
//!
//! Names are used one operation after another, so a buffer is one queue. Most operations either fit (each chunk is
//! loaded once) or exceed the buffer by so much that every pass over their tiles misses everything; [`Queue`] follows
//! the cases in between, by intervals of consecutive chunks.

use crate::SimError;
use std::collections::VecDeque;

/// How many chunks a buffer holds, of how many it can.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fill {
    pub(crate) resident: u64,
    pub(crate) capacity: u64,
}

impl Fill {
    /// Whether every insertion evicts as much.
    pub(crate) fn is_full(&self) -> bool {
        self.resident == self.capacity
    }

    /// Inserts chunks that were missing, then evicts the oldest above the capacity; returns how many.
    pub(crate) fn insert(&mut self, chunks: u64) -> u64 {
        let filled = self.resident.saturating_add(chunks);
        self.resident = filled.min(self.capacity);
        filled - self.resident
    }

    /// How often, at most `limit`, `chunks` can be inserted before evictions begin.
    pub(crate) fn most_times(&self, chunks: u64, limit: u64) -> u64 {
        if chunks == 0 || self.is_full() {
            limit
        } else {
            limit.min((self.capacity - self.resident) / chunks)
        }
    }
}

/// Most tile accesses that a queue follows one by one.
const BUDGET: u64 = 1 << 22;

/// Chunks `start..end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Interval {
    start: u64,
    end: u64,
}

/// A full buffer of `capacity` chunks over an operand of `total` chunks, `capacity < total`.
#[derive(Debug, Clone)]
pub(crate) struct Queue {
    /// Resident chunks in order of insertion; neighbours are merged, so that equal queues are equal lists.
    resident: VecDeque<Interval>,
    /// Missing chunks, ascending and disjoint.
    holes: Vec<Interval>,
    capacity: u64,
    length: u64,
    accesses: u64,
}

impl Queue {
    /// The queue after all chunks were inserted in order: the last ones are resident.
    pub(crate) fn after_first_pass(total: u64, capacity: u64) -> Queue {
        let first = total - capacity;
        Queue {
            resident: VecDeque::from([Interval { start: first, end: total }]),
            holes: vec![Interval { start: 0, end: first }],
            capacity,
            length: capacity,
            accesses: 0,
        }
    }

    /// The first missing chunk at or after `chunk`.
    pub(crate) fn next_hole(&self, chunk: u64) -> Option<u64> {
        self.holes.iter().find(|h| h.end > chunk).map(|h| h.start.max(chunk))
    }

    /// Inserts what is missing of `start..end`, evicts the oldest above the capacity, and returns how many were missing.
    pub(crate) fn access(&mut self, start: u64, end: u64) -> Result<u64, SimError> {
        self.accesses += 1;
        if self.accesses > BUDGET {
            return Err(SimError::TooLarge {
                quantity: "the number of partly resident tiles".into(),
                limit: "2^22".into(),
            });
        }
        let mut missing = 0;
        let mut index = self.holes.partition_point(|h| h.end <= start);
        while let Some(hole) = self.holes.get(index).copied().filter(|h| h.start < end) {
            let part = Interval { start: hole.start.max(start), end: hole.end.min(end) };
            self.push(part);
            missing += part.end - part.start;
            let before = Interval { start: hole.start, end: part.start };
            let after = Interval { start: part.end, end: hole.end };
            let rest = [before, after].into_iter().filter(|i| i.start < i.end);
            let kept = rest.clone().count();
            self.holes.splice(index..=index, rest);
            index += kept;
        }
        self.length += missing;
        while self.length > self.capacity {
            self.evict_front();
        }
        Ok(missing)
    }

    fn push(&mut self, part: Interval) {
        match self.resident.back_mut() {
            Some(last) if last.end == part.start => last.end = part.end,
            _ => self.resident.push_back(part),
        }
    }

    fn evict_front(&mut self) {
        let Some(front) = self.resident.front_mut() else { return };
        let count = (self.length - self.capacity).min(front.end - front.start);
        let evicted = Interval { start: front.start, end: front.start + count };
        front.start += count;
        if front.start == front.end {
            self.resident.pop_front();
        }
        self.length -= count;
        let index = self.holes.partition_point(|h| h.start < evicted.start);
        self.holes.insert(index, evicted);
        if self.holes.get(index + 1).is_some_and(|next| next.start == evicted.end) {
            self.holes[index].end = self.holes.remove(index + 1).end;
        }
        if index > 0 && self.holes[index - 1].end == evicted.start {
            self.holes[index - 1].end = self.holes.remove(index).end;
        }
    }

    /// Whether both hold the same chunks in the same order.
    pub(crate) fn same_chunks(&self, other: &Queue) -> bool {
        self.resident == other.resident
    }
}

/// Misses along the tiles of one pass: `(chunks missing, number of consecutive tiles)`.
pub(crate) type Misses = Vec<(u64, u64)>;

/// Misses of repeated passes: pass `n` has `passes[n]` if there is one, and repeats the last `period` for ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Passes {
    pub(crate) passes: Vec<Misses>,
    pub(crate) period: u64,
}

impl Passes {
    /// The same misses in every pass.
    pub(crate) fn constant(misses: Misses) -> Passes {
        Passes { passes: vec![misses], period: 1 }
    }

    /// Passes before the periodic part.
    pub(crate) fn transient(&self) -> u64 {
        self.passes.len() as u64 - self.period
    }
}

/// Weights of an operation with `filters` filters of `chunks` chunks each, in tiles of `tile` filters, over `count`
/// passes.
pub(crate) fn weight_passes(
    filters: u64,
    chunks: u64,
    tile: u64,
    capacity: u64,
    count: u64,
) -> Result<Passes, SimError> {
    let total = filters.checked_mul(chunks).ok_or_else(|| SimError::too_large("the number of weights"))?;
    let full = filters / tile;
    let mut everything = Misses::new();
    if full > 0 {
        everything.push((tile * chunks, full));
    }
    let last = filters % tile;
    if last > 0 {
        everything.push((last * chunks, 1));
    }
    let tiles = filters.div_ceil(tile);
    if total <= capacity {
        return Ok(Passes { passes: vec![everything, vec![(0, tiles)]], period: 1 });
    }
    let largest = filters.min(tile) * chunks;
    if total - capacity >= largest {
        return Ok(Passes::constant(everything));
    }
    let mut queue = Queue::after_first_pass(total, capacity);
    let mut passes = vec![everything];
    // Brent's search for the period: a milestone is compared with every later queue and moved at powers of two.
    let mut milestone = (queue.clone(), 0u64);
    while (passes.len() as u64) < count {
        passes.push(one_pass(&mut queue, tile * chunks, total)?);
        let done = passes.len() as u64 - 1;
        if queue.same_chunks(&milestone.0) {
            return Ok(Passes { period: done - milestone.1, passes });
        }
        if done.is_power_of_two() {
            milestone = (queue.clone(), done);
        }
    }
    Ok(Passes { passes, period: 1 })
}

fn one_pass(queue: &mut Queue, tile: u64, total: u64) -> Result<Misses, SimError> {
    let mut misses = Misses::new();
    let mut position = 0;
    while position < total {
        let next = queue.next_hole(position).unwrap_or(total);
        let hits = if next >= total { (total - position).div_ceil(tile) } else { (next - position) / tile };
        if hits > 0 {
            misses.push((0, hits));
            position = total.min(position.saturating_add(hits.saturating_mul(tile)));
        }
        if position < total {
            let end = total.min(position + tile);
            misses.push((queue.access(position, end)?, 1));
            position = end;
        }
    }
    Ok(misses)
}

/// Activations of the operation that reads the image just loaded, tile by tile, each `accesses` times over; `None` if
/// no chunk is resident when it is first read, as for any other operation.
pub(crate) fn image_passes(
    tiles: impl Iterator<Item = u64>,
    largest_tile: u64,
    total: u64,
    capacity: u64,
    accesses: u64,
) -> Result<Option<Passes>, SimError> {
    if total <= capacity {
        return Ok(Some(Passes::constant(vec![(0, accesses)])));
    }
    if total - capacity >= largest_tile {
        return Ok(None);
    }
    let mut queue = Queue::after_first_pass(total, capacity);
    let mut passes = Vec::new();
    let mut start = 0;
    for chunks in tiles {
        let mut misses = Misses::new();
        let mut left = accesses;
        while left > 0 {
            let missing = queue.access(start, start + chunks)?;
            let run = if missing == 0 { left } else { 1 };
            misses.push((missing, run));
            left -= run;
        }
        passes.push(misses);
        start += chunks;
    }
    Ok(Some(Passes { passes, period: 1 }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// One chunk after another, as the released simulator does it.
    fn naive(sizes: &[u64], capacity: u64, passes: u64) -> Vec<Vec<u64>> {
        let mut queue: VecDeque<u64> = VecDeque::new();
        (0..passes)
            .map(|_| {
                let mut base = 0;
                sizes
                    .iter()
                    .map(|size| {
                        let missing: Vec<u64> = (base..base + size).filter(|c| !queue.contains(c)).collect();
                        queue.extend(&missing);
                        while queue.len() as u64 > capacity {
                            queue.pop_front();
                        }
                        base += size;
                        missing.len() as u64
                    })
                    .collect()
            })
            .collect()
    }

    fn expand(misses: &Misses) -> Vec<u64> {
        misses.iter().flat_map(|(m, n)| std::iter::repeat_n(*m, *n as usize)).collect()
    }

    fn pass(passes: &Passes, n: u64) -> &Misses {
        let transient = passes.transient();
        let index = if n < transient { n } else { transient + (n - transient) % passes.period };
        &passes.passes[index as usize]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn weight_passes_equal_the_queue_of_chunks(
            filters in 1u64..40, chunks in 1u64..8, less in 0u64..40, count in 1u64..60,
        ) {
            let total = filters * chunks;
            let capacity = (total + 3).saturating_sub(less);
            let sizes: Vec<u64> =
                (0..filters).step_by(4).map(|q| (filters - q).min(4) * chunks).collect();
            let passes = weight_passes(filters, chunks, 4, capacity, count).unwrap();
            for (n, expected) in (0..count).zip(naive(&sizes, capacity, count)) {
                prop_assert_eq!(expand(pass(&passes, n)), expected, "pass {}", n);
            }
        }

        #[test]
        fn image_passes_equal_the_queue_of_chunks(
            tiles in prop::collection::vec(1u64..12, 1..6), less in 0u64..30, accesses in 1u64..12,
        ) {
            let total: u64 = tiles.iter().sum();
            let capacity = (total + 2).saturating_sub(less);
            let largest = *tiles.iter().max().unwrap();
            let mut queue: VecDeque<u64> = (0..total).collect();
            while queue.len() as u64 > capacity {
                queue.pop_front();
            }
            let mut base = 0;
            let passes =
                image_passes(tiles.iter().copied(), largest, total, capacity, accesses).unwrap();
            for (n, size) in (0u64..).zip(&tiles) {
                let expected: Vec<u64> = (0..accesses)
                    .map(|_| {
                        let missing: Vec<u64> =
                            (base..base + size).filter(|c| !queue.contains(c)).collect();
                        queue.extend(&missing);
                        while queue.len() as u64 > capacity {
                            queue.pop_front();
                        }
                        missing.len() as u64
                    })
                    .collect();
                base += size;
                let ours = match &passes {
                    Some(passes) => expand(pass(passes, n)),
                    None => {
                        let again = size.saturating_sub(capacity);
                        (0..accesses).map(|q| if q == 0 { *size } else { again }).collect()
                    }
                };
                prop_assert_eq!(ours, expected, "tile {}", n);
            }
        }
    }
}
