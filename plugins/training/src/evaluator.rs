//! The evaluator `codebench/train`: a job's CNN is trained by an engine and measured.

use crate::answers;
use crate::checkpoint::{self, Origin};
use crate::recipe::CheckedRecipe;
use crate::setting::{ChosenEngine, LoadedData, engine_parameters};
use crate::state::{self, Saved, Saver};
use crate::training::{Outcome, Standing, Training};
use crate::transfer::{self, Transfer};
use codebench_sdk::api::Reads;
use codebench_sdk::log::{self, Level};
use codebench_sdk::prelude::*;
use std::path::{Path, PathBuf};

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
    chosen: ChosenEngine,
    data: LoadedData,
    /// Where checkpoints are kept, if they are.
    checkpoints: Option<PathBuf>,
    transfer: Option<Transfer>,
    /// Whether what trainings need to go on is kept with the checkpoints.
    resumable: bool,
    /// Seconds after which a training fails.
    time_limit_s: Option<f64>,
}

impl Plugin for Train {
    type Kind = kinds::Evaluator;

    fn info() -> PluginInfo {
        PluginInfo::new(
            "codebench/train",
            env!("CARGO_PKG_VERSION"),
            "Trains the CNN with the experiment's recipe and measures its accuracy and loss.",
        )
        .parameters(parameters())
        .needs(&[Kind::Engine])
        .metrics(&METRICS)
        .example("Train in an experiment", "[[evaluator]]\nid = \"train\"\nplugin = \"codebench/train\"\n")
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        let folder = configuration.text("checkpoints")?;
        let transfer = match configuration.text("transfer")? {
            "leading" => Some(Transfer::Leading),
            "identical" => Some(Transfer::Identical),
            _ => None,
        };
        if let Some(transfer) = transfer.filter(|_| folder.is_empty()) {
            return Err(PluginError::invalid(format!(
                "transfer = \"{}\" takes weights from checkpoints, but none are kept: give `checkpoints` a folder",
                transfer.name()
            )));
        }
        Ok(Train {
            chosen: ChosenEngine::configure(configuration)?,
            data: LoadedData::default(),
            checkpoints: (!folder.is_empty()).then(|| PathBuf::from(folder)),
            transfer,
            resumable: configuration.boolean("resumable")? && !folder.is_empty(),
            time_limit_s: Some(configuration.float("time_limit_s")?).filter(|limit| *limit > 0.0),
        })
    }
}

fn parameters() -> Vec<ParameterDescription> {
    let mut parameters = engine_parameters().to_vec();
    parameters.push(ParameterDescription::text(
        "checkpoints",
        "",
        "Folder for the weights of every training, relative to where codebench runs; none are kept without it.",
    ));
    parameters.push(ParameterDescription::choice(
        "transfer",
        &["none", "leading", "identical"],
        "none",
        "Which identical modules take their first weights from the nearest CNN that was trained before.",
    ));
    parameters.push(ParameterDescription::boolean(
        "resumable",
        false,
        "Keeps among the checkpoints what a training needs to go on with the same result: after a kill, and for more epochs.",
    ));
    parameters.push(
        ParameterDescription::float(
            "time_limit_s",
            0.0,
            1e7,
            0.0,
            "A training that takes longer fails; 0 is no limit. Which trainings fail then depends on the machine.",
        )
        .unit("s"),
    );
    parameters
}

impl Train {
    /// Where the training `origin`, whose key is `key`, stands already: left by an attempt that was interrupted, or by the
    /// training of fewer epochs that the job goes on from.
    fn saved(
        &self,
        job: &Job,
        origin: &Origin<'_>,
        key: &str,
        network: &dyn Network,
    ) -> Result<Option<Saved>, PluginError> {
        let Some(folder) = self.checkpoints.as_ref().filter(|_| self.resumable) else { return Ok(None) };
        let weights = network.weights()?;
        if let Some(own) = whole(folder, key, &weights) {
            return Ok(Some(own));
        }
        let Some(earlier) = &job.resume_from else { return Ok(None) };
        let Some(saved) = whole(folder, earlier, &weights) else { return Ok(None) };
        let recipe = origin.recipe.stopped_after(saved.target);
        let same = Origin { recipe: &recipe, ..*origin }.key()?;
        if same != *earlier || saved.target > origin.recipe.epochs {
            return Err(PluginError::invalid(format!(
                "the training is asked to go on from `{earlier}`, which is another one: CNN, data, seed, engine and recipe must be \
                 the same but for fewer epochs, with `schedule_epochs` given"
            )));
        }
        Ok(Some(saved))
    }

    /// Gives `network` the weights that it shares with the job's donor; what was taken from where, if anything was.
    fn take_over(
        &self,
        job: &Job,
        workload: &Workload,
        network: &mut dyn Network,
    ) -> Result<Option<String>, PluginError> {
        let (Some(transfer), Some(folder), Some(donor)) = (self.transfer, &self.checkpoints, &job.donor)
        else {
            return Ok(None);
        };
        let (trained, weights, sha256) = checkpoint::kept(folder, donor).map_err(|e| PluginError {
            message: format!(
                "{}; the donor of this CNN is read from it: put the file back, or give transfer = \"none\"",
                e.message
            ),
            ..e
        })?;
        let taken = transfer::take(transfer, &trained, &weights, workload);
        if taken.is_empty() {
            return Ok(None);
        }
        network.set_weights(&taken)?;
        checkpoint::transferred(transfer, &sha256, &trained).map(Some)
    }
}

/// The state of the training `key` in `folder`. One that is damaged or another's is as good as none, since the training from the first
/// epoch on gives the same; the user is told.
fn whole(folder: &Path, key: &str, weights: &[NamedTensor]) -> Option<Saved> {
    state::load(&state::path(folder, key), key, weights).unwrap_or_else(|e| {
        log::write(Level::Warning, &format!("{}; the training begins again", e.message));
        None
    })
}

impl Evaluator for Train {
    fn reads(&self) -> Reads {
        let donor = self.transfer.is_some();
        Reads { cnn: true, data: true, recipe: true, seed: true, donor, ..Reads::default() }
    }

    fn evaluate(&self, job: &Job) -> Result<Metrics, PluginError> {
        let (Some(workload), Some(source), Some(recipe)) = (&job.workload, &job.data, &job.recipe) else {
            return Err(PluginError::invalid(
                "training needs a CNN, a data set and a recipe: add [space.cnn], [data] and [recipe]",
            ));
        };
        let from = job.resume_from.as_ref().filter(|_| !self.resumable);
        if let Some(key) = from.or(job.donor.as_ref().filter(|_| self.transfer.is_none())) {
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
            wall_limit_s: job.limits.wall_s.into_iter().chain(self.time_limit_s).reduce(f64::min),
        };
        let mut network = training.network(self.chosen.engine.as_ref(), workload)?;
        let start = self.take_over(job, workload, network.as_mut())?;
        let ChosenEngine { id, version, sha256, parameters, .. } = &self.chosen;
        let origin = Origin {
            workload,
            data: splits.shape(),
            recipe: recipe.fields(),
            seed: job.seed,
            engine: [id, version],
            engine_sha256: sha256.as_deref(),
            engine_parameters: parameters,
            start: start.as_deref(),
        };
        let key = origin.key()?;
        let mut standing = Standing::default();
        if let Some(saved) = self.saved(job, &origin, &key, network.as_ref())? {
            saved.put(network.as_mut())?;
            standing = saved.standing;
        }
        let folder = self.checkpoints.as_ref().filter(|_| self.resumable);
        let mut saver =
            folder.map(|folder| Saver::new(state::path(folder, &key), &key, recipe.fields().epochs));
        let outcome = training.run(network.as_mut(), standing, |epoch, at, network| {
            standing = *at;
            saver.as_mut().map_or(Ok(()), |saver| saver.epoch(at, network, epoch.is_last))
        })?;
        let mut metrics = metrics(outcome, workload)?;
        if let Some(saver) = &mut saver {
            if !saver.has_saved() {
                saver.epoch(&standing, network.as_ref(), true)?;
            }
            if saver.has_saved() {
                metrics.artifacts.insert("checkpoint".into(), key.clone());
            }
        }
        if let Some(folder) = &self.checkpoints {
            checkpoint::keep(folder, &key, &answers::weights(network.as_ref(), workload)?, workload)?;
            metrics.artifacts.insert("weights".into(), key);
        }
        if start.is_some() {
            metrics.artifacts.extend(job.donor.clone().map(|donor| ("donor".into(), donor)));
        }
        Ok(metrics)
    }

    fn data_shape(&self, data: &DataSource) -> Option<Result<DataShape, PluginError>> {
        Some(self.data.splits(data).map(|splits| splits.shape().clone()))
    }
}

fn metrics(outcome: Outcome, workload: &Workload) -> Result<Metrics, PluginError> {
    let (densities, layers) = (outcome.densities.len(), workload.layers.len());
    if densities != layers {
        return Err(PluginError::contract(format!(
            "the engine gave {densities} densities for {layers} layers"
        )));
    }
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
    Ok(metrics)
}
