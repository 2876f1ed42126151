//! The marginal likelihood of a Gaussian process and its gradient.

use super::kernel::{matern, squares};
use codebench_sdk::math::dense;
use codebench_sdk::math::{exp, ln};

/// Hyperparameters are logarithms: length scales, variance of the signal, variance of the noise.
pub(crate) struct Likelihood<'a> {
    /// Records in columns (`inputs x n`), scaled to 0..1.
    pub(crate) columns: &'a [f64],
    /// Standardised targets.
    pub(crate) targets: &'a [f64],
    pub(crate) inputs: usize,
    /// Whether weak log-normal priors count.
    pub(crate) priors: bool,
}

/// What the likelihood is made of, at given hyperparameters.
struct Parts {
    /// Cholesky factor of the covariance.
    factor: Vec<f64>,
    /// Covariance inverse times targets.
    weights: Vec<f64>,
    /// Slopes of the kernel, times the variance of the signal.
    slopes: Vec<f64>,
    /// The kernel without noise.
    kernel: Vec<f64>,
}

impl Likelihood<'_> {
    /// Mean and deviation of the priors, on logarithms.
    fn prior(&self, parameter: usize) -> (f64, f64) {
        let dimensions = self.inputs.max(1) as f64;
        match parameter.checked_sub(self.inputs) {
            // Length scales grow with the root of the dimension, or every point would be far from every other.
            None => (std::f64::consts::SQRT_2 + 0.5 * ln(dimensions), 3f64.sqrt()),
            Some(0) => (0.0, 1.0),
            Some(_) => (-4.0, 2.0),
        }
    }

    fn parts(&self, logs: &[f64]) -> Option<Parts> {
        let n = self.targets.len();
        let (variance, noise) = (exp(logs[self.inputs]), exp(logs[self.inputs + 1]));
        let scaled = scaled(self.columns, n, logs);
        let mut kernel = vec![0.0; n * n];
        let mut slopes = vec![0.0; n * n];
        let mut distances = vec![0.0; n];
        for i in 0..n {
            let point: Vec<f64> = scaled.chunks_exact(n).map(|c| c[i]).collect();
            squares(&point, &scaled, n, &mut distances[..=i]);
            let rows = kernel[i * n..].iter_mut().zip(&mut slopes[i * n..]);
            for ((k, slope), square) in rows.zip(&distances[..=i]) {
                let (value, derivative) = matern(*square);
                *k = variance * value;
                *slope = variance * derivative;
            }
        }
        for i in 0..n {
            for j in 0..i {
                kernel[j * n + i] = kernel[i * n + j];
                slopes[j * n + i] = slopes[i * n + j];
            }
        }
        let mut factor = kernel.clone();
        (0..n).for_each(|i| factor[i * n + i] += noise);
        if !dense::cholesky(n, &mut factor) {
            return None;
        }
        let mut weights = self.targets.to_vec();
        dense::solve_lower(n, 1, &factor, &mut weights);
        dense::solve_lower_transposed(n, &factor, &mut weights);
        Some(Parts { factor, weights, slopes, kernel })
    }

    /// Minus the logarithm of the marginal likelihood (and of the priors), per record, with its gradient.
    pub(crate) fn loss(&self, logs: &[f64]) -> (f64, Vec<f64>) {
        let n = self.targets.len();
        let Some(parts) = self.parts(logs) else {
            return (f64::INFINITY, vec![0.0; logs.len()]);
        };
        let fit: f64 = 0.5 * dense::dot(self.targets, &parts.weights);
        let volume: f64 = (0..n).map(|i| ln(parts.factor[i * n + i])).sum();
        let mut value = fit + volume + 0.5 * n as f64 * ln(2.0 * std::f64::consts::PI);
        let mut gradient = self.gradient(logs, parts);
        if self.priors {
            for (i, (log, slope)) in logs.iter().zip(&mut gradient).enumerate() {
                let (mean, deviation) = self.prior(i);
                let off = (log - mean) / deviation;
                value += 0.5 * off * off;
                *slope += off / deviation;
            }
        }
        let share = 1.0 / n as f64;
        gradient.iter_mut().for_each(|g| *g *= share);
        (value * share, gradient)
    }

    /// By the rule `1/2 trace((inverse - weights weights') derivative of the covariance)`.
    fn gradient(&self, logs: &[f64], parts: Parts) -> Vec<f64> {
        let n = self.targets.len();
        let Parts { factor, weights, mut slopes, kernel } = parts;
        let inverse = dense::inverse_of_factored(n, &factor);
        let (mut of_signal, mut of_noise) = (0.0, 0.0);
        for i in 0..n {
            let rows = inverse[i * n..][..n].iter().zip(&kernel[i * n..][..n]).zip(&weights);
            for (((inverse, k), weight), slope) in rows.zip(&mut slopes[i * n..][..n]) {
                let part = inverse - weights[i] * weight;
                of_signal += part * k;
                *slope *= part;
            }
            of_noise += inverse[i * n + i] - weights[i] * weights[i];
        }
        // For symmetric weights the sum of w (x - y)^2 over all pairs is twice that of w x^2 less that of w x y.
        let sums: Vec<f64> = slopes.chunks_exact(n).map(|row| row.iter().sum()).collect();
        let mut products = vec![0.0; self.columns.len()];
        dense::multiply([self.inputs, n, n], self.columns, &slopes, &mut products);
        let mut gradient = Vec::with_capacity(logs.len());
        for ((column, product), log) in self.columns.chunks_exact(n).zip(products.chunks_exact(n)).zip(logs) {
            let squares: f64 = column.iter().zip(&sums).map(|(x, sum)| x * x * sum).sum();
            gradient.push((squares - dense::dot(column, product)) * exp(-2.0 * log));
        }
        gradient.push(0.5 * of_signal);
        gradient.push(0.5 * of_noise * exp(logs[self.inputs + 1]));
        gradient
    }
}

/// The columns, each divided by its length scale.
pub(crate) fn scaled(columns: &[f64], n: usize, logs: &[f64]) -> Vec<f64> {
    let inverse = |log: &f64| exp(-log);
    columns
        .chunks_exact(n.max(1))
        .zip(logs.iter().map(inverse))
        .flat_map(|(c, s)| c.iter().map(move |x| x * s))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use codebench_sdk::space::Rng;

    #[test]
    fn the_gradient_agrees_with_finite_differences() {
        let mut rng = Rng::new(3, 0);
        let (n, inputs) = (17, 3);
        let columns: Vec<f64> = (0..n * inputs).map(|_| rng.unit()).collect();
        let targets: Vec<f64> =
            (0..n).map(|i| columns[i] - columns[n + i] * columns[i] + 0.1 * rng.unit()).collect();
        for priors in [false, true] {
            let likelihood = Likelihood { columns: &columns, targets: &targets, inputs, priors };
            let logs = [-0.7, 0.1, 0.8, -0.2, -3.0];
            let (_, gradient) = likelihood.loss(&logs);
            for (i, exact) in gradient.iter().enumerate() {
                let at = |by: f64| {
                    let mut moved = logs;
                    moved[i] += by;
                    likelihood.loss(&moved).0
                };
                let difference = (at(1e-5) - at(-1e-5)) / 2e-5;
                assert!((exact - difference).abs() < 1e-7 * (1.0 + exact.abs()), "{i}: {exact} {difference}");
            }
        }
    }
}
