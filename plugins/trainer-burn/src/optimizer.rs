//! SGD with momentum, Adam and AdamW in plain loops: one order of operations, state of this network only.

use codebench_sdk::api::{NamedTensor, NetworkOptions};
use codebench_sdk::engine::{ADAM_EPSILON, Rule, powers};
use codebench_sdk::model::WeightRole;
use codebench_sdk::prelude::PluginError;

/// An optimiser and its state.
#[derive(Debug, Clone)]
pub(crate) struct Optimizer {
    rule: Rule,
    momentum: f32,
    betas: [f64; 2],
    weight_decay: f32,
    clip_norm: f64,
    steps: u64,
    /// betas^steps, kept as running products.
    powers: [f64; 2],
    /// Velocity (SGD) or first moment (Adam), per weight tensor.
    first: Vec<Vec<f32>>,
    /// Second moment (Adam), per weight tensor.
    second: Vec<Vec<f32>>,
}

impl Optimizer {
    /// An optimiser without history.
    pub(crate) fn new(options: &NetworkOptions) -> Result<Optimizer, PluginError> {
        Ok(Optimizer {
            rule: Rule::named(&options.optimizer)?,
            momentum: options.momentum as f32,
            betas: options.betas,
            weight_decay: options.weight_decay as f32,
            clip_norm: options.clip_norm,
            steps: 0,
            powers: [1.0; 2],
            first: Vec::new(),
            second: Vec::new(),
        })
    }

    /// Steps taken, and the moments per weight tensor; none before the first step.
    pub(crate) fn state(&self) -> (u64, [Vec<Vec<f32>>; 2]) {
        (self.steps, [self.first.clone(), self.second.clone()])
    }

    /// Puts it where [`Optimizer::state`] was.
    pub(crate) fn restore(&mut self, steps: u64, [first, second]: [Vec<Vec<f32>>; 2]) {
        self.steps = steps;
        self.powers = powers(self.betas, steps);
        self.second = if self.rule == Rule::Sgd { Vec::new() } else { second };
        self.first = first;
    }

    /// One update of every trained tensor; `gradients` stand in the order of `tensors`, `None` for running statistics and
    /// for tensors that the loss does not depend on. Gradients are clipped in place first.
    pub(crate) fn step(
        &mut self,
        tensors: &mut [NamedTensor],
        gradients: &mut [Option<Vec<f32>>],
        rate: f64,
    ) {
        clip(gradients, self.clip_norm);
        if self.first.is_empty() {
            self.first = tensors.iter().map(|t| vec![0.0; t.values.len()]).collect();
            if self.rule != Rule::Sgd {
                self.second = self.first.clone();
            }
        }
        self.steps += 1;
        for (power, beta) in self.powers.iter_mut().zip(self.betas) {
            *power *= beta;
        }
        for (index, (tensor, gradient)) in tensors.iter_mut().zip(gradients.iter()).enumerate() {
            let Some(gradient) = gradient else { continue };
            // Biases and batch norms are not decayed.
            let decay = if tensor.role == WeightRole::Weight { self.weight_decay } else { 0.0 };
            match self.rule {
                Rule::Sgd => self.sgd(index, &mut tensor.values, gradient, rate as f32, decay),
                Rule::Adam | Rule::AdamW => self.adam(index, &mut tensor.values, gradient, rate, decay),
            }
        }
    }

    fn sgd(&mut self, index: usize, values: &mut [f32], gradient: &[f32], rate: f32, decay: f32) {
        let velocity = &mut self.first[index];
        for ((value, velocity), gradient) in values.iter_mut().zip(velocity).zip(gradient) {
            *velocity = self.momentum * *velocity + (gradient + decay * *value);
            *value -= rate * *velocity;
        }
    }

    fn adam(&mut self, index: usize, values: &mut [f32], gradient: &[f32], rate: f64, decay: f32) {
        let [beta1, beta2] = self.betas.map(|beta| beta as f32);
        // Taken before rounding: 1 - 0.999 in f32 is off by 10^-5.
        let [share1, share2] = self.betas.map(|beta| (1.0 - beta) as f32);
        let step = (rate / (1.0 - self.powers[0])) as f32;
        let correction = (1.0 - self.powers[1]).sqrt() as f32;
        let (shrink, l2) = match self.rule {
            Rule::AdamW => (1.0 - rate as f32 * decay, 0.0),
            _ => (1.0, decay),
        };
        let moments = self.first[index].iter_mut().zip(&mut self.second[index]);
        for ((value, (first, second)), gradient) in values.iter_mut().zip(moments).zip(gradient) {
            let gradient = gradient + l2 * *value;
            *first = beta1 * *first + share1 * gradient;
            *second = beta2 * *second + share2 * gradient * gradient;
            *value = shrink * *value - step * *first / (second.sqrt() / correction + ADAM_EPSILON as f32);
        }
    }
}

/// Scales all gradients by one factor so that their common norm is at most `largest`, unless that is 0.
fn clip(gradients: &mut [Option<Vec<f32>>], largest: f64) {
    let squares = gradients.iter().flatten().flatten().map(|g| f64::from(*g) * f64::from(*g));
    let norm = squares.sum::<f64>().sqrt();
    if largest > 0.0 && norm > largest {
        let factor = (largest / norm) as f32;
        gradients.iter_mut().flatten().flatten().for_each(|gradient| *gradient *= factor);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(optimizer: &str) -> NetworkOptions {
        NetworkOptions {
            seed: 0,
            optimizer: optimizer.into(),
            momentum: 0.9,
            betas: [0.9, 0.999],
            weight_decay: 0.1,
            label_smoothing: 0.0,
            clip_norm: 0.0,
        }
    }

    /// Two steps with gradient 0.5 at rate 0.1 from weight 1, by the published formulas in f64.
    fn two_steps(optimizer: &str, role: WeightRole) -> f32 {
        let mut tensors = vec![NamedTensor { name: "w".into(), role, shape: vec![1], values: vec![1.0] }];
        let mut optimizer = Optimizer::new(&options(optimizer)).unwrap();
        for _ in 0..2 {
            optimizer.step(&mut tensors, &mut [Some(vec![0.5])], 0.1);
        }
        tensors[0].values[0]
    }

    fn assert_close(got: f32, expected: f64) {
        assert!((f64::from(got) - expected).abs() < 1e-6, "{got} against {expected}");
    }

    #[test]
    fn rules_follow_their_formulas() {
        // SGD: v1 = 0.6, w1 = 0.94; v2 = 0.54 + 0.594, w2 = 0.94 - 0.1134.
        assert_close(two_steps("sgd", WeightRole::Weight), 0.8266);
        // Without decay: v1 = 0.5, w1 = 0.95; v2 = 0.95, w2 = 0.855.
        assert_close(two_steps("sgd", WeightRole::Bias), 0.855);
        // AdamW with a constant gradient moves by the rate after shrinking by 1 - 0.1 * 0.1.
        assert_close(two_steps("adamw", WeightRole::Weight), (1.0 * 0.99 - 0.1) * 0.99 - 0.1);
        assert_close(two_steps("adam", WeightRole::Gamma), 0.8);
        // Adam with L2: gradients 0.6 and 0.5 + 0.1 w1, moments bias-corrected.
        let w1 = 1.0 - 0.1;
        let g = [0.6, 0.5 + 0.1 * w1];
        let m = (0.9 * 0.1 * g[0] + 0.1 * g[1]) / (1.0 - 0.81);
        let v: f64 = (0.999 * 0.001 * g[0] * g[0] + 0.001 * g[1] * g[1]) / (1.0 - 0.999 * 0.999);
        assert_close(two_steps("adam", WeightRole::Weight), w1 - 0.1 * m / v.sqrt());
    }

    #[test]
    fn gradients_are_clipped_by_their_common_norm() {
        let clipped = |largest| {
            let mut gradients = [Some(vec![3.0]), None, Some(vec![0.0, 4.0])];
            clip(&mut gradients, largest);
            gradients.into_iter().flatten().flatten().collect::<Vec<f32>>()
        };
        assert_eq!(clipped(0.0), [3.0, 0.0, 4.0]);
        assert_eq!(clipped(5.0), [3.0, 0.0, 4.0]);
        assert_eq!(clipped(2.5), [1.5, 0.0, 2.0]);
    }
}
