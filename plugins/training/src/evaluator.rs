//! The evaluator `codebench/train`: a job's CNN is trained by an engine and measured.

use crate::recipe::CheckedRecipe;
use crate::setting::{LoadedData, engine, engine_parameters};
use crate::training::{Outcome, Training};
use codebench_sdk::api::Reads;
use codebench_sdk::prelude::*;

/// Names of the metrics, as descriptions list them.
const METRICS: [&str; 9] = [
    "train_accuracy",
    "train_loss",
    "validation_accuracy",
    "validation_loss",
    "test_accuracy",
    "test_loss",
    "epochs",
    "parameters",
    "macs",
];

/// The metric per layer that simulators read as measured sparsity.
const DENSITY: &str = "activation_density";

/// The evaluator `codebench/train`.
pub struct Train {
    engine: Box<dyn Engine>,
    data: LoadedData,
}

impl Plugin for Train {
    type Kind = kinds::Evaluator;

    fn info() -> PluginInfo {
        PluginInfo::new(
            "codebench/train",
            env!("CARGO_PKG_VERSION"),
            "Trains the CNN with the experiment's recipe and measures its accuracy and loss.",
        )
        .parameters(engine_parameters().to_vec())
        .needs(&[Kind::Engine])
        .metrics(&METRICS)
        .example("Train in an experiment", "[[evaluator]]\nid = \"train\"\nplugin = \"codebench/train\"\n")
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        Ok(Train { engine: engine(configuration)?, data: LoadedData::default() })
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
        let splits = self.data.splits(source)?;
        let training = Training {
            splits: &splits,
            recipe: &recipe,
            seed: job.seed,
            purpose: job.purpose,
            wall_limit_s: job.limits.wall_s,
        };
        let mut network = training.network(self.engine.as_ref(), workload)?;
        Ok(metrics(training.run(network.as_mut(), |_| ())?, workload))
    }

    fn data_shape(&self, data: &DataSource) -> Option<Result<DataShape, PluginError>> {
        Some(self.data.splits(data).map(|splits| splits.shape().clone()))
    }
}

fn metrics(outcome: Outcome, workload: &Workload) -> Metrics {
    let mut metrics = Metrics::default();
    let parts =
        [("train", Some(outcome.train)), ("validation", Some(outcome.validation)), ("test", outcome.test)];
    for (name, measure) in parts {
        if let Some(measure) = measure {
            metrics.values.insert(format!("{name}_accuracy"), measure.accuracy);
            metrics.values.insert(format!("{name}_loss"), measure.loss);
        }
    }
    metrics.values.insert("epochs".into(), outcome.epochs as f64);
    metrics.values.insert("parameters".into(), workload.parameters() as f64);
    metrics.values.insert("macs".into(), workload.macs() as f64);
    metrics.per_layer.insert(DENSITY.into(), outcome.densities);
    metrics.wall.insert("seconds".into(), outcome.seconds);
    metrics.wall.insert("images_per_s".into(), outcome.images_per_s);
    metrics
}
