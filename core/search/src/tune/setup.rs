//! What a tuning is made of before it runs: the evaluator, made and asked what it needs, and the CNN, lowered.

use super::file::{Cnn, Tuning};
use crate::error::SearchError;
use crate::store::PluginRow;
use crate::study::plugins::{needed, row, versioned};
use crate::study::setup::{Prepared, make_executor};
use crate::study::strategist::guarded;
use codebench_api::{Catalog, Executor};
use codebench_cnn::{Language, named};
use codebench_model::{
    CnnGraph, DataShape, Genotype, Job, Limits, ParameterValue, Parameters, Purpose, TensorShape, Workload,
};
use std::collections::BTreeMap;
use std::path::Path;

/// Name of the evaluator in the store.
const EVALUATOR: &str = "evaluator";
/// Parameters that an evaluator has if it keeps trainings to go on with, and that the tuning fills in.
const FOLDER: &str = "checkpoints";
const RESUMABLE: &str = "resumable";

/// Everything that an evaluation reads.
pub(super) struct Setup {
    pub(super) prepared: Prepared,
    pub(super) executor: Box<dyn Executor>,
    pub(super) plugins: Vec<PluginRow>,
    /// Hashes of what is read beside the file.
    pub(super) contents: BTreeMap<String, String>,
    /// The job of every evaluation but for recipe, values and what it goes on from.
    pub(super) job: Job,
}

impl Setup {
    pub(super) fn new(
        tuning: &Tuning,
        catalog: &Catalog,
        out: &Path,
        threads: Option<usize>,
    ) -> Result<Setup, SearchError> {
        let mut prepared = prepare(tuning, catalog, out)?;
        if !prepared.reads.recipe && !prepared.reads.candidate {
            let message = format!(
                "plugin `{}` reads neither recipe nor candidate: every recipe would get the same answer",
                prepared.plugin
            );
            return Err(tuning.complain("evaluator.plugin", message).into());
        }
        let data = data_shape(tuning, &prepared)?;
        let mut contents = BTreeMap::new();
        contents.extend(prepared.reads.contents.clone().map(|hash| ("evaluator".to_owned(), hash)));
        if let Some(data) = &data {
            prepared.data_digest.clone_from(&data.digest);
            contents.insert("data set".to_owned(), data.digest.clone());
        }
        let lowered = if prepared.reads.cnn { Some(lower(tuning, catalog, data.as_ref())?) } else { None };
        let (cnn, workload) = lowered.unzip();
        let executor = make_executor(&tuning.executor, catalog, threads)
            .map_err(|e| SearchError::from(tuning.complain("executor.plugin", e.to_string())))?;
        let used = &tuning.evaluator;
        let mut plugins: Vec<PluginRow> = needed(&used.plugin, &used.parameters, catalog)
            .map(|entry| row(format!("{EVALUATOR}: {}", entry.info.id), entry))
            .collect();
        plugins.extend(catalog.get(&used.plugin).ok().map(|entry| row(EVALUATOR.to_owned(), entry)));
        let job = Job {
            v: Job::VERSION,
            trial: 0,
            purpose: Purpose::Search,
            candidate: Genotype(Vec::new()),
            values: Parameters::new(),
            cnn,
            workload,
            published: None,
            accelerator: None,
            data: tuning.data.clone(),
            recipe: None,
            resume_from: None,
            donor: None,
            seed: tuning.seed,
            limits: Limits::default(),
            upstream: BTreeMap::new(),
        };
        Ok(Setup { prepared, executor, plugins, contents, job })
    }
}

fn prepare(tuning: &Tuning, catalog: &Catalog, out: &Path) -> Result<Prepared, SearchError> {
    let used = &tuning.evaluator;
    let failed = |error| {
        let role = format!("evaluator `{}`", used.plugin);
        SearchError::from(
            tuning.complain("evaluator.plugin", SearchError::Plugin { role, error }.to_string()),
        )
    };
    let entry = catalog.get(&used.plugin).map_err(failed)?;
    let mut made_with = used.parameters.clone();
    let empty = ParameterValue::Text(String::new());
    if made_with.get(FOLDER) == Some(&empty) && made_with.contains_key(RESUMABLE) {
        let folder = out.join(FOLDER).display().to_string();
        made_with.insert(FOLDER.into(), ParameterValue::Text(folder));
        made_with.insert(RESUMABLE.into(), ParameterValue::Boolean(true));
    }
    let evaluator = guarded(|| catalog.evaluator(&used.plugin, &made_with)).map_err(failed)?;
    let reads = guarded(|| Ok(evaluator.reads())).map_err(failed)?;
    Ok(Prepared {
        id: EVALUATOR.into(),
        plugin: used.plugin.clone(),
        version: entry.info.version.clone(),
        sha256: entry.sha256.clone(),
        // As the file has them: where checkpoints lie changes no answer.
        parameters: used.parameters.clone(),
        needs: needed(&used.plugin, &used.parameters, catalog).map(versioned).collect(),
        data_digest: String::new(),
        reads,
        evaluator,
    })
}

fn data_shape(tuning: &Tuning, prepared: &Prepared) -> Result<Option<DataShape>, SearchError> {
    let Some(data) = &tuning.data else {
        if prepared.reads.data {
            let message = format!("plugin `{}` reads a data set: add [data] with its id", prepared.plugin);
            return Err(tuning.complain("evaluator.plugin", message).into());
        }
        return Ok(None);
    };
    guarded(|| prepared.evaluator.data_shape(data).transpose())
        .map_err(|error| tuning.complain("data.id", error.to_string()).into())
}

/// The CNN for the images of the data set, or of `[image]`.
fn lower(
    tuning: &Tuning,
    catalog: &Catalog,
    data: Option<&DataShape>,
) -> Result<(CnnGraph, Workload), SearchError> {
    let complain = |path: &str, message: String| SearchError::from(tuning.complain(path, message));
    let Some(cnn) = &tuning.cnn else {
        let message = "the evaluator reads a CNN: add `cnn = \"lenet-5\"` or the path of a CNN file";
        return Err(complain("evaluator.plugin", message.into()));
    };
    let of_data = data.map(|data| (data.input, data.classes));
    let of_image = tuning.image.map(|image| (image.input, image.classes));
    let Some((input, classes)): Option<(TensorShape, u64)> = of_data.or(of_image) else {
        let message = "nothing says what images the CNN reads: add [data], or [image] with channels, height, width and classes";
        return Err(complain("cnn", message.into()));
    };
    let graph = match cnn {
        Cnn::Graph(graph) => graph.clone(),
        Cnn::Named(name) => {
            named::find_for_image(name, input.height).map_err(|e| complain("cnn", e.to_string()))?.graph
        }
    };
    let language = Language::new(catalog)
        .map_err(|e| SearchError::Inconsistent(format!("the CNN language cannot be put together: {e}")))?;
    let lowered = language.lower(&graph, input, classes).map_err(|e| {
        complain("cnn", format!("the CNN cannot be built for images of {input} in {classes} classes: {e}"))
    })?;
    Ok((graph, lowered.workload))
}
