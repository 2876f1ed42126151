//! Graphs of CNNs as vectors, for spaces too big to embed by distances.
//!
//! Counts of what a graph contains, in a fixed number of buckets: what a thing is decides its bucket and its sign, so that
//! things that share a bucket do not add up on average (feature hashing). Graphs that are isomorphic have equal vectors.

use codebench_model::LabelledGraph;

/// Weisfeiler and Lehman: labels, then `rounds` times each label with those of its predecessors and of its successors; counts of
/// all of them in `buckets` buckets.
pub fn weisfeiler_lehman(graph: &LabelledGraph, rounds: usize, buckets: usize) -> Vec<f64> {
    let mut counts = vec![0.0; buckets];
    let mut colours: Vec<u64> = graph.vertices.iter().map(|v| mix(u64::from(v.label), 0)).collect();
    for round in 0..=rounds {
        colours.iter().for_each(|colour| count(&mut counts, *colour));
        if round < rounds {
            colours = refined(graph, &colours);
        }
    }
    counts
}

/// Paths of up to `longest` vertices along the edges, as their sequences of labels; counts of all of them in `buckets` buckets. One
/// vertex is a path too. Counts of many equal sequences are exact: paths are not listed one by one.
pub fn paths(graph: &LabelledGraph, longest: usize, buckets: usize) -> Vec<f64> {
    let mut counts = vec![0.0; buckets];
    // For each vertex the sequences that end there, with how often.
    let mut ending: Vec<Vec<(u64, f64)>> =
        graph.vertices.iter().map(|v| vec![(mix(u64::from(v.label), 1), 1.0)]).collect();
    for length in 1..=longest {
        for (sequence, often) in ending.iter().flatten() {
            add(&mut counts, *sequence, *often);
        }
        if length == longest {
            break;
        }
        let mut next: Vec<Vec<(u64, f64)>> = vec![Vec::new(); graph.vertices.len()];
        for &(from, to) in &graph.edges {
            let (Some(sequences), Some(vertex)) =
                (ending.get(from as usize), graph.vertices.get(to as usize))
            else {
                continue;
            };
            let longer = sequences.iter().map(|(s, often)| (mix(*s, u64::from(vertex.label) + 2), *often));
            next[to as usize].extend(longer);
        }
        next.iter_mut().for_each(merge);
        ending = next;
    }
    counts
}

/// One entry per sequence.
fn merge(sequences: &mut Vec<(u64, f64)>) {
    sequences.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let mut merged: Vec<(u64, f64)> = Vec::with_capacity(sequences.len());
    for (sequence, often) in sequences.drain(..) {
        match merged.last_mut() {
            Some((last, sum)) if *last == sequence => *sum += often,
            _ => merged.push((sequence, often)),
        }
    }
    *sequences = merged;
}

fn refined(graph: &LabelledGraph, colours: &[u64]) -> Vec<u64> {
    let mut sums = vec![[0u64; 2]; colours.len()];
    for &(from, to) in &graph.edges {
        let (from, to) = (from as usize, to as usize);
        if from < colours.len() && to < colours.len() {
            sums[from][0] = sums[from][0].wrapping_add(mix(colours[to], 1));
            sums[to][1] = sums[to][1].wrapping_add(mix(colours[from], 2));
        }
    }
    colours.iter().zip(&sums).map(|(colour, [out, back])| mix(mix(*colour, *out), *back)).collect()
}

fn count(counts: &mut [f64], thing: u64) {
    add(counts, thing, 1.0);
}

fn add(counts: &mut [f64], thing: u64, often: f64) {
    let number = mix(thing, 3);
    let buckets = counts.len() as u64;
    if let Some(bucket) = (number >> 1).checked_rem(buckets) {
        counts[bucket as usize] += if number & 1 == 0 { often } else { -often };
    }
}

/// A number that looks random of two (the finaliser of SplitMix64).
pub(crate) fn mix(a: u64, b: u64) -> u64 {
    let weyl = 0x9e37_79b9_7f4a_7c15;
    let mut z = (a ^ b.rotate_left(32)).wrapping_add(b.wrapping_mul(weyl)).wrapping_add(weyl);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
