//! Kind `evaluator`: a job becomes metrics.

use crate::PluginError;
use codebench_model::{AcceleratorInput, DataShape, DataSource, Genotype, Job, Metrics, Parameters};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The fields of a job that an evaluator's answer depends on: its memo key is made of these and nothing else, and the
/// study leaves every field that is not declared out of the job. In JSON a field that is left out is not read, so that
/// evaluators keep working when jobs grow.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Reads {
    /// The candidate's choices: [`Job::candidate`] and, by name, [`Job::values`].
    pub candidate: bool,
    /// The CNN, lowered: [`Job::workload`]; [`Job::cnn`] comes along for display.
    pub cnn: bool,
    /// The CNN as the released simulator sees it: [`Job::published`].
    pub published: bool,
    /// The accelerator.
    pub accelerator: bool,
    /// The data set.
    pub data: bool,
    /// The recipe.
    pub recipe: bool,
    /// The weight donor.
    pub donor: bool,
    /// The seed.
    pub seed: bool,
    /// Metrics of these evaluators.
    pub upstream: BTreeSet<String>,
    /// Hash of what the answer depends on beside the job, such as a file that was read when the plugin was configured: part of the memo
    /// key, and a run is not resumed with another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contents: Option<String>,
}

impl Reads {
    /// The job with only the declared fields; the others are empty, `None` or 0.
    pub fn declared(&self, job: &Job) -> Job {
        let upstream = job.upstream.iter().filter(|(id, _)| self.upstream.contains(*id));
        Job {
            v: job.v,
            trial: job.trial,
            purpose: job.purpose,
            candidate: if self.candidate { job.candidate.clone() } else { Genotype(Vec::new()) },
            values: if self.candidate { job.values.clone() } else { Parameters::new() },
            cnn: job.cnn.clone().filter(|_| self.cnn),
            workload: job.workload.clone().filter(|_| self.cnn),
            published: job.published.clone().filter(|_| self.published),
            accelerator: job.accelerator.clone().filter(|_| self.accelerator),
            data: job.data.clone().filter(|_| self.data),
            recipe: job.recipe.clone().filter(|_| self.recipe),
            resume_from: job.resume_from.clone(),
            donor: job.donor.clone().filter(|_| self.donor),
            seed: if self.seed { job.seed } else { 0 },
            limits: job.limits,
            upstream: upstream.map(|(id, metrics)| (id.clone(), metrics.clone())).collect(),
        }
    }
}

/// Purpose: turns one job into named metrics (train, look up a table, run a program, simulate).
///
/// Call order: [`Evaluator::reads`] and [`Evaluator::data_shape`] while the study is set up, then any number of
/// [`Evaluator::evaluate`].
///
/// Purity and threads: a function of the plugin's parameters and of the fields that [`Evaluator::reads`] declares;
/// wall-clock values go to [`Metrics::wall`] only. Called from any thread, several at once.
///
/// Units: part of every metric's name (`latency_s`, `area_mm2`). All values are finite.
///
/// Errors: [`ErrorKind::Infeasible`](crate::ErrorKind::Infeasible) for a candidate that cannot be run (a result);
/// anything else is recorded as a failed evaluation with its message, and the run goes on.
///
/// ```
/// use codebench_api::{Evaluator, PluginError, Reads};
/// use codebench_model::{Job, Metrics};
///
/// /// Gives the CNN's number of layers.
/// struct Depth;
///
/// impl Evaluator for Depth {
///     fn reads(&self) -> Reads {
///         Reads { cnn: true, ..Reads::default() }
///     }
///
///     fn evaluate(&self, job: &Job) -> Result<Metrics, PluginError> {
///         let workload = job.workload.as_ref().ok_or_else(|| {
///             PluginError::invalid("the candidate has no CNN: give the space a `[cnn]` table")
///         })?;
///         let mut metrics = Metrics::default();
///         metrics.values.insert("layers".into(), workload.layers.len() as f64);
///         Ok(metrics)
///     }
/// }
/// ```
///
/// Smallest built-in to copy: `codebench/table` in `plugins/evaluators`.
pub trait Evaluator: Send + Sync {
    /// Which fields of the job the answer depends on.
    fn reads(&self) -> Reads;

    /// Evaluates one job.
    fn evaluate(&self, job: &Job) -> Result<Metrics, PluginError>;

    /// Shape of the images of a data set and number of its classes, which fix the input and the head of every CNN.
    ///
    /// `None` if the evaluator reads no data; an error if it reads data but not this.
    fn data_shape(&self, data: &DataSource) -> Option<Result<DataShape, PluginError>> {
        let _ = data;
        None
    }

    /// Whether the evaluator takes such an accelerator at all. Asked while a study is set up, once for each value that the space lists
    /// for a parameter of the paper's template, with every other parameter at its default; so it answers for ranges of single
    /// parameters, not for what a CNN needs.
    ///
    /// Without an own answer every accelerator is taken. Evaluators in libraries and components are not asked: they answer when they
    /// evaluate.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) with the range of the value.
    fn check_accelerator(&self, accelerator: &AcceleratorInput) -> Result<(), PluginError> {
        let _ = accelerator;
        Ok(())
    }
}
