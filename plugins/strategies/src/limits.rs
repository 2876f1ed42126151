//! Constraints, learned by a surrogate of their own.

use crate::warp::normal_probability;
use codebench_sdk::math;
use codebench_sdk::prelude::*;

/// Learns how much candidates break the constraints.
pub(crate) struct Limits {
    surrogate: Box<dyn Surrogate>,
    /// What a prediction must lie below to count as kept; `None` while nothing has broken a constraint.
    threshold: Option<f64>,
}

impl Limits {
    pub(crate) fn new(surrogate: Box<dyn Surrogate>) -> Limits {
        Limits { surrogate, threshold: None }
    }

    /// Learns violations, of which 0 keeps the constraints. Roots are learned, for which the step from kept to broken is steep.
    pub(crate) fn learn(&mut self, rows: &[f64], violations: &[f64]) {
        let roots: Vec<f64> = violations.iter().map(|v| math::sqrt(v.max(0.0))).collect();
        let least = roots.iter().copied().filter(|root| *root > 0.0).fold(f64::INFINITY, f64::min);
        let learned = least.is_finite() && self.surrogate.fit(rows, &roots).is_ok();
        self.threshold = learned.then_some(0.5 * least);
    }

    /// Per row the probability that the constraints are kept.
    pub(crate) fn probabilities(&self, rows: &[f64], count: usize) -> Option<Vec<f64>> {
        let threshold = self.threshold?;
        let prediction = self.surrogate.predict(rows, count).ok()?;
        let deviations = prediction.epistemic.iter().zip(&prediction.aleatoric);
        let probability = |(mean, (epistemic, aleatoric)): (&f64, (&f64, &f64))| {
            let deviation = math::sqrt(epistemic * epistemic + aleatoric * aleatoric).max(1e-9);
            normal_probability((threshold - mean) / deviation)
        };
        let all: Vec<f64> = prediction.mean.iter().zip(deviations).map(probability).collect();
        (all.len() == count && all.iter().all(|p| p.is_finite())).then_some(all)
    }
}
