//! Minimisation of smooth functions within bounds.

/// Pairs of steps and differences that the curvature is built from.
const MEMORY: usize = 8;
/// Share of the promised decrease that a step must reach.
const ARMIJO: f64 = 1e-4;

/// The point with the least value found by a projected limited-memory BFGS from `start`, within `bounds`.
///
/// `function` gives value and gradient; a value that is not finite shortens the step. It is called at most `evaluations` times.
pub(crate) fn minimise(
    start: &[f64],
    bounds: &[(f64, f64)],
    evaluations: usize,
    mut function: impl FnMut(&[f64]) -> (f64, Vec<f64>),
) -> Vec<f64> {
    let project =
        |x: &mut [f64]| x.iter_mut().zip(bounds).for_each(|(x, (low, high))| *x = x.clamp(*low, *high));
    let mut x = start.to_vec();
    project(&mut x);
    let (mut value, mut gradient) = function(&x);
    let mut left = evaluations.saturating_sub(1);
    let mut pairs: Vec<(Vec<f64>, Vec<f64>)> = Vec::new();
    while left > 0 && value.is_finite() {
        let free = free_gradient(&x, &gradient, bounds);
        let steepness = dot(&free, &free);
        if steepness < 1e-12 {
            break;
        }
        let mut direction = descent(&free, &pairs);
        if pairs.is_empty() || dot(&direction, &free) >= 0.0 {
            let shorten = 1.0 / steepness.sqrt().max(1.0);
            direction = free.iter().map(|g| -g * shorten).collect();
        }
        let mut step = 1.0;
        let mut moved = false;
        while left > 0 && !moved && step > 1e-6 {
            let mut trial: Vec<f64> = x.iter().zip(&direction).map(|(x, d)| x + step * d).collect();
            project(&mut trial);
            let (trial_value, trial_gradient) = function(&trial);
            left -= 1;
            let change: Vec<f64> = trial.iter().zip(&x).map(|(a, b)| a - b).collect();
            if trial_value.is_finite() && trial_value <= value + ARMIJO * dot(&change, &free) {
                let difference: Vec<f64> = trial_gradient.iter().zip(&gradient).map(|(a, b)| a - b).collect();
                let gained = value - trial_value;
                if dot(&change, &difference) > 1e-12 {
                    pairs.push((change, difference));
                    if pairs.len() > MEMORY {
                        pairs.remove(0);
                    }
                }
                (x, value, gradient) = (trial, trial_value, trial_gradient);
                moved = true;
                if gained < 1e-7 * value.abs().max(1.0) {
                    return x;
                }
            } else {
                step *= 0.4;
            }
        }
        if !moved {
            if pairs.is_empty() {
                break;
            }
            pairs.clear();
        }
    }
    x
}

/// The gradient without components that push against a bound.
fn free_gradient(x: &[f64], gradient: &[f64], bounds: &[(f64, f64)]) -> Vec<f64> {
    let at = |((x, g), (low, high)): ((&f64, &f64), &(f64, f64))| {
        if (x <= low && *g > 0.0) || (x >= high && *g < 0.0) { 0.0 } else { *g }
    };
    x.iter().zip(gradient).zip(bounds).map(at).collect()
}

/// Minus the inverse Hessian, as the pairs tell it, times the gradient.
fn descent(gradient: &[f64], pairs: &[(Vec<f64>, Vec<f64>)]) -> Vec<f64> {
    let mut q = gradient.to_vec();
    let mut shares = Vec::new();
    for (step, difference) in pairs.iter().rev() {
        let share = dot(step, &q) / dot(step, difference);
        q.iter_mut().zip(difference).for_each(|(q, d)| *q -= share * d);
        shares.push(share);
    }
    if let Some((step, difference)) = pairs.last() {
        let scale = dot(step, difference) / dot(difference, difference);
        q.iter_mut().for_each(|q| *q *= scale);
    }
    for ((step, difference), share) in pairs.iter().zip(shares.iter().rev()) {
        let back = dot(difference, &q) / dot(step, difference);
        q.iter_mut().zip(step).for_each(|(q, s)| *q += (share - back) * s);
    }
    q.iter_mut().for_each(|q| *q = -*q);
    q
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rosenbrock(x: &[f64]) -> (f64, Vec<f64>) {
        let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
        (a * a + 100.0 * b * b, vec![-2.0 * a - 400.0 * x[0] * b, 200.0 * b])
    }

    #[test]
    fn it_finds_the_minimum_of_a_curved_valley() {
        let x = minimise(&[-1.2, 1.0], &[(-5.0, 5.0); 2], 200, rosenbrock);
        assert!((x[0] - 1.0).abs() < 1e-2 && (x[1] - 1.0).abs() < 2e-2, "{x:?}");
    }

    #[test]
    fn it_stays_within_bounds_and_evaluations() {
        let mut calls = 0;
        let x = minimise(&[-1.2, 1.0], &[(-5.0, 0.5), (-5.0, 5.0)], 60, |x| {
            calls += 1;
            rosenbrock(x)
        });
        assert!(calls <= 60);
        assert!((x[0] - 0.5).abs() < 1e-3 && (x[1] - 0.25).abs() < 1e-2, "{x:?}");
    }

    #[test]
    fn a_value_that_is_not_finite_shortens_the_step() {
        let log = |x: &[f64]| {
            if x[0] > 0.0 {
                (x[0] - codebench_sdk::math::ln(x[0]), vec![1.0 - 1.0 / x[0]])
            } else {
                (f64::NAN, vec![0.0])
            }
        };
        let x = minimise(&[0.01], &[(-10.0, 10.0)], 60, log);
        assert!((x[0] - 1.0).abs() < 1e-3, "{x:?}");
    }
}
