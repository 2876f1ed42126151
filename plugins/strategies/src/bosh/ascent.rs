//! Climbing the acquisition function within the unit cube.

use crate::model::Model;
use codebench_sdk::math;
use codebench_sdk::space::Rng;

/// Decay of the moving means of gradients and of squared curvatures.
const BETA_1: f64 = 0.9;
const BETA_2: f64 = 0.999;
/// Keeps a step finite where the curvature vanishes.
const EPSILON: f64 = 1e-8;

/// How an ascent goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ascent {
    pub(super) second_order: bool,
    pub(super) steps: usize,
    pub(super) step_size: f64,
}

impl Ascent {
    /// Where the ascent from `start` ends; where the surrogate gives no gradient, it ends early.
    ///
    /// The diagonal of the Hessian is estimated by one product with a random vector of signs per step (Hutchinson); its moving
    /// mean square scales the steps, as in AdaHessian. Every step is projected to the unit cube.
    pub(super) fn climb(
        &self,
        model: &Model,
        coefficients: &[f64],
        start: &[f64],
        bounds: &[(f64, f64)],
        rng: &mut Rng,
    ) -> Vec<f64> {
        let mut x = start.to_vec();
        let mut mean = vec![0.0; x.len()];
        let mut square = vec![0.0; x.len()];
        let (mut decay_1, mut decay_2) = (1.0, 1.0);
        for _ in 0..self.steps {
            let Some(gradient) = model.gradient(&x, coefficients) else { break };
            let Some(scale) = self.scale(model, &x, &gradient, coefficients, rng) else { break };
            decay_1 *= BETA_1;
            decay_2 *= BETA_2;
            for i in 0..x.len() {
                mean[i] = BETA_1 * mean[i] + (1.0 - BETA_1) * gradient[i];
                square[i] = BETA_2 * square[i] + (1.0 - BETA_2) * scale[i] * scale[i];
                let step = mean[i] / (1.0 - decay_1) / (math::sqrt(square[i] / (1.0 - decay_2)) + EPSILON);
                // A step of curvature alone may be unbounded where the function is flat.
                x[i] = (x[i] + self.step_size * step.clamp(-1.0, 1.0)).clamp(bounds[i].0, bounds[i].1);
            }
        }
        x
    }

    /// What divides each step: the estimated diagonal of the Hessian, or the gradient.
    fn scale(
        &self,
        model: &Model,
        x: &[f64],
        gradient: &[f64],
        coefficients: &[f64],
        rng: &mut Rng,
    ) -> Option<Vec<f64>> {
        if !self.second_order {
            return Some(gradient.to_vec());
        }
        let signs: Vec<f64> = x.iter().map(|_| if rng.below(2) == 0 { -1.0 } else { 1.0 }).collect();
        let product = model.hvp(x, &signs, coefficients)?;
        Some(product.iter().zip(&signs).map(|(h, s)| h * s).collect())
    }
}
