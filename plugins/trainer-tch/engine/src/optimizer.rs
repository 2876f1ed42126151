//! SGD with momentum, Adam and AdamW on whole rows.

use crate::tensors::Tensors;
use codebench_sdk::api::NetworkOptions;
use codebench_sdk::engine::{ADAM_EPSILON, Rule, powers};
use codebench_sdk::prelude::PluginError;
use tch::{TchError, Tensor};

/// An optimiser and its state.
pub(crate) struct Optimizer {
    rule: Rule,
    momentum: f64,
    betas: [f64; 2],
    weight_decay: f64,
    clip_norm: f64,
    steps: u64,
    /// betas^steps, kept as running products.
    powers: [f64; 2],
    /// Velocity and nothing (SGD), or the two moments (Adam), from the first step on.
    state: Option<[Tensor; 2]>,
}

impl Optimizer {
    /// An optimiser without history.
    pub(crate) fn new(options: &NetworkOptions) -> Result<Optimizer, PluginError> {
        Ok(Optimizer {
            rule: Rule::named(&options.optimizer)?,
            momentum: options.momentum,
            betas: options.betas,
            weight_decay: options.weight_decay,
            clip_norm: options.clip_norm,
            steps: 0,
            powers: [1.0; 2],
            state: None,
        })
    }

    /// Steps taken, and the rows of its moments, as many as the rule has; none before the first step.
    pub(crate) fn state(&self) -> (u64, &[Tensor]) {
        let count = if self.rule == Rule::Sgd { 1 } else { 2 };
        let rows = self.state.as_ref().map_or(&[] as &[Tensor], |rows| rows.get(..count).unwrap_or_default());
        (self.steps, rows)
    }

    /// Puts it where [`Optimizer::state`] was.
    pub(crate) fn restore(&mut self, steps: u64, rows: [Tensor; 2]) {
        self.steps = steps;
        self.powers = powers(self.betas, steps);
        self.state = Some(rows);
    }

    /// One update of every trained tensor by the row of gradients, which is clipped and decayed in place. After an error neither the
    /// tensors nor the optimiser are those of a step: nothing may be computed with them.
    pub(crate) fn step(&mut self, tensors: &mut Tensors, rate: f64) -> Result<(), TchError> {
        let _guard = tch::no_grad_guard();
        clip(&mut tensors.gradient, self.clip_norm)?;
        if self.weight_decay > 0.0 && self.rule != Rule::AdamW {
            let decay = tensors.row.f_narrow(0, 0, tensors.decayed)?.f_mul_scalar(self.weight_decay)?;
            let _ = tensors.gradient.f_narrow(0, 0, tensors.decayed)?.f_add_(&decay)?;
        }
        let mut state = match self.state.take() {
            Some(state) => state,
            None => [tensors.row.f_zeros_like()?, tensors.row.f_zeros_like()?],
        };
        self.steps += 1;
        for (power, beta) in self.powers.iter_mut().zip(self.betas) {
            *power *= beta;
        }
        match self.rule {
            Rule::Sgd => self.sgd(tensors, &mut state[0], rate)?,
            Rule::Adam | Rule::AdamW => self.adam(tensors, &mut state, rate)?,
        }
        self.state = Some(state);
        Ok(())
    }

    fn sgd(&self, tensors: &mut Tensors, velocity: &mut Tensor, rate: f64) -> Result<(), TchError> {
        let _ = velocity.f_mul_scalar_(self.momentum)?.f_add_(&tensors.gradient)?;
        let _ = tensors.row.f_sub_(&velocity.f_mul_scalar(rate)?)?;
        Ok(())
    }

    fn adam(&self, tensors: &mut Tensors, moments: &mut [Tensor; 2], rate: f64) -> Result<(), TchError> {
        let [first, second] = moments;
        let [beta1, beta2] = self.betas;
        let gradient = &tensors.gradient;
        let _ = first.f_mul_scalar_(beta1)?.f_add_(&gradient.f_mul_scalar(1.0 - beta1)?)?;
        let _ = second.f_mul_scalar_(beta2)?.f_addcmul_(&gradient.f_mul_scalar(1.0 - beta2)?, gradient)?;
        let mut divisor = second.f_sqrt()?;
        let _ = divisor.f_div_scalar_((1.0 - self.powers[1]).sqrt())?.f_add_scalar_(ADAM_EPSILON)?;
        if self.weight_decay > 0.0 && self.rule == Rule::AdamW {
            let shrink = 1.0 - rate * self.weight_decay;
            let _ = tensors.row.f_narrow(0, 0, tensors.decayed)?.f_mul_scalar_(shrink)?;
        }
        let step = first.f_mul_scalar(-rate / (1.0 - self.powers[0]))?;
        let _ = tensors.row.f_addcdiv_(&step, &divisor)?;
        Ok(())
    }
}

/// Scales all gradients by one factor so that their common norm is at most `largest`, unless that is 0.
fn clip(gradient: &mut Tensor, largest: f64) -> Result<(), TchError> {
    if largest > 0.0 {
        let norm = gradient.f_norm()?.f_double_value(&[])?;
        if norm > largest {
            let _ = gradient.f_mul_scalar_(largest / norm)?;
        }
    }
    Ok(())
}
