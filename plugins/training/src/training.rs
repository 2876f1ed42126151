//! The loop: epochs of shuffled mini-batches, then one measurement per split.

use crate::augment::Augmentation;
use crate::data::{Part, Splits};
use crate::measure::{Measure, densities, measure};
use crate::recipe::{CheckedRecipe, Progress};
use crate::shuffle;
use codebench_sdk::api::{Engine, MiniBatch, Network, NetworkOptions, StepOptions, StepResult};
use codebench_sdk::model::{DataShape, Purpose, Recipe, TensorShape, Workload};
use codebench_sdk::prelude::PluginError;
use codebench_sdk::space::rng::Rng;
use serde::{Deserialize, Serialize};
use std::time::Instant;

/// Streams of the seed's generator that belong to augmentation: this one and the next 2^32, one a step.
const STREAM: u64 = 0x6175_676d << 32;

/// One training to be done.
#[derive(Debug)]
pub struct Training<'a> {
    /// The data.
    pub splits: &'a Splits,
    /// How.
    pub recipe: &'a CheckedRecipe,
    /// Decides initial weights, the order of images, augmentation and dropout.
    pub seed: u64,
    /// The test split is measured for [`Purpose::Final`] only.
    pub purpose: Purpose,
    /// Ends the training with an error once this many seconds have passed.
    pub wall_limit_s: Option<f64>,
}

/// How far a training is after an epoch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Epoch {
    /// Epochs done.
    pub done: u64,
    /// Epochs of the recipe.
    pub epochs: u64,
    /// Mean loss of the epoch's steps, each before its update.
    pub loss: f64,
    /// Share of the epoch's images that were told apart, each before its update.
    pub accuracy: f64,
    /// Whether the training ends here.
    pub is_last: bool,
}

/// Where a training stands after whole epochs, beside the weights and the optimiser's state.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Standing {
    /// Epochs done.
    pub epochs: u64,
    patience: Patience,
}

/// What came of it: all of the weights after the last step.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// On the training split.
    pub train: Measure,
    /// On the validation split.
    pub validation: Measure,
    /// For [`Purpose::Final`] only.
    pub test: Option<Measure>,
    /// Epochs done: fewer than the recipe's if its patience ended.
    pub epochs: u64,
    /// Share of values that are not zero in each layer's output, over the validation split.
    pub densities: Vec<f64>,
    /// Wall clock, measurements included.
    pub seconds: f64,
    /// Training images per second of wall clock.
    pub images_per_s: f64,
}

impl Training<'_> {
    /// A network of `engine` for `workload`, with initial weights.
    ///
    /// # Errors
    /// A network that does not read these images or tell these classes apart, or that the engine cannot build.
    pub fn network(&self, engine: &dyn Engine, workload: &Workload) -> Result<Box<dyn Network>, PluginError> {
        check_fit(workload, self.splits.shape())?;
        engine.build(workload, &options(self.recipe.fields(), self.seed))
    }

    /// Trains `network`, which stands where `from` says, and measures it; `watch` is told after every epoch.
    ///
    /// # Errors
    /// A loss that is not finite, the time limit, and what the engine and `watch` err with.
    pub fn run(
        &self,
        network: &mut dyn Network,
        from: Standing,
        mut watch: impl FnMut(&Epoch, &Standing, &dyn Network) -> Result<(), PluginError>,
    ) -> Result<Outcome, PluginError> {
        let start = Instant::now();
        let fields = self.recipe.fields();
        let count = self.splits.train().len();
        let mut standing = from;
        while standing.epochs < fields.epochs && !standing.patience.is_over(fields.patience) {
            let mut seen = self.epoch(network, standing.epochs, start)?;
            standing.epochs += 1;
            if fields.patience > 0 {
                standing.patience.saw(self.measure(network, self.splits.validation())?.loss);
            }
            seen.is_last = standing.epochs == fields.epochs || standing.patience.is_over(fields.patience);
            watch(&seen, &standing, network)?;
        }
        let training_s = start.elapsed().as_secs_f64();
        let train = self.measure(network, self.splits.train())?;
        let validation = self.measure(network, self.splits.validation())?;
        let densities =
            densities(network, self.splits.validation(), self.splits.shape(), fields.batch_size as usize)?;
        let test = self.splits.test(self.purpose).map(|part| self.measure(network, part)).transpose()?;
        Ok(Outcome {
            train,
            validation,
            test,
            epochs: standing.epochs,
            densities,
            seconds: start.elapsed().as_secs_f64(),
            images_per_s: ((standing.epochs - from.epochs) * count as u64) as f64 / training_s.max(1e-9),
        })
    }

    /// All steps of one epoch.
    fn epoch(&self, network: &mut dyn Network, epoch: u64, start: Instant) -> Result<Epoch, PluginError> {
        let fields = self.recipe.fields();
        let count = self.splits.train().len();
        let batch_size = (fields.batch_size as usize).min(count);
        let steps_per_epoch = count.div_ceil(batch_size) as u64;
        let order = shuffle::order(count, self.seed, epoch);
        let (mut loss, mut correct) = (0.0, 0);
        for (step, chosen) in (epoch * steps_per_epoch..).zip(order.chunks(batch_size)) {
            let progress = Progress { step, steps_per_epoch, epochs: fields.span() };
            let seen = self.step(network, chosen, progress)?;
            loss += seen.loss * chosen.len() as f64;
            correct += seen.correct;
            self.check_time(start)?;
        }
        let images = count as f64;
        let (loss, accuracy) = (loss / images, correct as f64 / images);
        Ok(Epoch { done: epoch + 1, epochs: fields.epochs, loss, accuracy, is_last: false })
    }

    fn shape(&self) -> TensorShape {
        self.splits.shape().input
    }

    fn step(
        &self,
        network: &mut dyn Network,
        chosen: &[usize],
        progress: Progress,
    ) -> Result<StepResult, PluginError> {
        let step = progress.step;
        let augmentation = Augmentation::of(self.recipe.fields());
        let mut random = Rng::new(self.seed, STREAM + step);
        let (images, labels) = self.splits.train().gather(chosen, &augmentation, &mut random);
        let batch = MiniBatch { images: &images, labels: &labels, shape: self.shape() };
        let learning_rate = self.recipe.learning_rate(progress);
        let result = network.train_step(&batch, &StepOptions { learning_rate, step })?;
        if result.correct > chosen.len() as u64 {
            let (correct, images) = (result.correct, chosen.len());
            return Err(PluginError::contract(format!("the engine told {correct} of {images} images apart")));
        }
        if result.loss.is_finite() {
            return Ok(result);
        }
        Err(PluginError::failed(format!(
            "the training diverged: the loss is {} at step {} of {}, at learning rate {learning_rate:.3e}; lower \
             `learning_rate` or add batch norms",
            result.loss,
            step + 1,
            progress.steps_per_epoch * progress.epochs
        )))
    }

    fn check_time(&self, start: Instant) -> Result<(), PluginError> {
        match self.wall_limit_s {
            Some(limit) if start.elapsed().as_secs_f64() > limit => Err(PluginError::limit(format!(
                "the training passed its limit of {limit} s: raise the time limit, or train fewer epochs"
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

fn options(recipe: &Recipe, seed: u64) -> NetworkOptions {
    NetworkOptions {
        seed,
        optimizer: recipe.optimizer.clone(),
        momentum: recipe.momentum,
        betas: recipe.betas,
        weight_decay: recipe.weight_decay,
        label_smoothing: recipe.label_smoothing,
        clip_norm: recipe.clip_norm,
    }
}

/// The network reads the data set's images and tells its classes apart.
pub(crate) fn check_fit(workload: &Workload, data: &DataShape) -> Result<(), PluginError> {
    let shape =
        |id: usize| {
            workload.tensors.get(id).copied().ok_or_else(|| {
                PluginError::invalid(format!("the workload names tensor {id}, which it lacks"))
            })
        };
    let (input, output) = (shape(workload.input)?, shape(workload.output)?);
    if input != data.input || output.elements() != Some(data.classes) {
        return Err(PluginError::invalid(format!(
            "the CNN turns images of {input} into {} values, but the data set has images of {} in {} classes",
            output.elements().unwrap_or(u64::MAX),
            data.input,
            data.classes
        )));
    }
    Ok(())
}

/// Ends a training that has stopped getting better.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
struct Patience {
    /// The lowest validation loss, once there is one.
    lowest: Option<f64>,
    /// Epochs since.
    since: u64,
}

impl Patience {
    fn saw(&mut self, loss: f64) {
        if self.lowest.is_none_or(|lowest| loss < lowest) {
            (self.lowest, self.since) = (Some(loss), 0);
        } else {
            self.since += 1;
        }
    }

    /// Whether `allowed` epochs have passed without a lower loss; 0 bears all.
    fn is_over(&self, allowed: u64) -> bool {
        allowed > 0 && self.since >= allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_counts_epochs_since_the_lowest_loss() {
        let epochs_until_over = |allowed: u64, losses: &[f64]| {
            let mut patience = Patience::default();
            losses
                .iter()
                .take_while(|loss| {
                    let goes_on = !patience.is_over(allowed);
                    patience.saw(**loss);
                    goes_on
                })
                .count()
        };
        let losses = [3.0, 2.0, 2.5, 1.0, 1.0, 1.5, 0.5];
        assert_eq!([0, 1, 2, 3].map(|allowed| epochs_until_over(allowed, &losses)), [7, 3, 6, 7]);
    }
}
