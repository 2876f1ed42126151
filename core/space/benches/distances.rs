//! Distances between CNNs of 30 to 60 vertices: `cargo bench -p codebench-space`, one thread.
#![allow(missing_docs, clippy::unwrap_used)]

use codebench_space::Rng;
use codebench_space::distance::{EditCosts, PreparedGraph, fast, pair, pairs};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;

#[path = "../tests/distance/graphs.rs"]
#[allow(dead_code)]
mod graphs;

/// All pairs of 40 CNNs; of 1,000 CNNs there are 640 times as many.
fn distances(c: &mut Criterion) {
    let mut rng = Rng::new(1, 0);
    let graphs: Vec<PreparedGraph> =
        (0..40).map(|_| PreparedGraph::new(&graphs::stacked(&mut rng, 60)).unwrap()).collect();
    let costs = EditCosts::default();
    let mut group = c.benchmark_group("distances");
    group.throughput(Throughput::Elements(pairs(40) as u64));
    group.bench_function("pairs of CNNs of up to 60 vertices", |b| {
        b.iter(|| {
            let pairs = (0..pairs(40)).map(|n| pair(40, n));
            pairs.map(|(i, j)| black_box(fast(&graphs[i], &graphs[j], &costs)).cost).sum::<f64>()
        });
    });
    group.finish();
}

criterion_group!(benches, distances);
criterion_main!(benches);
