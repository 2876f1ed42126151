//! Batch and local response normalisation.

use codebench_sdk::engine::STATISTICS_MOMENTUM;
use tch::{TchError, Tensor};

/// Normalises by the mini-batch; `weights` begins with gamma, beta, running mean and running variance, of which the last two move
/// towards the mini-batch's if `moves_statistics`.
pub(crate) fn batch_train(
    input: &Tensor,
    weights: &[Tensor],
    epsilon: f64,
    moves_statistics: bool,
) -> Result<Tensor, TchError> {
    let (gamma, beta) = (Some(&weights[0]), Some(&weights[1]));
    let size = input.size();
    // A single value has no unbiased variance: its variance counts as it is, which is 0.
    let single = size[0] * size[2] * size[3] == 1;
    let running = (moves_statistics && !single).then(|| (&weights[2], &weights[3]));
    let (mean, variance) = running.unzip();
    let output = input.f_batch_norm(gamma, beta, mean, variance, true, STATISTICS_MOMENTUM, epsilon, true)?;
    if moves_statistics && single {
        let _guard = tch::no_grad_guard();
        let _ = weights[2].shallow_clone().f_lerp_(&input.f_reshape([-1])?, STATISTICS_MOMENTUM)?;
        let _ = weights[3].shallow_clone().f_mul_scalar_(1.0 - STATISTICS_MOMENTUM)?;
    }
    Ok(output)
}

/// Normalises by the running statistics.
pub(crate) fn batch_inference(input: &Tensor, weights: &[Tensor], epsilon: f64) -> Result<Tensor, TchError> {
    let [gamma, beta, mean, variance] = [0, 1, 2, 3].map(|index| Some(&weights[index]));
    input.f_batch_norm(gamma, beta, mean, variance, false, STATISTICS_MOMENTUM, epsilon, true)
}

/// x / (k + alpha * mean of squares over `size` neighbouring channels, zeros beyond the ends)^beta
pub(crate) fn local_response(
    input: &Tensor,
    size: i64,
    alpha: f64,
    beta: f64,
    k: f64,
) -> Result<Tensor, TchError> {
    let squares = input.f_square()?.f_pad([0, 0, 0, 0, size / 2, (size - 1) / 2], "constant", 0.0)?;
    let means =
        squares.f_unsqueeze(1)?.f_avg_pool3d([size, 1, 1], [1, 1, 1], [0, 0, 0], false, true, None)?;
    let divisor = means.f_squeeze_dim(1)?.f_mul_scalar(alpha)?.f_add_scalar(k)?.f_pow_tensor_scalar(beta)?;
    input.f_div(&divisor)
}
