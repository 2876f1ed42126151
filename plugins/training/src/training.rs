//! The loop: epochs of shuffled mini-batches, then one measurement per split.

use crate::data::{Part, Splits};
use crate::measure::{Measure, measure};
use crate::recipe::CheckedRecipe;
use crate::shuffle;
use codebench_sdk::api::{MiniBatch, Network, StepOptions};
use codebench_sdk::model::{Purpose, TensorShape};
use codebench_sdk::prelude::PluginError;
use std::time::Instant;

/// One training to be done.
pub(crate) struct Training<'a> {
    pub(crate) splits: &'a Splits,
    pub(crate) recipe: &'a CheckedRecipe,
    pub(crate) seed: u64,
    pub(crate) purpose: Purpose,
    /// Ends the training with an error once this many seconds have passed.
    pub(crate) wall_limit_s: Option<f64>,
}

/// What came of it: all of the weights after the last step.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) train: Measure,
    pub(crate) validation: Measure,
    /// For [`Purpose::Final`] only.
    pub(crate) test: Option<Measure>,
    pub(crate) seconds: f64,
    pub(crate) images_per_s: f64,
}

impl Training<'_> {
    /// Trains `network` and measures it.
    pub(crate) fn run(&self, network: &mut dyn Network) -> Result<Outcome, PluginError> {
        let start = Instant::now();
        let fields = self.recipe.fields();
        let count = self.splits.train().labels.len();
        let batch_size = (fields.batch_size as usize).min(count);
        let steps = fields.epochs * count.div_ceil(batch_size) as u64;
        let mut step = 0;
        for epoch in 0..fields.epochs {
            let order = shuffle::order(count, self.seed, epoch);
            for chosen in order.chunks(batch_size) {
                self.step(network, chosen, step, steps)?;
                self.check_time(start)?;
                step += 1;
            }
        }
        let training_s = start.elapsed().as_secs_f64();
        let train = self.measure(network, self.splits.train())?;
        let validation = self.measure(network, self.splits.validation())?;
        let test = self.splits.test(self.purpose).map(|part| self.measure(network, part)).transpose()?;
        Ok(Outcome {
            train,
            validation,
            test,
            seconds: start.elapsed().as_secs_f64(),
            images_per_s: (fields.epochs * count as u64) as f64 / training_s.max(1e-9),
        })
    }

    fn shape(&self) -> TensorShape {
        self.splits.shape().input
    }

    fn step(
        &self,
        network: &mut dyn Network,
        chosen: &[usize],
        step: u64,
        steps: u64,
    ) -> Result<(), PluginError> {
        let (images, labels) = self.splits.train().gather(chosen);
        let batch = MiniBatch { images: &images, labels: &labels, shape: self.shape() };
        let learning_rate = self.recipe.learning_rate(step, steps);
        let result = network.train_step(&batch, &StepOptions { learning_rate, step })?;
        if result.loss.is_finite() {
            return Ok(());
        }
        Err(PluginError::failed(format!(
            "the training diverged: the loss is {} at step {} of {steps}, at learning rate {learning_rate:.3e}; lower \
             `learning_rate` or add batch norms",
            result.loss,
            step + 1
        )))
    }

    fn check_time(&self, start: Instant) -> Result<(), PluginError> {
        match self.wall_limit_s {
            Some(limit) if start.elapsed().as_secs_f64() > limit => Err(PluginError::limit(format!(
                "the training passed its limit of {limit} s: raise `wall_s`, or train fewer epochs"
            ))),
            _ => Ok(()),
        }
    }

    fn measure(&self, network: &mut dyn Network, part: &Part) -> Result<Measure, PluginError> {
        let measured = measure(network, part, self.splits.shape(), self.recipe.fields().batch_size as usize)?;
        if measured.loss.is_finite() {
            return Ok(measured);
        }
        Err(PluginError::failed(format!(
            "the trained network gives a loss of {}: its logits overflow; lower `learning_rate` or add batch norms",
            measured.loss
        )))
    }
}
