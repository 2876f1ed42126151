//! Climbing the acquisition function within bounds.

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
    /// mean square scales the steps, as in AdaHessian. Every step is projected to the bounds.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::{Features, View};
    use codebench_sdk::prelude::*;
    use codebench_sdk::space::SpaceDescription;

    /// A hill whose mean is `-sum(STEEP (x - TOP)^2)`, without deviations; it bends a hundred times as much along one axis as along
    /// the other.
    struct Hill;

    const STEEP: [f64; 2] = [100.0, 1.0];
    const TOP: [f64; 2] = [0.3, 0.8];

    fn height(x: &[f64]) -> f64 {
        (0..2).map(|i| -STEEP[i] * (x[i] - TOP[i]) * (x[i] - TOP[i])).sum()
    }

    impl Surrogate for Hill {
        fn start(&mut self, _: &SurrogateContext) -> Result<(), PluginError> {
            Ok(())
        }

        fn fit(&mut self, _: &[f64], _: &[f64]) -> Result<(), PluginError> {
            Ok(())
        }

        fn predict(&self, x: &[f64], rows: usize) -> Result<Prediction, PluginError> {
            let mean = x.chunks(2).map(height).collect();
            Ok(Prediction { mean, epistemic: vec![0.0; rows], aleatoric: vec![0.0; rows] })
        }

        fn differentiable(&self) -> bool {
            true
        }

        fn gradient(&self, x: &[f64], coefficients: &[f64]) -> Result<Vec<f64>, PluginError> {
            Ok((0..2).map(|i| -2.0 * STEEP[i] * (x[i] - TOP[i]) * coefficients[0]).collect())
        }

        fn hvp(&self, _: &[f64], v: &[f64], coefficients: &[f64]) -> Result<Vec<f64>, PluginError> {
            Ok((0..2).map(|i| -2.0 * STEEP[i] * v[i] * coefficients[0]).collect())
        }
    }

    fn hill() -> Model {
        let text = "[accelerator]\npib = { min = 1, max = 9 }\npix = { min = 1, max = 9 }";
        let space = toml::from_str::<SpaceDescription>(text).unwrap().compile().unwrap();
        Model::new("fake/hill", Box::new(Hill), Features::new(&space, View::Choices), 1, false)
    }

    fn end(second_order: bool, steps: usize, step_size: f64, start: &[f64], bounds: (f64, f64)) -> Vec<f64> {
        let ascent = Ascent { second_order, steps, step_size };
        ascent.climb(&hill(), &[1.0, 0.5, 0.0], start, &[bounds; 2], &mut Rng::new(1, 0))
    }

    #[test]
    fn an_ascent_ends_higher_and_within_its_bounds() {
        let mut rng = Rng::new(3, 0);
        for second_order in [false, true] {
            for _ in 0..50 {
                // Below the top, as far as five steps do not overshoot.
                let start = [0.8 + 0.2 * rng.unit(), 0.3 * rng.unit()];
                let end = end(second_order, 5, 0.1, &start, (0.0, 1.0));
                assert!(height(&end) > height(&start), "{start:?} {end:?}");
                assert!(end.iter().all(|x| (0.0..=1.0).contains(x)), "{end:?}");
            }
            // The top lies outside along both axes.
            assert_eq!(end(second_order, 100, 0.1, &[0.5, 0.5], (0.4, 0.7)), [0.4, 0.7]);
        }
    }

    /// Curvature makes the first step one of Newton, which leads to the top of this hill.
    #[test]
    fn second_order_needs_fewer_steps_where_the_hill_bends_unevenly() {
        let start = [0.9, 0.1];
        let fewest = |second_order: bool| {
            let reaches =
                |steps: usize, size: f64| height(&end(second_order, steps, size, &start, (0.0, 1.0))) > -1e-3;
            (1..=100).find(|steps| [0.1, 0.2, 0.5, 1.0].iter().any(|size| reaches(*steps, *size)))
        };
        let (second, first) = (fewest(true).unwrap(), fewest(false).unwrap());
        println!("{second} steps with curvature, {first} by gradients alone");
        assert_eq!(second, 1);
        assert!(first > 5, "{first}");
        assert_ne!(end(true, 5, 0.1, &start, (0.0, 1.0)), end(false, 5, 0.1, &start, (0.0, 1.0)));
    }
}
