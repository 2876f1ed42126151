//! What a study is made of before it runs: the plugins of the experiment, made and asked what they need.

use super::plugins;
use super::strategist::guarded;
use crate::error::SearchError;
use crate::executor;
use crate::experiment::{Experiment, PluginUse};
use codebench_api::{Catalog, ErrorKind, Evaluator, Executor, PluginError, Reads};
use codebench_cnn::{Language, Lowered};
use codebench_model::{
    AcceleratorInput, DataShape, DataSource, Genotype, ParameterValue, Parameters, TensorShape,
};
use codebench_space::{Candidate, Points, SpaceError};
use std::collections::BTreeMap;

/// An evaluator, made and asked what it reads.
pub(crate) struct Prepared {
    pub(crate) id: String,
    pub(crate) plugin: String,
    pub(crate) version: String,
    /// Hash of the plugin's file; `None` if it is built in.
    pub(crate) sha256: Option<String>,
    pub(crate) parameters: Parameters,
    /// Versions of the plugins that it needs, with the hashes of their files, by id.
    pub(crate) needs: BTreeMap<String, String>,
    pub(crate) data_digest: String,
    pub(crate) reads: Reads,
    pub(crate) evaluator: Box<dyn Evaluator>,
}

/// Images that every CNN reads.
#[derive(Clone, Copy)]
pub(super) struct Images {
    pub(super) input: TensorShape,
    pub(super) classes: u64,
}

/// Everything that evaluating a candidate reads.
pub(super) struct Setup {
    pub(super) experiment: Experiment,
    pub(super) points: Points,
    pub(super) evaluators: Vec<Prepared>,
    pub(super) executor: Box<dyn Executor>,
    pub(super) language: Language,
    /// Hashes of what is read beside the experiment: the data set, and the files of evaluators.
    pub(super) contents: BTreeMap<String, String>,
    pub(super) images: Option<Images>,
}

impl Setup {
    pub(super) fn new(
        experiment: Experiment,
        catalog: &Catalog,
        threads: Option<usize>,
    ) -> Result<Setup, SearchError> {
        let mut evaluators = prepare(&experiment, catalog)?;
        let data = data_shape(&experiment, &evaluators)?;
        if let Some(data) = &data {
            evaluators.iter_mut().for_each(|e| e.data_digest.clone_from(&data.digest));
        }
        let mut contents: BTreeMap<String, String> = evaluators
            .iter()
            .filter_map(|e| Some((format!("evaluator {}", e.id), e.reads.contents.clone()?)))
            .collect();
        contents.extend(data.as_ref().map(|data| ("data set".to_owned(), data.digest.clone())));
        let points =
            Points::new(&experiment.space).map_err(|e| SearchError::Inconsistent(format!("[space]: {e}")))?;
        let language = Language::new(catalog).map_err(|e| {
            SearchError::Inconsistent(format!("the CNN language cannot be put together: {e}"))
        })?;
        let executor = make_executor(&experiment.executor, catalog, threads)
            .map_err(|e| located(&experiment, "executor.plugin", e))?;
        let images = images(&experiment, data, &evaluators)?;
        check_accelerators(&experiment, &evaluators)?;
        Ok(Setup { experiment, points, evaluators, executor, language, contents, images })
    }

    /// That the data set waits for another evaluator.
    pub(super) fn unread_data(&self) -> Option<String> {
        let data = unread_data(&self.experiment, &self.evaluators)?;
        Some(format!("no evaluator reads the data set `{}`; [image] says what the CNNs read", data.id))
    }

    /// The candidate and its lowered CNN. A well-formed CNN that cannot be built is infeasible; a malformed one, or an
    /// operation that breaks its contract, is a failure.
    pub(super) fn lowered(&self, genotype: &Genotype) -> Result<(Candidate, Option<Lowered>), PluginError> {
        let candidate = codebench_space::decode(&self.experiment.space, genotype).map_err(|e| match e {
            SpaceError::Unconnected => PluginError::infeasible(e.to_string()),
            e => PluginError::failed(format!("the candidate cannot be decoded: {e}")),
        })?;
        let lowered = match (&candidate.cnn, self.images) {
            (Some(cnn), Some(images)) => {
                Some(self.language.lower(cnn, images.input, images.classes).map_err(|e| {
                    let kind = if e.is_infeasible() { ErrorKind::Infeasible } else { ErrorKind::Failed };
                    PluginError { kind, message: format!("the CNN cannot be built: {e}") }
                })?)
            }
            _ => None,
        };
        Ok((candidate, lowered))
    }
}

/// What a plugin, or a look at several parts together, finds wrong with the part of the experiment at `path`.
pub(super) fn located(experiment: &Experiment, path: &str, error: SearchError) -> SearchError {
    match error {
        SearchError::Plugin { .. } | SearchError::Inconsistent(_) => {
            experiment.complain(path, error.to_string()).into()
        }
        other => other,
    }
}

fn prepare(experiment: &Experiment, catalog: &Catalog) -> Result<Vec<Prepared>, SearchError> {
    let mut prepared: Vec<Prepared> = Vec::new();
    for (i, used) in experiment.evaluators.iter().enumerate() {
        let role = || format!("evaluator `{}`", used.id);
        let place = format!("evaluator[{i}].plugin");
        let failed = |error| located(experiment, &place, SearchError::Plugin { role: role(), error });
        let entry = catalog.get(&used.plugin).map_err(failed)?;
        let evaluator = guarded(|| catalog.evaluator(&used.plugin, &used.parameters)).map_err(failed)?;
        let reads = guarded(|| Ok(evaluator.reads())).map_err(failed)?;
        if let Some(id) = reads.upstream.iter().find(|id| !prepared.iter().any(|p| p.id == **id)) {
            let message = format!(
                "{} reads the metrics of `{id}`, which is not an evaluator before it: put it first",
                role()
            );
            return Err(experiment.complain(&format!("evaluator[{i}].id"), message).into());
        }
        if reads.published && experiment.space.accelerator.as_ref().is_some_and(|a| a.base.is_some()) {
            let message = format!(
                "{} simulates as the authors' released code does, which knows no other accelerator than the paper's: leave \
                 `file` out of [space.accelerator], or choose the fidelity `cycle`",
                role()
            );
            return Err(experiment.complain(&place, message).into());
        }
        prepared.push(Prepared {
            id: used.id.clone(),
            plugin: used.plugin.clone(),
            version: entry.info.version.clone(),
            sha256: entry.sha256.clone(),
            parameters: used.parameters.clone(),
            needs: plugins::behind(used, &reads, experiment, catalog),
            data_digest: String::new(),
            reads,
            evaluator,
        });
    }
    Ok(prepared)
}

/// Asks every evaluator that reads accelerators whether it takes each value that the space lists for the paper's template; those of
/// a described accelerator were checked when it was read.
fn check_accelerators(experiment: &Experiment, evaluators: &[Prepared]) -> Result<(), SearchError> {
    let Some(template) = experiment.space.accelerator.as_ref().filter(|a| a.base.is_none()) else {
        return Ok(());
    };
    for prepared in evaluators.iter().filter(|e| e.reads.accelerator) {
        for assignment in &template.assignments {
            let Some(choice) = experiment.space.choices.get(assignment.choice) else { continue };
            for (i, value) in choice.values.iter().enumerate() {
                let named = assignment.parameters.iter().map(|name| (name.clone(), value.clone())).collect();
                let input = AcceleratorInput::Named(named);
                guarded(|| prepared.evaluator.check_accelerator(&input)).map_err(|error| {
                    let name = assignment.parameters.first().map_or("", String::as_str);
                    let message = format!("evaluator `{}` cannot run this value: {error}", prepared.id);
                    experiment.complain(&format!("space.accelerator.{name}[{i}]"), message)
                })?;
            }
        }
    }
    Ok(())
}

/// What the data set, or `[image]` without one, fixes of every CNN.
fn images(
    experiment: &Experiment,
    data: Option<DataShape>,
    evaluators: &[Prepared],
) -> Result<Option<Images>, SearchError> {
    let said = experiment.image.map(|image| Images { input: image.input, classes: image.classes });
    let Some(shape) = data else {
        if experiment.space.cnn.is_some() && said.is_none() {
            let message = match &experiment.data {
                Some(data) => format!(
                    "no evaluator reads the data set `{}`, so that nothing says what images the CNNs read: add one that does, such as \
                     `codebench/train`, or [image] with channels, height, width and classes",
                    data.id
                ),
                None => {
                    "the space has CNNs, but nothing says what images they read: add [data], or [image] with \
                         channels, height, width and classes"
                        .to_owned()
                }
            };
            return Err(experiment.complain("space", message).into());
        }
        // Beside [image], a data set waits for an evaluator that reads it.
        if let (Some(data), None) = (unread_data(experiment, evaluators), said) {
            let message = format!("no evaluator reads the data set `{}`: leave [data] out", data.id);
            return Err(experiment.complain("data.id", message).into());
        }
        return Ok(said);
    };
    match said {
        Some(image) if image.input != shape.input || image.classes != shape.classes => {
            let message = format!(
                "[image] says {} and {} classes, but the data set has {} and {}: leave [image] out",
                image.input, image.classes, shape.input, shape.classes
            );
            Err(experiment.complain("image", message).into())
        }
        _ => Ok(Some(Images { input: shape.input, classes: shape.classes })),
    }
}

/// The data set that the experiment names and no evaluator reads.
fn unread_data<'a>(experiment: &'a Experiment, evaluators: &[Prepared]) -> Option<&'a DataSource> {
    experiment.data.as_ref().filter(|_| !evaluators.iter().any(|e| e.reads.data))
}

/// What the first evaluator that knows the data set says of it.
fn data_shape(experiment: &Experiment, evaluators: &[Prepared]) -> Result<Option<DataShape>, SearchError> {
    let Some(data) = &experiment.data else { return Ok(None) };
    for prepared in evaluators {
        let asked = guarded(|| prepared.evaluator.data_shape(data).transpose());
        match asked {
            Ok(Some(shape)) => return Ok(Some(shape)),
            Ok(None) => {}
            Err(error) => {
                let role = format!("[data] of evaluator `{}`", prepared.id);
                return Err(located(experiment, "data.id", SearchError::Plugin { role, error }));
            }
        }
    }
    Ok(None)
}

pub(crate) fn make_executor(
    used: &PluginUse,
    catalog: &Catalog,
    threads: Option<usize>,
) -> Result<Box<dyn Executor>, SearchError> {
    let mut used = used.clone();
    if let (Some(threads), executor::ID) = (threads, used.plugin.as_str()) {
        let threads = i64::try_from(threads).unwrap_or(i64::MAX);
        used.parameters.insert("threads".into(), ParameterValue::Integer(threads));
    }
    guarded(|| catalog.executor(&used.plugin, &used.parameters))
        .map_err(|error| SearchError::Plugin { role: "[executor]".into(), error })
}
