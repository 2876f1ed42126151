//! A network under training.

use crate::device::{Target, guarded};
use crate::forward::{self, LayerWeights, Mode, Statistics};
use crate::loss;
use crate::optimizer::Optimizer;
use burn::tensor::{Device, Tensor, TensorData};
use codebench_sdk::api::{
    EvaluateResult, GradientsResult, MiniBatch, NamedTensor, Network, NetworkOptions, OptimizerState,
    StepOptions, StepResult,
};
use codebench_sdk::engine::{
    Plan, STATISTICS_MOMENTUM, Weights, check_batch, check_memory, correct, keep_memory, weights_values,
};
use codebench_sdk::model::{TensorShape, Workload};
use codebench_sdk::prelude::PluginError;

/// A workload with weights and an optimiser's state.
pub(crate) struct BurnNetwork {
    plan: Plan,
    weights: Weights,
    shapes: Vec<Vec<usize>>,
    optimizer: Optimizer,
    seed: u64,
    label_smoothing: f64,
    target: Target,
    memory_bytes: u64,
}

/// What a pass in training mode answers.
struct Trained {
    loss: f64,
    correct: u64,
    gradients: Vec<Option<Vec<f32>>>,
    statistics: Vec<Statistics>,
}

impl BurnNetwork {
    pub(crate) fn new(
        workload: &Workload,
        options: &NetworkOptions,
        target: Target,
        memory_bytes: u64,
    ) -> Result<BurnNetwork, PluginError> {
        keep_memory();
        let plan = Plan::new(workload)?;
        let optimizer = Optimizer::new(options)?;
        // Weights, gradients and the optimiser's two moments.
        let values = weights_values(workload).saturating_mul(4);
        check_memory(values, memory_bytes, "the weights and the optimizer's state")?;
        let weights = Weights::initial(workload, options.seed)?;
        let shapes =
            weights.all().iter().map(|t| t.shape.iter().map(|extent| *extent as usize).collect()).collect();
        let (seed, label_smoothing) = (options.seed, options.label_smoothing);
        Ok(BurnNetwork { plan, weights, shapes, optimizer, seed, label_smoothing, target, memory_bytes })
    }

    fn images(&self, batch: &MiniBatch<'_>, count: usize, device: &Device) -> Tensor<4> {
        let TensorShape { channels, height, width } = batch.shape;
        let shape = [count, channels as usize, height as usize, width as usize];
        Tensor::from_data(TensorData::new(batch.images.to_vec(), shape), device)
    }

    /// Weights as flat tensors; trained ones ask for gradients if `track`.
    fn tensors(&self, device: &Device, track: bool) -> Vec<Tensor<1>> {
        self.weights
            .all()
            .iter()
            .map(|t| {
                let tensor =
                    Tensor::<1>::from_data(TensorData::new(t.values.clone(), [t.values.len()]), device);
                if track && t.role.is_parameter() { tensor.require_grad() } else { tensor }
            })
            .collect()
    }

    /// Forward and backward in training mode; changes nothing.
    fn differentiate(&self, batch: &MiniBatch<'_>, step: u64) -> Result<Trained, PluginError> {
        let count = check_batch(&self.plan, batch, true, self.memory_bytes)?;
        guarded(|| self.differentiated(batch, count, step))
    }

    fn differentiated(&self, batch: &MiniBatch<'_>, count: usize, step: u64) -> Result<Trained, PluginError> {
        let target = self.target.autodiff();
        let device = &target.device;
        let tensors = self.tensors(device, true);
        let weights = LayerWeights::new(&tensors, &self.shapes);
        let images = self.images(batch, count, device);
        let mode = Mode::Train { seed: self.seed, step };
        let pass = forward::run(&self.plan, &weights, images, mode, &target, |_| ());
        let correct = correct(&values(pass.logits.clone())?, batch.labels, self.plan.classes);
        let loss = loss::cross_entropy(pass.logits, batch.labels, self.label_smoothing, device);
        let value = values(loss.clone())?.first().copied().unwrap_or(f32::NAN);
        let mut gradients = loss.backward();
        let gradients = tensors
            .iter()
            .map(|tensor| tensor.grad_remove(&mut gradients).map(values).transpose())
            .collect::<Result<_, _>>()?;
        Ok(Trained { loss: f64::from(value), correct, gradients, statistics: pass.statistics })
    }

    /// Forward in inference mode: the logits; `watch` sees the output of every layer.
    fn infer(&self, batch: &MiniBatch<'_>, watch: impl FnMut(&Tensor<4>)) -> Result<Vec<f32>, PluginError> {
        let count = check_batch(&self.plan, batch, false, self.memory_bytes)?;
        guarded(|| {
            let tensors = self.tensors(&self.target.device, false);
            let weights = LayerWeights::new(&tensors, &self.shapes);
            let images = self.images(batch, count, &self.target.device);
            let pass = forward::run(&self.plan, &weights, images, Mode::Inference, &self.target, watch);
            values(pass.logits)
        })
    }

    /// Running statistics move towards the mini-batch's; the variance is the unbiased one, except for a single value.
    fn update_statistics(&mut self, statistics: Vec<Statistics>) -> Result<(), PluginError> {
        for seen in statistics {
            let unbiased = if seen.count > 1 { seen.count as f32 / (seen.count - 1) as f32 } else { 1.0 };
            let rows = [(2, values(seen.mean)?, 1.0), (3, values(seen.variance)?, unbiased)];
            for (offset, row, factor) in rows {
                let running = &mut self.weights.all_mut()[seen.first_weight + offset].values;
                for (running, value) in running.iter_mut().zip(row) {
                    *running += STATISTICS_MOMENTUM as f32 * (factor * value - *running);
                }
            }
        }
        Ok(())
    }
}

fn values<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, PluginError> {
    let data = tensor.try_into_data().map_err(|e| PluginError::failed(format!("burn: {e}")))?;
    data.try_into_vec::<f32>().map_err(|e| PluginError::failed(format!("burn gave no f32 values: {e:?}")))
}

/// Share of values that are not zero.
fn density(values: &[f32]) -> f64 {
    values.iter().filter(|value| **value != 0.0).count() as f64 / values.len().max(1) as f64
}

impl Network for BurnNetwork {
    fn train_step(&mut self, batch: &MiniBatch<'_>, step: &StepOptions) -> Result<StepResult, PluginError> {
        let mut trained = self.differentiate(batch, step.step)?;
        self.optimizer.step(self.weights.all_mut(), &mut trained.gradients, step.learning_rate);
        self.update_statistics(trained.statistics)?;
        Ok(StepResult { loss: trained.loss, correct: trained.correct })
    }

    fn evaluate(&mut self, batch: &MiniBatch<'_>) -> Result<EvaluateResult, PluginError> {
        Ok(EvaluateResult { logits: self.infer(batch, |_| ())? })
    }

    fn densities(&mut self, batch: &MiniBatch<'_>) -> Result<Vec<f64>, PluginError> {
        let mut densities = Vec::with_capacity(self.plan.layers.len());
        self.infer(batch, |output| densities.push(values(output.clone()).map(|values| density(&values))))?;
        densities.into_iter().collect()
    }

    fn gradients(&mut self, batch: &MiniBatch<'_>, step: u64) -> Result<GradientsResult, PluginError> {
        let trained = self.differentiate(batch, step)?;
        let gradients = self.weights.named_gradients(trained.gradients);
        Ok(GradientsResult { loss: trained.loss, gradients })
    }

    fn weights(&self) -> Result<Vec<NamedTensor>, PluginError> {
        Ok(self.weights.all().to_vec())
    }

    fn set_weights(&mut self, weights: &[NamedTensor]) -> Result<(), PluginError> {
        self.weights.replace(weights)
    }

    fn optimizer_state(&self) -> Result<Option<OptimizerState>, PluginError> {
        let (steps, moments) = self.optimizer.state();
        let [first, second] =
            moments.map(|rows| self.weights.named_gradients(rows.into_iter().map(Some).collect()));
        Ok(Some(OptimizerState { steps, first, second }))
    }

    fn set_optimizer_state(&mut self, state: &OptimizerState) -> Result<(), PluginError> {
        let moments = [self.weights.rows(&state.first)?, self.weights.rows(&state.second)?];
        self.optimizer.restore(state.steps, moments);
        Ok(())
    }
}
