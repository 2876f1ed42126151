//! Kind `engine`: numerics of training. Unstable: its contract settles with the second engine.

use crate::PluginError;
use codebench_model::{TensorShape, WeightRole, Workload};
use serde::{Deserialize, Serialize};

/// Purpose: builds trainable networks from primitives; `plugins/training` turns any engine into an evaluator.
///
/// Call order: [`Engine::build`], then the calls of [`Network`] in any order.
///
/// Purity and threads: the same calls with the same arguments on the same build of the engine give the same bits,
/// whatever the number of threads. Randomness (initial weights, dropout) comes from the seeds in the options only. An
/// engine is shared between threads, a network is called from one thread at a time.
///
/// Units: images as the data set scales them, weights and gradients as plain f32; a loss is a mean over the mini-batch.
///
/// Errors: [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) for a workload that the engine cannot build, naming the
/// layer; [`ErrorKind::Failed`](crate::ErrorKind::Failed) for out of memory and the like.
///
/// ```
/// use codebench_api::{Engine, MiniBatch, NetworkOptions, PluginError, StepOptions};
/// use codebench_model::Workload;
///
/// /// The loss after three steps on one mini-batch.
/// fn three_steps(
///     engine: &dyn Engine,
///     workload: &Workload,
///     options: &NetworkOptions,
///     batch: &MiniBatch<'_>,
/// ) -> Result<f64, PluginError> {
///     let mut network = engine.build(workload, options)?;
///     let mut loss = f64::NAN;
///     for step in 0..3 {
///         loss = network.train_step(batch, &StepOptions { learning_rate: 1e-3, step })?.loss;
///     }
///     Ok(loss)
/// }
/// ```
///
/// Smallest built-in to copy: `plugins/trainer-burn`.
pub trait Engine: Send + Sync {
    /// A network with initial weights: Kaiming-uniform as PyTorch initialises, from `options.seed`.
    fn build(&self, workload: &Workload, options: &NetworkOptions) -> Result<Box<dyn Network>, PluginError>;
}

/// How a network is built.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NetworkOptions {
    /// Seeds the initial weights and dropout.
    pub seed: u64,
    /// `sgd`, `adam` or `adamw`.
    pub optimizer: String,
    /// Momentum of SGD.
    pub momentum: f64,
    /// Decay rates of Adam's moments.
    pub betas: [f64; 2],
    /// Weight decay (L2 for SGD and Adam, decoupled for AdamW); not applied to biases and batch norms.
    pub weight_decay: f64,
    /// Label smoothing of the cross-entropy.
    pub label_smoothing: f64,
    /// Gradients whose Euclidean norm, taken over all parameters, is larger are scaled down to it; 0 scales none.
    #[serde(default)]
    pub clip_norm: f64,
}

/// Images and labels of one step: `images` is row-major N x C x H x W.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub struct MiniBatch<'a> {
    pub images: &'a [f32],
    pub labels: &'a [u32],
    pub shape: TensorShape,
}

/// What changes from step to step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepOptions {
    /// Learning rate of this step.
    pub learning_rate: f64,
    /// Number of the step from 0: seeds dropout.
    pub step: u64,
}

/// What a training step answers. A loss that is not finite is answered as it is: the caller ends the training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepResult {
    /// Mean cross-entropy of the mini-batch before the update, smoothed as the options say.
    pub loss: f64,
    /// Images whose largest logit is their label, before the update.
    pub correct: u64,
}

/// What an evaluation pass answers.
#[derive(Debug, Clone, PartialEq)]
pub struct EvaluateResult {
    /// Row-major N x classes.
    pub logits: Vec<f32>,
}

/// What a differentiation answers.
#[derive(Debug, Clone, PartialEq)]
pub struct GradientsResult {
    /// Mean cross-entropy of the mini-batch in training mode.
    pub loss: f64,
    /// One gradient per parameter in the workload's order; zeros where the loss does not depend on it.
    pub gradients: Vec<NamedTensor>,
}

/// A weight tensor or its gradient.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct NamedTensor {
    pub name: String,
    pub role: WeightRole,
    pub shape: Vec<u64>,
    pub values: Vec<f32>,
}

/// What an optimiser knows of the steps before: with it and the weights, a training goes on as if nothing had been between.
#[derive(Debug, Clone, PartialEq)]
pub struct OptimizerState {
    /// Steps taken.
    pub steps: u64,
    /// Velocity of SGD or first moment of Adam, named and shaped as the parameter that it belongs to; zeros where one is not named.
    pub first: Vec<NamedTensor>,
    /// Second moment of Adam, likewise; empty for SGD.
    pub second: Vec<NamedTensor>,
}

/// A network under training. Called from one thread at a time.
///
/// Conventions that every engine keeps, so that a checkpoint of one goes on in another: weight tensors are named and
/// shaped as the workload names and shapes them (row-major; kernels `out x in/groups x y x x`, dense `out x in`), running
/// statistics are updated with momentum 0.1 from the mini-batch's mean and unbiased variance, and weight decay spares
/// biases and batch norms.
pub trait Network: Send {
    /// One optimiser step on one mini-batch, batch norms and dropout in training mode.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) if images, labels and shape do not fit each other or the network.
    fn train_step(&mut self, batch: &MiniBatch<'_>, step: &StepOptions) -> Result<StepResult, PluginError>;

    /// Logits with batch norms and dropout in inference mode: each image's are independent of the others. Labels are
    /// not read and may be empty.
    fn evaluate(&mut self, batch: &MiniBatch<'_>) -> Result<EvaluateResult, PluginError>;

    /// Share of values that are not zero in the output of every layer of the workload, over all images, as
    /// [`Network::evaluate`] would compute them; what a simulator makes of sparsity. Labels are not read.
    fn densities(&mut self, batch: &MiniBatch<'_>) -> Result<Vec<f64>, PluginError>;

    /// Loss and its gradients with respect to every parameter, in training mode, dropout seeded by `step`; changes
    /// nothing.
    fn gradients(&mut self, batch: &MiniBatch<'_>, step: u64) -> Result<GradientsResult, PluginError>;

    /// All weight tensors in the workload's order, running statistics included.
    fn weights(&self) -> Result<Vec<NamedTensor>, PluginError>;

    /// Replaces the named tensors; unknown names, wrong shapes and values that are not finite are errors and change
    /// nothing. The optimiser's state stays.
    fn set_weights(&mut self, weights: &[NamedTensor]) -> Result<(), PluginError>;

    /// What the optimiser knows; `None` by an engine that does not tell, whose trainings cannot go on after an interruption.
    fn optimizer_state(&self) -> Result<Option<OptimizerState>, PluginError> {
        Ok(None)
    }

    /// Puts the optimiser where `state` says. Unknown names, wrong shapes and values that are not finite are errors and
    /// change nothing. With the weights of the same moment set too, every later step gives the bits that it would have given.
    fn set_optimizer_state(&mut self, state: &OptimizerState) -> Result<(), PluginError> {
        let _ = state;
        Err(PluginError::invalid(
            "this engine does not take an optimiser's state: train from the first epoch",
        ))
    }
}
