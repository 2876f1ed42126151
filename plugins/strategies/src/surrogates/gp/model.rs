//! A Gaussian process with given hyperparameters.

use super::kernel::{matern, squares};
use super::likelihood::scaled;
use codebench_sdk::math::dense;
use codebench_sdk::math::exp;

/// Rows that are solved at once.
const ROWS: usize = 8;
/// Least variance, as a share of that of the signal: rounding leaves no more.
const LEAST: f64 = 1e-12;

/// Predicts one standardised objective from inputs scaled to 0..1.
#[derive(Debug)]
pub(crate) struct Model {
    records: usize,
    /// Inverse length scales.
    inverse: Vec<f64>,
    variance: f64,
    /// Standard deviation of the noise.
    pub(crate) noise: f64,
    /// Records in columns, each input divided by its length scale.
    columns: Vec<f64>,
    factor: Vec<f64>,
    weights: Vec<f64>,
}

impl Model {
    /// `None` if the covariance is not positive definite even with more noise.
    pub(crate) fn new(columns: &[f64], targets: &[f64], logs: &[f64]) -> Option<Self> {
        let n = targets.len();
        let inputs = logs.len() - 2;
        let (variance, mut noise) = (exp(logs[inputs]), exp(logs[inputs + 1]));
        let columns = scaled(columns, n, &logs[..inputs]);
        let mut kernel = vec![0.0; n * n];
        for i in 0..n {
            let point: Vec<f64> = columns.chunks_exact(n).map(|c| c[i]).collect();
            let row = &mut kernel[i * n..][..n];
            squares(&point, &columns, n, row);
            row.iter_mut().for_each(|k| *k = variance * matern(*k).0);
        }
        for _ in 0..8 {
            let mut factor = kernel.clone();
            (0..n).for_each(|i| factor[i * n + i] += noise);
            if dense::cholesky(n, &mut factor) {
                let mut weights = targets.to_vec();
                dense::solve_lower(n, 1, &factor, &mut weights);
                dense::solve_lower_transposed(n, &factor, &mut weights);
                let inverse = logs[..inputs].iter().map(|log| exp(-log)).collect();
                return Some(Model {
                    records: n,
                    inverse,
                    variance,
                    noise: noise.sqrt(),
                    columns,
                    factor,
                    weights,
                });
            }
            noise = (noise * 10.0).max(1e-9 * variance);
        }
        None
    }

    /// Mean and epistemic deviation of each row.
    pub(crate) fn predict(&self, x: &[f64], rows: usize) -> Vec<(f64, f64)> {
        let (n, inputs) = (self.records, self.inverse.len());
        let mut answers = Vec::with_capacity(rows);
        let mut covariances = vec![0.0; n];
        let mut block = vec![0.0; n * ROWS];
        for start in (0..rows).step_by(ROWS) {
            let count = ROWS.min(rows - start);
            // Always a whole block, so that a row is computed the same way in any company.
            block.fill(0.0);
            let mut means = [0.0; ROWS];
            for (r, mean) in means.iter_mut().enumerate().take(count) {
                let point = self.divided(&x[(start + r) * inputs..][..inputs]);
                squares(&point, &self.columns, n, &mut covariances);
                covariances.iter_mut().for_each(|k| *k = self.variance * matern(*k).0);
                *mean = dense::dot(&covariances, &self.weights);
                covariances.iter().enumerate().for_each(|(i, k)| block[i * ROWS + r] = *k);
            }
            dense::solve_lower(n, ROWS, &self.factor, &mut block);
            let mut explained = [0.0; ROWS];
            for row in block.chunks_exact(ROWS) {
                explained.iter_mut().zip(row).for_each(|(sum, v)| *sum += v * v);
            }
            let pairs = means.iter().zip(explained).take(count);
            answers.extend(pairs.map(|(mean, explained)| (*mean, self.variance_left(explained).sqrt())));
        }
        answers
    }

    fn variance_left(&self, explained: f64) -> f64 {
        (self.variance - explained).max(LEAST * self.variance)
    }

    fn divided(&self, x: &[f64]) -> Vec<f64> {
        x.iter().zip(&self.inverse).map(|(x, s)| x * s).collect()
    }

    /// Adds to `sum` the gradient at `x` of `weights[0] * mean + weights[1] * deviation`, or with `along` the product of its
    /// Hessian with it.
    ///
    /// With `q = inverse covariance times k(x)`, the variance is `v = signal - q k`, its gradient `-2 q grad k`, and its
    /// Hessian `-2 (grad k' inverse grad k + q hess k)`.
    pub(crate) fn add_derivatives(
        &self,
        x: &[f64],
        along: Option<&[f64]>,
        weights: [f64; 2],
        sum: &mut [f64],
    ) {
        let n = self.records;
        let point = self.divided(x);
        let along = along.map(|v| self.divided(v));
        let mut distances = vec![0.0; n];
        squares(&point, &self.columns, n, &mut distances);
        let (kernel, slopes): (Vec<f64>, Vec<f64>) =
            distances.iter().map(|d| matern(*d)).map(|(k, s)| (self.variance * k, self.variance * s)).unzip();
        // Without a weight on the deviation, nothing of the variance is needed.
        let (mut q, mut left) = (vec![0.0; n], LEAST * self.variance);
        if weights[1] != 0.0 {
            q = kernel;
            dense::solve_lower(n, 1, &self.factor, &mut q);
            left = self.variance_left(q.iter().map(|v| v * v).sum());
            dense::solve_lower_transposed(n, &self.factor, &mut q);
        }
        let deviation = left.sqrt();
        // Where rounding holds the variance it is constant.
        let share = if left > LEAST * self.variance { weights[1] } else { 0.0 };
        // Of mean and variance: the sums of records' kernels with these weights.
        let by_record = |i: usize| weights[0] * self.weights[i] - share / deviation * q[i];
        let differences = |a: usize| self.columns[a * n..][..n].iter().map(move |other| (a, other));
        let Some(along) = along else {
            for (a, total) in sum.iter_mut().enumerate() {
                let parts = differences(a)
                    .enumerate()
                    .map(|(i, (a, other))| -by_record(i) * slopes[i] * (point[a] - other));
                *total += self.inverse[a] * parts.sum::<f64>();
            }
            return;
        };
        // Per record: the product of the difference and the direction, and the derivative of its kernel in that direction.
        let mut products = vec![0.0; n];
        for (a, v) in along.iter().enumerate() {
            differences(a).zip(&mut products).for_each(|((a, other), p)| *p += (point[a] - other) * v);
        }
        let turn: Vec<f64> = products.iter().zip(&slopes).map(|(p, s)| -s * p).collect();
        let mut turned = turn.clone();
        if share != 0.0 {
            dense::solve_lower(n, 1, &self.factor, &mut turned);
            dense::solve_lower_transposed(n, &self.factor, &mut turned);
        }
        // Derivative of the variance in the direction, for the root in the deviation.
        let along_variance = -2.0 * dense::dot(&q, &turn);
        for (a, total) in sum.iter_mut().enumerate() {
            let (mut curvature, mut of_variance, mut cross) = (0.0, 0.0, 0.0);
            for (i, (a, other)) in differences(a).enumerate() {
                let difference = point[a] - other;
                // -(5/3)(1+s) exp(-s) v + (25/3) exp(-s) (u v) u, where the last factor follows from the slope.
                let bend = 5.0 * slopes[i] / (1.0 + super::kernel::SQRT_5 * distances[i].sqrt());
                curvature += by_record(i) * (bend * products[i] * difference - slopes[i] * along[a]);
                cross += turned[i] * -slopes[i] * difference;
                of_variance += q[i] * slopes[i] * difference;
            }
            // `of_variance` is half the gradient of the variance.
            let root = -share * (cross / deviation + of_variance * along_variance / (2.0 * deviation * left));
            *total += self.inverse[a] * (curvature + root);
        }
    }
}
