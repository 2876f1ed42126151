//! One evaluation: what an evaluator receives and what it answers.

use crate::accelerator::AcceleratorInput;
use crate::cnn::CnnGraph;
use crate::parameter::Parameters;
use crate::published::PublishedOps;
use crate::recipe::Recipe;
use crate::space::Genotype;
use crate::workload::{TensorShape, Workload};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What the metrics are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// To guide the search: the test split stays untouched.
    Search,
    /// To report: metrics named `test_*` are computed too.
    Final,
}

/// A data set by name, with the parameters of its reader.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DataSource {
    /// Name, such as `digits`.
    pub id: String,
    /// Parameters of the reader.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: Parameters,
}

/// What a data set fixes of every CNN that reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DataShape {
    /// One image.
    pub input: TensorShape,
    /// Number of classes.
    pub classes: u64,
    /// SHA-256, hexadecimal, of the data set and its split; part of memo keys. Empty where there is no data.
    pub digest: String,
}

/// Bounds on one evaluation; `None` is unlimited.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Reproducible instruction budget of a sandboxed plugin.
    pub fuel: Option<u64>,
    /// Wall-clock seconds; a run in which it fires is outside the determinism promise.
    pub wall_s: Option<f64>,
    /// Memory of a sandboxed plugin, bytes.
    pub memory_bytes: Option<u64>,
}

/// One evaluation of one candidate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Job {
    /// Version of this document.
    pub v: u32,
    /// Trial number in the study.
    pub trial: u64,
    /// What for.
    pub purpose: Purpose,
    /// The candidate, as positions in the space's choices.
    pub candidate: Genotype,
    /// The candidate's active choices by name, as the space writes them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: Parameters,
    /// The decoded CNN.
    pub cnn: Option<CnnGraph>,
    /// The CNN lowered at batch 1.
    pub workload: Option<Workload>,
    /// The CNN as the released simulator sees it; `core/cnn` fills it in, because a simulator may not lower.
    pub published: Option<PublishedOps>,
    /// The decoded accelerator.
    pub accelerator: Option<AcceleratorInput>,
    /// Data to train on.
    pub data: Option<DataSource>,
    /// How to train.
    pub recipe: Option<Recipe>,
    /// Key of a checkpoint of the same training to go on from.
    pub resume_from: Option<String>,
    /// Key of the checkpoint whose weights are transferred.
    pub donor: Option<String>,
    /// The experiment's seed, the same for every trial.
    pub seed: u64,
    /// Bounds.
    pub limits: Limits,
    /// Metrics of the evaluators before this one.
    pub upstream: BTreeMap<String, Metrics>,
}

impl Job {
    /// The version of the document that this crate writes.
    pub const VERSION: u32 = 1;
}

/// Metrics of one answer, over all its maps.
pub const MAX_METRICS: usize = 1024;

/// Bytes of the name of a metric.
pub const MAX_METRIC_NAME_BYTES: usize = 256;

/// Numbers of all metrics per layer together.
pub const MAX_LAYER_VALUES: usize = 65_536;

/// Bytes of the key of an artifact.
pub const MAX_ARTIFACT_BYTES: usize = 4096;

/// What an evaluator answers: at most [`MAX_METRICS`] metrics, whose names have at most [`MAX_METRIC_NAME_BYTES`] bytes, with at most
/// [`MAX_LAYER_VALUES`] numbers per layer and [`MAX_ARTIFACT_BYTES`] bytes for an artifact.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Metrics {
    /// Named values; all finite. `test_*` never reach a strategy.
    pub values: BTreeMap<String, f64>,
    /// Values per layer of the workload.
    #[serde(default)]
    pub per_layer: BTreeMap<String, Vec<f64>>,
    /// Keys of stored artifacts, such as checkpoints.
    #[serde(default)]
    pub artifacts: BTreeMap<String, String>,
    /// Wall-clock values, outside the determinism promise.
    #[serde(default)]
    pub wall: BTreeMap<String, f64>,
}

impl Metrics {
    /// Why the answer is too large to be kept, if it is.
    pub fn excess(&self) -> Option<String> {
        let Metrics { values, per_layer, artifacts, wall } = self;
        let count = values.len() + per_layer.len() + artifacts.len() + wall.len();
        if count > MAX_METRICS {
            return Some(format!(
                "it answers {count} metrics: at most {MAX_METRICS}, so leave out what nobody reads"
            ));
        }
        let numbers: usize = per_layer.values().map(Vec::len).sum();
        if numbers > MAX_LAYER_VALUES {
            return Some(format!(
                "it answers {numbers} numbers per layer: at most {MAX_LAYER_VALUES}, so leave out what nobody reads"
            ));
        }
        let names = values.keys().chain(per_layer.keys()).chain(artifacts.keys()).chain(wall.keys());
        let long = names.into_iter().find(|name| name.len() > MAX_METRIC_NAME_BYTES);
        if let Some(long) = long {
            let start: String = long.chars().take(32).collect();
            return Some(format!(
                "the name of its metric {start:?}... has {} bytes: at most {MAX_METRIC_NAME_BYTES}, so shorten it",
                long.len()
            ));
        }
        let (name, key) = artifacts.iter().find(|(_, key)| key.len() > MAX_ARTIFACT_BYTES)?;
        Some(format!(
            "its artifact {name:?} has {} bytes: at most {MAX_ARTIFACT_BYTES}, so write it to a file and answer its name",
            key.len()
        ))
    }
}
