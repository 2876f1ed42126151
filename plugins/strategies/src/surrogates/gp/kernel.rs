//! The Matern 5/2 kernel with one length scale per input.

use codebench_sdk::math::lanes;

pub(crate) const SQRT_5: f64 = 2.236_067_977_499_79;

/// `(k, slope)` at squared distance `square`, for variance 1: `k = (1 + s + s^2/3) exp(-s)` with `s = sqrt(5 square)`, and
/// `slope = 5/3 (1 + s) exp(-s)`, which is minus twice the derivative of `k` by `square`.
#[inline(always)]
pub(crate) fn matern(square: f64) -> (f64, f64) {
    let s = SQRT_5 * square.sqrt();
    let decay = lanes::exp(-s);
    ((1.0 + s + s * s * (1.0 / 3.0)) * decay, 5.0 / 3.0 * (1.0 + s) * decay)
}

/// Squared distances of `point` to the `n` columns of `columns` (`inputs x n`), each input divided by its length scale
/// already, into `squares`.
pub(crate) fn squares(point: &[f64], columns: &[f64], n: usize, squares: &mut [f64]) {
    squares.fill(0.0);
    for (at, column) in point.iter().zip(columns.chunks_exact(n.max(1))) {
        for (square, other) in squares.iter_mut().zip(column) {
            let difference = at - other;
            *square += difference * difference;
        }
    }
}
