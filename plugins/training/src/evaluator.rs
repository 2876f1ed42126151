//! The evaluator `codebench/train`: a job's CNN is trained by an engine and measured.

use crate::data::{self, Splits};
use crate::recipe::CheckedRecipe;
use crate::training::{Outcome, Training};
use codebench_sdk::api::{NetworkOptions, Reads};
use codebench_sdk::prelude::*;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Names of the metrics, as descriptions list them.
const METRICS: [&str; 8] = [
    "train_accuracy",
    "train_loss",
    "validation_accuracy",
    "validation_loss",
    "test_accuracy",
    "test_loss",
    "parameters",
    "macs",
];

/// The evaluator `codebench/train`.
pub struct Train {
    engine: Box<dyn Engine>,
    /// Data sets that were read already, by the JSON of their source.
    loaded: Mutex<BTreeMap<String, Arc<Splits>>>,
}

impl Plugin for Train {
    type Kind = kinds::Evaluator;

    fn info() -> PluginInfo {
        PluginInfo::new(
            "codebench/train",
            env!("CARGO_PKG_VERSION"),
            "Trains the CNN with the experiment's recipe and measures its accuracy and loss.",
        )
        .parameters(vec![ParameterDescription::text(
            "engine",
            "codebench/burn",
            "Plugin of kind engine that computes.",
        )])
        .needs(&[Kind::Engine])
        .metrics(&METRICS)
        .example("Train in an experiment", "[[evaluator]]\nid = \"train\"\nplugin = \"codebench/train\"\n")
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        let engine = configuration.catalog.engine(configuration.text("engine")?, &Parameters::new())?;
        Ok(Train { engine, loaded: Mutex::default() })
    }
}

impl Train {
    fn splits(&self, source: &DataSource) -> Result<Arc<Splits>, PluginError> {
        let key = serde_json::to_string(source)
            .map_err(|e| PluginError::invalid(format!("data source `{}`: {e}", source.id)))?;
        // A poisoned lock only says that another evaluation failed while reading; the map is whole.
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(splits) = loaded.get(&key) {
            return Ok(Arc::clone(splits));
        }
        let splits = Arc::new(data::load(source)?);
        loaded.insert(key, Arc::clone(&splits));
        Ok(splits)
    }
}

impl Evaluator for Train {
    fn reads(&self) -> Reads {
        Reads { cnn: true, data: true, recipe: true, seed: true, ..Reads::default() }
    }

    fn evaluate(&self, job: &Job) -> Result<Metrics, PluginError> {
        let (Some(workload), Some(source), Some(recipe)) = (&job.workload, &job.data, &job.recipe) else {
            return Err(PluginError::invalid(
                "training needs a CNN, a data set and a recipe: add [space.cnn], [data] and [recipe]",
            ));
        };
        if let Some(key) = job.resume_from.as_ref().or(job.donor.as_ref()) {
            return Err(PluginError::invalid(format!(
                "`codebench/train` keeps no checkpoints, but is asked to go on from `{key}`"
            )));
        }
        let recipe = CheckedRecipe::new(recipe)?;
        let splits = self.splits(source)?;
        check_fit(workload, splits.shape())?;
        let mut network = self.engine.build(workload, &options(recipe.fields(), job.seed))?;
        let training = Training {
            splits: &splits,
            recipe: &recipe,
            seed: job.seed,
            purpose: job.purpose,
            wall_limit_s: job.limits.wall_s,
        };
        Ok(metrics(&training.run(network.as_mut())?, workload))
    }

    fn data_shape(&self, data: &DataSource) -> Option<Result<DataShape, PluginError>> {
        Some(self.splits(data).map(|splits| splits.shape().clone()))
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
    }
}

/// The network reads the data set's images and tells its classes apart.
fn check_fit(workload: &Workload, data: &DataShape) -> Result<(), PluginError> {
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

fn metrics(outcome: &Outcome, workload: &Workload) -> Metrics {
    let mut metrics = Metrics::default();
    let parts =
        [("train", Some(outcome.train)), ("validation", Some(outcome.validation)), ("test", outcome.test)];
    for (name, measure) in parts {
        if let Some(measure) = measure {
            metrics.values.insert(format!("{name}_accuracy"), measure.accuracy);
            metrics.values.insert(format!("{name}_loss"), measure.loss);
        }
    }
    metrics.values.insert("parameters".into(), workload.parameters() as f64);
    metrics.values.insert("macs".into(), workload.macs() as f64);
    metrics.wall.insert("seconds".into(), outcome.seconds);
    metrics.wall.insert("images_per_s".into(), outcome.images_per_s);
    metrics
}
