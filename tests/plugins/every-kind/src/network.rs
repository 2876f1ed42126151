//! An engine, and an evaluator that needs one.

use crate::Panics;
use codebench_sdk::prelude::*;

/// Builds networks of one number.
pub struct Linear {
    panics: String,
}

impl Plugin for Linear {
    type Kind = kinds::Engine;

    fn info() -> PluginInfo {
        PluginInfo::new("test/linear", "0.1.0", "Networks of one weight.")
            .parameters(vec![Panics::parameter()])
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        Ok(Linear { panics: Panics::new(configuration)?.0 })
    }
}

impl Engine for Linear {
    fn build(&self, workload: &Workload, options: &NetworkOptions) -> Result<Box<dyn Network>, PluginError> {
        let panics = Panics(self.panics.clone());
        panics.at("build");
        if options.optimizer != "sgd" {
            return Err(PluginError::invalid(format!(
                "`{}` is no optimiser of `test/linear`",
                options.optimizer
            )));
        }
        let weight = workload.layers.len() as f32 + options.seed as f32;
        Ok(Box::new(One { panics, weight, steps: 0 }))
    }
}

struct One {
    panics: Panics,
    weight: f32,
    steps: u64,
}

impl One {
    fn loss(&self, batch: &MiniBatch<'_>) -> f64 {
        f64::from(self.weight) * f64::from(batch.images.iter().sum::<f32>())
    }

    fn tensor(&self, value: f32) -> Vec<NamedTensor> {
        vec![NamedTensor {
            name: "one.weight".into(),
            role: WeightRole::Weight,
            shape: vec![1, 1],
            values: vec![value],
        }]
    }
}

impl Network for One {
    fn train_step(&mut self, batch: &MiniBatch<'_>, step: &StepOptions) -> Result<StepResult, PluginError> {
        self.panics.at("train_step");
        let loss = self.loss(batch);
        self.weight -= step.learning_rate as f32;
        self.steps += 1;
        Ok(StepResult { loss, correct: batch.labels.len() as u64 })
    }

    fn evaluate(&mut self, batch: &MiniBatch<'_>) -> Result<EvaluateResult, PluginError> {
        self.panics.at("evaluate");
        Ok(EvaluateResult { logits: batch.images.iter().map(|x| x * self.weight).collect() })
    }

    fn densities(&mut self, batch: &MiniBatch<'_>) -> Result<Vec<f64>, PluginError> {
        self.panics.at("densities");
        Ok(vec![1.0 / batch.images.len() as f64])
    }

    fn gradients(&mut self, batch: &MiniBatch<'_>, step: u64) -> Result<GradientsResult, PluginError> {
        self.panics.at("gradients");
        Ok(GradientsResult { loss: self.loss(batch), gradients: self.tensor(step as f32) })
    }

    fn weights(&self) -> Result<Vec<NamedTensor>, PluginError> {
        self.panics.at("weights");
        Ok(self.tensor(self.weight))
    }

    fn set_weights(&mut self, weights: &[NamedTensor]) -> Result<(), PluginError> {
        self.panics.at("set_weights");
        match weights {
            [one] if one.name == "one.weight" && one.values.len() == 1 => self.weight = one.values[0],
            _ => return Err(PluginError::invalid("the network has one weight, `one.weight`")),
        }
        Ok(())
    }

    fn optimizer_state(&self) -> Result<Option<OptimizerState>, PluginError> {
        self.panics.at("optimizer_state");
        Ok(Some(OptimizerState { steps: self.steps, first: Vec::new(), second: Vec::new() }))
    }

    fn set_optimizer_state(&mut self, state: &OptimizerState) -> Result<(), PluginError> {
        self.panics.at("set_optimizer_state");
        if !(state.first.is_empty() && state.second.is_empty()) {
            return Err(PluginError::invalid("the optimiser of `test/linear` has no moments"));
        }
        self.steps = state.steps;
        Ok(())
    }
}

/// The loss after two steps of an engine.
pub struct Trained(Box<dyn Engine>);

impl Plugin for Trained {
    type Kind = kinds::Evaluator;

    fn info() -> PluginInfo {
        PluginInfo::new("test/trained", "0.1.0", "The loss after two steps of an engine.")
            .parameters(vec![ParameterDescription::text("engine", "test/linear", "Id of the engine.")])
            .needs(&[Kind::Engine])
            .metrics(&["loss"])
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        let id = configuration.text("engine")?;
        Ok(Trained(configuration.catalog.engine(id, &Parameters::new())?))
    }
}

impl Evaluator for Trained {
    fn reads(&self) -> Reads {
        Reads { cnn: true, seed: true, ..Reads::default() }
    }

    fn evaluate(&self, job: &Job) -> Result<Metrics, PluginError> {
        let options = NetworkOptions {
            seed: job.seed,
            optimizer: "sgd".into(),
            momentum: 0.0,
            betas: [0.9, 0.999],
            weight_decay: 0.0,
            label_smoothing: 0.1,
            clip_norm: 0.0,
        };
        let workload = job.workload.as_ref().ok_or_else(|| PluginError::infeasible("there is no CNN"))?;
        let mut network = self.0.build(workload, &options)?;
        let shape = TensorShape { channels: 1, height: 1, width: 2 };
        let batch = MiniBatch { images: &[0.25, 0.5], labels: &[1], shape };
        network.train_step(&batch, &StepOptions { learning_rate: 0.1, step: 0 })?;
        let loss = network.train_step(&batch, &StepOptions { learning_rate: 0.1, step: 1 })?.loss;
        let mut metrics = Metrics::default();
        metrics.values.insert("loss".into(), loss);
        Ok(metrics)
    }
}
