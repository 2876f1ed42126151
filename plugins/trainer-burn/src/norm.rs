//! Batch and local response normalisation.

use crate::forward::{LayerWeights, Statistics};
use burn::tensor::{Tensor, module, ops::PadMode};

/// Normalises by the mini-batch; weights are gamma, beta, running mean, running variance from `first_weight` on.
pub(crate) fn batch_train(
    input: Tensor<4>,
    weights: &LayerWeights<'_>,
    first_weight: usize,
    epsilon: f64,
) -> (Tensor<4>, Statistics) {
    let [n, _, h, w] = input.dims();
    let result = module::batch_norm_train(
        input,
        weights.vector(first_weight),
        weights.vector(first_weight + 1),
        epsilon,
    );
    let statistics =
        Statistics { first_weight, mean: result.mean, variance: result.variance, count: n * h * w };
    (result.output, statistics)
}

/// Normalises by the running statistics: one multiply and one add per element.
pub(crate) fn batch_inference(
    input: Tensor<4>,
    weights: &LayerWeights<'_>,
    first_weight: usize,
    epsilon: f64,
) -> Tensor<4> {
    let channels = input.dims()[1];
    let vector = |offset| weights.vector(first_weight + offset);
    let scale = vector(0) / vector(3).add_scalar(epsilon).sqrt();
    let shift = vector(1) - vector(2) * scale.clone();
    input * scale.reshape([1, channels, 1, 1]) + shift.reshape([1, channels, 1, 1])
}

/// x / (k + alpha * mean of squares over `size` neighbouring channels, zeros beyond the ends)^beta
pub(crate) fn local_response(input: Tensor<4>, size: usize, alpha: f64, beta: f64, k: f64) -> Tensor<4> {
    let channels = input.dims()[1];
    let squares = input.clone() * input.clone();
    let padded = squares.pad([(size / 2, (size - 1) / 2), (0, 0), (0, 0)], PadMode::Constant(0.0));
    let mut sum = padded.clone().narrow(1, 0, channels);
    for offset in 1..size {
        sum = sum + padded.clone().narrow(1, offset, channels);
    }
    let divisor = sum.mul_scalar(alpha / size as f64).add_scalar(k).powf_scalar(beta);
    input / divisor
}
