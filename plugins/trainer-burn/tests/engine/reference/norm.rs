//! Batch and local response normalisation.

use super::{Map, Mode};

/// Mean and biased variance of every channel.
pub(crate) fn statistics(x: &Map) -> Vec<(f64, f64)> {
    let count = (x.n * x.h * x.w) as f64;
    (0..x.c)
        .map(|c| {
            let plane = |n: usize| &x.v[(n * x.c + c) * x.h * x.w..][..x.h * x.w];
            let mean = (0..x.n).flat_map(plane).sum::<f64>() / count;
            let variance = (0..x.n).flat_map(plane).map(|v| (v - mean) * (v - mean)).sum::<f64>() / count;
            (mean, variance)
        })
        .collect()
}

pub(super) fn batch(x: &Map, weights: &[Vec<f64>], epsilon: f64, mode: Mode) -> Map {
    let used = match mode {
        Mode::Train { .. } => statistics(x),
        Mode::Inference => weights[2].iter().copied().zip(weights[3].iter().copied()).collect(),
    };
    Map::from_fn(x.dims(), |n, c, y, z| {
        let (mean, variance) = used[c];
        (x.at(n, c, y, z) - mean) / (variance + epsilon).sqrt() * weights[0][c] + weights[1][c]
    })
}

pub(super) fn local_response(x: &Map, size: i64, alpha: f64, beta: f64, k: f64) -> Map {
    Map::from_fn(x.dims(), |n, c, y, z| {
        let first = (c as i64 - size / 2).max(0);
        let last = (c as i64 + (size - 1) / 2).min(x.c as i64 - 1);
        let sum: f64 = (first..=last).map(|j| x.at(n, j as usize, y, z) * x.at(n, j as usize, y, z)).sum();
        x.at(n, c, y, z) / codebench_sdk::math::pow(k + alpha / size as f64 * sum, beta)
    })
}
