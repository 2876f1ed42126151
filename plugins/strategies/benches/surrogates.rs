//! What a surrogate costs: a fit from nothing, a fit that goes on, and a fit with a proposal of ten candidates by gradients.
//!
//! `cargo bench -p codebench-strategies`; one thread. Inputs are those of the paper's co-design: 16 of the CNN, 13 of the
//! accelerator.
#![allow(missing_docs, clippy::unwrap_used)]

use codebench_sdk::api::Catalog;
use codebench_sdk::prelude::*;
use codebench_sdk::space::Rng;
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use std::hint::black_box;

const CNN: usize = 16;
const INPUTS: usize = 29;

fn records(rows: usize) -> (Vec<f64>, Vec<f64>) {
    let mut rng = Rng::new(1, 0);
    let x: Vec<f64> = (0..rows * INPUTS).map(|_| rng.unit()).collect();
    let y = x
        .chunks(INPUTS)
        .map(|x| x[0] * x[20] - (x[3] - 0.4) * (x[3] - 0.4) + 0.3 * x[25] + 0.05 * rng.unit());
    let y = y.collect();
    (x, y)
}

fn make(id: &str) -> Box<dyn Surrogate> {
    let mut catalog = Catalog::default();
    catalog.add_all("codebench-strategies", codebench_strategies::PLUGINS).unwrap();
    let blocks = vec![(Block::Cnn, 0..CNN), (Block::Accelerator, CNN..INPUTS)];
    let context = SurrogateContext { seed: 1, inputs: INPUTS, outputs: 1, blocks };
    catalog.surrogate(id, &Parameters::new(), &context).unwrap()
}

/// Ten ascents of mean plus epistemic deviation, each of thirty steps with gradient and curvature.
fn propose(surrogate: &dyn Surrogate) -> f64 {
    let mut rng = Rng::new(2, 0);
    let mut sum = 0.0;
    for _ in 0..10 {
        let mut x: Vec<f64> = (0..INPUTS).map(|_| rng.unit()).collect();
        for _ in 0..30 {
            let v: Vec<f64> = (0..INPUTS).map(|_| if rng.below(2) == 0 { 1.0 } else { -1.0 }).collect();
            let gradient = surrogate.gradient(&x, &[1.0, 0.5, 0.0]).unwrap();
            let product = surrogate.hvp(&x, &v, &[1.0, 0.5, 0.0]).unwrap();
            for (i, x) in x.iter_mut().enumerate() {
                *x = (*x + 0.1 * gradient[i] / (1e-3 + (product[i] * v[i]).abs())).clamp(0.0, 1.0);
            }
        }
        sum += surrogate.predict(&x, 1).unwrap().mean[0];
    }
    sum
}

fn fits(c: &mut Criterion) {
    for (id, sizes) in [("codebench/boshnas-surrogate", &[200, 2000][..]), ("codebench/gp", &[200])] {
        let mut group = c.benchmark_group(id);
        group.sample_size(10);
        for &rows in sizes {
            let (x, y) = records(rows);
            group.bench_function(format!("fit of {rows} records and proposal of 10"), |b| {
                b.iter_batched(
                    || make(id),
                    |mut surrogate| {
                        surrogate.fit(&x, &y).unwrap();
                        black_box(propose(surrogate.as_ref()))
                    },
                    BatchSize::PerIteration,
                );
            });
            group.bench_function(format!("fit that goes on, {} to {rows} records", rows - 10), |b| {
                b.iter_batched(
                    || {
                        let mut surrogate = make(id);
                        surrogate.fit(&x[..(rows - 10) * INPUTS], &y[..rows - 10]).unwrap();
                        surrogate
                    },
                    |mut surrogate| surrogate.fit(&x, &y).unwrap(),
                    BatchSize::PerIteration,
                );
            });
        }
        let mut surrogate = make(id);
        let (x, y) = records(200);
        surrogate.fit(&x, &y).unwrap();
        group.bench_function("proposal of 10", |b| b.iter(|| black_box(propose(surrogate.as_ref()))));
        group.bench_function("prediction of 200 rows", |b| b.iter(|| surrogate.predict(&x, 200).unwrap()));
        group.finish();
    }
}

criterion_group!(benches, fits);
criterion_main!(benches);
