use crate::{Case, all_noticed, info, passes};
use codebench_api::{
    Engine, Entry, EvaluateResult, GradientsResult, Kind, Maker, MiniBatch, NamedTensor, Network,
    NetworkOptions, OptimizerState, PluginError, StepOptions, StepResult,
};
use codebench_conformance::Status::{Crashed, Failed};
use codebench_model::{PrimitiveKind, TensorShape, Workload};
use codebench_space::Rng;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Clone, Copy, PartialEq)]
enum Fault {
    None,
    NoSoftmax,
    SilentlyNoSoftmax,
    PanicsAtSoftmax,
    NaNLogits,
    OtherNames,
    AnyName,
    HalfSet,
    Clock,
    Seedless,
    WrongGradient,
    GradientSteps,
    NoDescent,
    AnyOptimizer,
    BatchStatistics,
    EvaluationSteps,
    Denser,
    FewDensities,
    AnyLabel,
    ForgetsSteps,
    OtherSteps,
    AnyState,
    Shared,
}

/// Networks built so far, and those at work.
static BUILT: AtomicU64 = AtomicU64::new(0);
static RUNNING: AtomicU64 = AtomicU64::new(0);

struct Fake(Fault);

/// No network at all: the loss is half the sum of the squares of all parameters, so that every derivative is known.
struct Squares {
    fault: Fault,
    tensors: Vec<NamedTensor>,
    layers: usize,
    input: TensorShape,
    classes: usize,
    steps: u64,
}

impl Engine for Fake {
    fn build(&self, workload: &Workload, options: &NetworkOptions) -> Result<Box<dyn Network>, PluginError> {
        let softmax = workload.layers.iter().find(|l| l.primitive.kind() == PrimitiveKind::Softmax);
        match (self.0, softmax) {
            (Fault::NoSoftmax, Some(layer)) => {
                return Err(PluginError::invalid(format!("layer `{}`: no softmax here", layer.name)));
            }
            (Fault::SilentlyNoSoftmax, Some(_)) => return Err(PluginError::failed("no")),
            (Fault::PanicsAtSoftmax, Some(layer)) => panic!("{}", layer.name),
            _ => {}
        }
        let known = ["sgd", "adam", "adamw"].contains(&options.optimizer.as_str());
        if !known && self.0 != Fault::AnyOptimizer {
            return Err(PluginError::invalid(format!(
                "optimizer `{}`: give sgd, adam, adamw",
                options.optimizer
            )));
        }
        let seed = match self.0 {
            Fault::Clock => BUILT.fetch_add(1, Ordering::Relaxed),
            Fault::Seedless => 1,
            _ => options.seed,
        };
        let mut rng = Rng::new(seed, 0);
        let tensor = |w: &codebench_model::WeightTensor| {
            let elements: u64 = w.shape.iter().product();
            let values = (0..elements).map(|_| (rng.unit() - 0.5) as f32).collect();
            let name = if self.0 == Fault::OtherNames { format!("my.{}", w.name) } else { w.name.clone() };
            NamedTensor { name, role: w.role, shape: w.shape.clone(), values }
        };
        let tensors = workload.layers.iter().flat_map(|l| &l.weights).map(tensor).collect();
        let classes = workload.tensors[workload.output].channels as usize;
        let (layers, input) = (workload.layers.len(), workload.tensors[workload.input]);
        Ok(Box::new(Squares { fault: self.0, tensors, layers, input, classes, steps: 0 }))
    }
}

impl Squares {
    fn parameters(&self) -> impl Iterator<Item = &NamedTensor> {
        self.tensors.iter().filter(|t| t.role.is_parameter())
    }

    fn loss(&self) -> f64 {
        self.parameters().flat_map(|t| &t.values).map(|w| 0.5 * f64::from(*w) * f64::from(*w)).sum()
    }

    fn images(&self, batch: &MiniBatch<'_>) -> Result<usize, PluginError> {
        let elements = self.input.elements().unwrap() as usize;
        if batch.shape != self.input || !batch.images.len().is_multiple_of(elements) {
            return Err(PluginError::invalid(format!("images of {}: give {}", batch.shape, self.input)));
        }
        Ok(batch.images.len() / elements)
    }

    fn labelled(&self, batch: &MiniBatch<'_>) -> Result<(), PluginError> {
        let images = self.images(batch)?;
        let odd = batch.labels.iter().find(|l| **l as usize >= self.classes);
        if self.fault != Fault::AnyLabel && (batch.labels.len() != images || odd.is_some()) {
            return Err(PluginError::invalid(format!("{images} images with labels {:?}", batch.labels)));
        }
        Ok(())
    }

    fn shrink(&mut self, by: f32) {
        self.tensors.iter_mut().flat_map(|t| &mut t.values).for_each(|w| *w *= 1.0 - by);
    }
}

impl Network for Squares {
    fn train_step(&mut self, batch: &MiniBatch<'_>, step: &StepOptions) -> Result<StepResult, PluginError> {
        self.labelled(batch)?;
        let running = RUNNING.fetch_add(1, Ordering::SeqCst);
        if self.fault == Fault::Shared {
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        let loss = self.loss() + if self.fault == Fault::Shared && running > 0 { 1.0 } else { 0.0 };
        self.steps += 1;
        // A rate that falls with the steps is what this optimiser knows of those before.
        let rate = step.learning_rate as f32 / self.steps as f32;
        self.shrink(if self.fault == Fault::NoDescent { -0.01 } else { rate });
        RUNNING.fetch_sub(1, Ordering::SeqCst);
        Ok(StepResult { loss, correct: 0 })
    }

    fn evaluate(&mut self, batch: &MiniBatch<'_>) -> Result<EvaluateResult, PluginError> {
        let images = self.images(batch)?;
        if self.fault == Fault::EvaluationSteps {
            self.shrink(0.01);
        }
        let whole: f32 = batch.images.iter().sum();
        let logits = batch.images.chunks(batch.images.len() / images).flat_map(|image| {
            let sum: f32 = if self.fault == Fault::BatchStatistics { whole } else { image.iter().sum() };
            let sum = if self.fault == Fault::NaNLogits { f32::NAN } else { sum };
            (0..self.classes).map(move |class| sum + class as f32)
        });
        Ok(EvaluateResult { logits: logits.collect() })
    }

    fn densities(&mut self, batch: &MiniBatch<'_>) -> Result<Vec<f64>, PluginError> {
        self.images(batch)?;
        let layers = self.layers - usize::from(self.fault == Fault::FewDensities);
        Ok(vec![if self.fault == Fault::Denser { 1.5 } else { 0.5 }; layers])
    }

    fn gradients(&mut self, batch: &MiniBatch<'_>, _: u64) -> Result<GradientsResult, PluginError> {
        self.labelled(batch)?;
        let mut gradients: Vec<NamedTensor> = self.parameters().cloned().collect();
        if self.fault == Fault::WrongGradient {
            gradients.iter_mut().flat_map(|g| &mut g.values).for_each(|g| *g = -*g);
        }
        let loss = self.loss();
        if self.fault == Fault::GradientSteps {
            self.shrink(0.01);
        }
        Ok(GradientsResult { loss, gradients })
    }

    fn weights(&self) -> Result<Vec<NamedTensor>, PluginError> {
        Ok(self.tensors.clone())
    }

    fn set_weights(&mut self, weights: &[NamedTensor]) -> Result<(), PluginError> {
        let mut changed = self.tensors.clone();
        for new in weights {
            let Some(old) = changed.iter_mut().find(|t| t.name == new.name) else {
                if self.fault == Fault::AnyName {
                    continue;
                }
                return Err(PluginError::invalid(format!("no weight `{}`", new.name)));
            };
            let fits = old.shape == new.shape && old.values.len() == new.values.len();
            if !fits || new.values.iter().any(|v| !v.is_finite()) {
                return Err(PluginError::invalid(format!("weight `{}` of {:?}", new.name, new.shape)));
            }
            old.values.clone_from(&new.values);
            if self.fault == Fault::HalfSet {
                self.tensors.clone_from(&changed);
            }
        }
        self.tensors = if self.fault == Fault::HalfSet { self.tensors.clone() } else { changed };
        Ok(())
    }

    fn optimizer_state(&self) -> Result<Option<OptimizerState>, PluginError> {
        let first = self.parameters().map(|t| NamedTensor { values: vec![0.0; t.values.len()], ..t.clone() });
        let steps = if self.fault == Fault::OtherSteps { 0 } else { self.steps };
        Ok(Some(OptimizerState { steps, first: first.collect(), second: Vec::new() }))
    }

    fn set_optimizer_state(&mut self, state: &OptimizerState) -> Result<(), PluginError> {
        let unknown = state.first.iter().find(|t| !self.tensors.iter().any(|own| own.name == t.name));
        if let (Some(tensor), false) = (unknown, self.fault == Fault::AnyState) {
            return Err(PluginError::invalid(format!("no weight `{}`", tensor.name)));
        }
        self.steps = if self.fault == Fault::ForgetsSteps { 0 } else { state.steps };
        Ok(())
    }
}

fn fake(fault: Fault) -> Entry {
    crate::entry(info(), Maker::Engine(Arc::new(move |_| Ok(Box::new(Fake(fault)) as Box<dyn Engine>))))
}

#[test]
fn sound_engines_pass() {
    passes(fake(Fault::None));
    passes(fake(Fault::NoSoftmax));
}

#[test]
fn every_check_can_fail() {
    let cases: Vec<Case> = vec![
        (fake(Fault::SilentlyNoSoftmax), "primitives", Failed, "naming the layer"),
        (fake(Fault::PanicsAtSoftmax), "primitives", Crashed, "softmax"),
        (fake(Fault::NaNLogits), "primitives", Failed, "or not finite"),
        (fake(Fault::OtherNames), "weights", Failed, "instead of the workload's"),
        (fake(Fault::AnyName), "weights", Failed, "accepts an unknown name"),
        (fake(Fault::HalfSet), "weights", Failed, "changed weights all the same"),
        (fake(Fault::Clock), "determinism", Failed, "the same calls"),
        (fake(Fault::Seedless), "determinism", Failed, "two seeds"),
        (fake(Fault::WrongGradient), "gradients", Failed, "a finite difference"),
        (fake(Fault::GradientSteps), "gradients", Failed, "changes the weights"),
        (fake(Fault::NoDescent), "training", Failed, "took the loss from"),
        (fake(Fault::AnyOptimizer), "training", Failed, "no-such-optimizer"),
        (fake(Fault::OtherSteps), "resumption", Failed, "after 3 steps"),
        (fake(Fault::ForgetsSteps), "resumption", Failed, "is not what was set"),
        (fake(Fault::AnyState), "resumption", Failed, "accepts an unknown name"),
        (fake(Fault::BatchStatistics), "evaluation", Failed, "alone, an image"),
        (fake(Fault::EvaluationSteps), "evaluation", Failed, "changes the weights"),
        (fake(Fault::Denser), "evaluation", Failed, "from 0 to 1"),
        (fake(Fault::FewDensities), "evaluation", Failed, "from 0 to 1"),
        (fake(Fault::AnyLabel), "batch-refusal", Failed, "is accepted"),
        (fake(Fault::Shared), "threads", Failed, "several threads"),
    ];
    all_noticed(Kind::Engine, cases);
}
