//! A network under training.

use crate::Settings;
use crate::error::failed;
use crate::forward::{self, Mode};
use crate::optimizer::Optimizer;
use crate::tensors::{Tensors, values};
use codebench_sdk::engine::{Plan, Weights, check_batch, check_memory, correct, keep_memory, weights_values};
use codebench_sdk::model::{TensorShape, Workload};
use codebench_sdk::prelude::{
    EvaluateResult, GradientsResult, MiniBatch, NamedTensor, Network, NetworkOptions, OptimizerState,
    PluginError, StepOptions, StepResult,
};
use tch::{Reduction, TchError, Tensor};

/// Labels that count for nothing: none, since every label is checked.
const NO_LABEL: i64 = -100;

/// A workload with weights and an optimiser's state.
pub(crate) struct TorchNetwork {
    plan: Plan,
    /// Names, roles and shapes; the values are in `tensors`.
    names: Weights,
    tensors: Tensors,
    optimizer: Optimizer,
    settings: Settings,
    seed: u64,
    label_smoothing: f64,
    /// A step failed half way: neither weights nor moments are those of whole steps.
    is_torn: bool,
}

impl TorchNetwork {
    pub(crate) fn new(
        workload: &Workload,
        options: &NetworkOptions,
        settings: Settings,
    ) -> Result<TorchNetwork, PluginError> {
        keep_memory();
        let plan = Plan::new(workload)?;
        let optimizer = Optimizer::new(options)?;
        // Weights, gradients and the optimiser's two moments.
        let values = weights_values(workload).saturating_mul(4);
        check_memory(values, settings.memory_bytes, "the weights and the optimizer's state")?;
        let mut names = Weights::initial(workload, options.seed)?;
        settings.claim_threads();
        let tensors = Tensors::new(&plan, &names, settings.device).map_err(failed)?;
        names.all_mut().iter_mut().for_each(|tensor| tensor.values = Vec::new());
        let (seed, label_smoothing) = (options.seed, options.label_smoothing);
        let is_torn = false;
        Ok(TorchNetwork { plan, names, tensors, optimizer, settings, seed, label_smoothing, is_torn })
    }

    /// No step failed half way.
    fn check_whole(&self) -> Result<(), PluginError> {
        match self.is_torn {
            true => Err(PluginError::failed(
                "a step of this network failed half way, and its weights are those of no step: build it anew",
            )),
            false => Ok(()),
        }
    }

    fn check(&self, batch: &MiniBatch<'_>, labelled: bool) -> Result<i64, PluginError> {
        self.check_whole()?;
        self.settings.claim_threads();
        Ok(check_batch(&self.plan, batch, labelled, self.settings.memory_bytes)? as i64)
    }

    fn images(&self, batch: &MiniBatch<'_>, count: i64) -> Result<Tensor, TchError> {
        let TensorShape { channels, height, width } = batch.shape;
        let size = [count, channels as i64, height as i64, width as i64];
        Tensor::f_from_slice(batch.images)?.f_reshape(size)?.f_to_device(self.settings.device)
    }

    /// Forward and backward in training mode: gradients are left in their row.
    fn differentiate(
        &mut self,
        batch: &MiniBatch<'_>,
        step: u64,
        moves_statistics: bool,
    ) -> Result<StepResult, PluginError> {
        let count = self.check(batch, true)?;
        let mode = Mode::Train { seed: self.seed, step, moves_statistics };
        let passed = tch::with_grad(|| {
            let images = self.images(batch, count)?;
            let logits = forward::run(&self.plan, self.tensors.all(), images, mode, |_| Ok(()))?;
            let labels: Vec<i64> = batch.labels.iter().map(|label| i64::from(*label)).collect();
            let labels = Tensor::f_from_slice(&labels)?.f_to_device(self.settings.device)?;
            let (mean, smoothing) = (Reduction::Mean, self.label_smoothing);
            let loss = logits.f_cross_entropy_loss::<Tensor>(&labels, None, mean, NO_LABEL, smoothing)?;
            self.tensors.differentiate(&loss)?;
            Ok((values(&logits.f_detach()?)?, loss.f_double_value(&[])?))
        });
        self.is_torn |= passed.is_err() && moves_statistics;
        let (logits, loss) = passed.map_err(failed)?;
        Ok(StepResult { loss, correct: correct(&logits, batch.labels, self.plan.classes) })
    }

    /// Forward in inference mode; `watch` sees the output of every layer.
    fn infer(
        &self,
        batch: &MiniBatch<'_>,
        watch: impl FnMut(&Tensor) -> Result<(), TchError>,
    ) -> Result<Vec<f32>, PluginError> {
        let count = self.check(batch, false)?;
        let _guard = tch::no_grad_guard();
        let logits = self
            .images(batch, count)
            .and_then(|images| forward::run(&self.plan, self.tensors.all(), images, Mode::Inference, watch));
        logits.and_then(|logits| values(&logits)).map_err(failed)
    }
}

impl Network for TorchNetwork {
    fn train_step(&mut self, batch: &MiniBatch<'_>, step: &StepOptions) -> Result<StepResult, PluginError> {
        let result = self.differentiate(batch, step.step, true)?;
        let stepped = self.optimizer.step(&mut self.tensors, step.learning_rate);
        self.is_torn |= stepped.is_err();
        stepped.map_err(failed)?;
        Ok(result)
    }

    fn evaluate(&mut self, batch: &MiniBatch<'_>) -> Result<EvaluateResult, PluginError> {
        Ok(EvaluateResult { logits: self.infer(batch, |_| Ok(()))? })
    }

    fn densities(&mut self, batch: &MiniBatch<'_>) -> Result<Vec<f64>, PluginError> {
        let mut densities = Vec::with_capacity(self.plan.layers.len());
        self.infer(batch, |output| {
            let not_zero = output.f_count_nonzero(None)?.f_int64_value(&[])?;
            densities.push(not_zero as f64 / output.numel().max(1) as f64);
            Ok(())
        })?;
        Ok(densities)
    }

    fn gradients(&mut self, batch: &MiniBatch<'_>, step: u64) -> Result<GradientsResult, PluginError> {
        let loss = self.differentiate(batch, step, false)?.loss;
        let gradients = self.tensors.gradients().map_err(failed)?;
        Ok(GradientsResult { loss, gradients: self.names.named_gradients(gradients) })
    }

    fn weights(&self) -> Result<Vec<NamedTensor>, PluginError> {
        self.check_whole()?;
        self.settings.claim_threads();
        let named = self.names.all().iter().zip(self.tensors.all());
        named
            .map(|(name, tensor)| Ok(NamedTensor { values: values(&tensor.f_detach()?)?, ..name.clone() }))
            .collect::<Result<_, TchError>>()
            .map_err(failed)
    }

    fn set_weights(&mut self, weights: &[NamedTensor]) -> Result<(), PluginError> {
        self.settings.claim_threads();
        let targets = self.names.locate(weights)?;
        for (tensor, index) in weights.iter().zip(targets) {
            self.tensors.set(index, &tensor.values).map_err(failed)?;
        }
        Ok(())
    }

    fn optimizer_state(&self) -> Result<Option<OptimizerState>, PluginError> {
        self.check_whole()?;
        self.settings.claim_threads();
        let (steps, rows) = self.optimizer.state();
        let named = |row: Option<&Tensor>| -> Result<Vec<NamedTensor>, PluginError> {
            let Some(row) = row else { return Ok(Vec::new()) };
            Ok(self.names.named_gradients(self.tensors.split(row).map_err(failed)?))
        };
        Ok(Some(OptimizerState { steps, first: named(rows.first())?, second: named(rows.get(1))? }))
    }

    fn set_optimizer_state(&mut self, state: &OptimizerState) -> Result<(), PluginError> {
        self.settings.claim_threads();
        let (first, second) = (self.names.rows(&state.first)?, self.names.rows(&state.second)?);
        let join = |rows: &[Vec<f32>]| self.tensors.join(rows, self.settings.device).map_err(failed);
        self.optimizer.restore(state.steps, [join(&first)?, join(&second)?]);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use codebench_sdk::model::{Layer, Primitive, WeightTensor};
    use tch::Device;

    /// A dense layer from four values to two classes.
    fn workload() -> Workload {
        let primitive = Primitive::Dense { in_features: 4, out_features: 2, bias: true };
        let weights = primitive.weight_shapes().into_iter();
        let weights = weights
            .map(|(name, role, shape)| WeightTensor { name: format!("dense.{name}"), role, shape })
            .collect();
        let layer = Layer {
            name: "dense".into(),
            module: 0,
            vertex: 0,
            primitive,
            inputs: vec![0],
            output: 1,
            weights,
            macs: 8,
            parameters: 10,
        };
        Workload {
            v: Workload::VERSION,
            tensors: vec![TensorShape::new(4, 1, 1), TensorShape::new(2, 1, 1)],
            input: 0,
            output: 1,
            layers: vec![layer],
        }
    }

    /// As when memory ends in the middle of a step.
    #[test]
    fn a_network_whose_step_failed_half_way_does_nothing_more() {
        let options = NetworkOptions {
            seed: 1,
            optimizer: "adam".into(),
            momentum: 0.9,
            betas: [0.9, 0.999],
            weight_decay: 0.0,
            label_smoothing: 0.0,
            clip_norm: 0.0,
        };
        let settings = Settings { device: Device::Cpu, threads: 1, memory_bytes: 1 << 30 };
        let mut network = TorchNetwork::new(&workload(), &options, settings).unwrap();
        let images = [0.5, -1.0, 0.25, 2.0];
        let batch = MiniBatch { images: &images, labels: &[1], shape: TensorShape::new(4, 1, 1) };
        let step = |step| StepOptions { learning_rate: 0.1, step };
        network.train_step(&batch, &step(0)).unwrap();
        // A mini-batch that is refused changes nothing.
        assert!(network.train_step(&MiniBatch { labels: &[2], ..batch }, &step(1)).is_err());
        network.train_step(&batch, &step(1)).unwrap();
        assert_eq!(network.optimizer_state().unwrap().unwrap().steps, 2);
        // Moments of another size cannot be moved on.
        let zeros = |count: i64| Tensor::zeros([count], (tch::Kind::Float, Device::Cpu));
        network.optimizer.restore(2, [zeros(1 << 10), zeros(1 << 10)]);
        let error = network.train_step(&batch, &step(2)).unwrap_err();
        assert!(error.message.starts_with("libtorch: "), "{error}");
        let refused =
            "a step of this network failed half way, and its weights are those of no step: build it anew";
        let refusals = [
            network.train_step(&batch, &step(2)).map(drop),
            network.evaluate(&batch).map(drop),
            network.densities(&batch).map(drop),
            network.gradients(&batch, 2).map(drop),
            network.weights().map(drop),
            network.optimizer_state().map(drop),
        ];
        for refusal in refusals {
            assert_eq!(refusal.unwrap_err().message, refused);
        }
    }
}
