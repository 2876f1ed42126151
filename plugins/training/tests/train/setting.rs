//! A catalogue of what training needs, CNNs as chains, and jobs.

use codebench_cnn::{CnnError, Language};
use codebench_sdk::api::{Catalog, Evaluator, Network, NetworkOptions};
use codebench_sdk::model::*;

/// Operations, data sets and the engine.
pub(crate) fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    catalog.add_all("cnn-ops", codebench_cnn_ops::PLUGINS).unwrap();
    catalog.add_all("training", codebench_training::PLUGINS).unwrap();
    catalog.add_all("trainer-burn", codebench_trainer_burn::PLUGINS).unwrap();
    catalog
}

pub(crate) fn evaluator() -> Box<dyn Evaluator> {
    catalog().evaluator("codebench/train", &Parameters::new()).unwrap()
}

/// The network of a workload on the embedded engine, for Adam.
pub(crate) fn built(workload: &Workload, seed: u64) -> Box<dyn Network> {
    let options = NetworkOptions {
        seed,
        optimizer: "adam".into(),
        momentum: 0.9,
        betas: [0.9, 0.999],
        weight_decay: 0.0,
        label_smoothing: 0.0,
        clip_norm: 0.0,
    };
    catalog().engine("codebench/burn", &Parameters::new()).unwrap().build(workload, &options).unwrap()
}

/// A module whose vertices follow one another.
pub(crate) fn chain(labels: &[&str]) -> CnnModule {
    let labels = ["input"].iter().chain(labels).chain(&["output"]);
    let vertices: Vec<Vertex> = labels.map(|label| Vertex::new(*label)).collect();
    let edges = (1..vertices.len()).map(|to| [to - 1, to]).collect();
    CnnModule { vertices, edges }
}

/// A module and a head of average pool and classifier.
pub(crate) fn network(modules: Vec<CnnModule>) -> CnnGraph {
    let head = chain(&["global-avg-pool", "flatten", "dense_classes"]);
    CnnGraph { default_channels: 16, modules: modules.into_iter().chain([head]).collect() }
}

/// The CNN that most tests train.
pub(crate) fn small() -> CnnGraph {
    network(vec![chain(&[
        "conv3x3-c16-p1-bn-relu",
        "conv3x3-c32-p1-bn-relu",
        "maxpool2x2-s2",
        "conv3x3-c32-p1-bn-relu",
    ])])
}

pub(crate) fn lower(cnn: &CnnGraph) -> Workload {
    try_lower(cnn).unwrap_or_else(|e| panic!("{cnn:?}: {e}"))
}

pub(crate) fn try_lower(cnn: &CnnGraph) -> Result<Workload, CnnError> {
    let language = Language::new(&catalog()).unwrap();
    Ok(language.lower(cnn, TensorShape::new(1, 8, 8), 10)?.workload)
}

pub(crate) fn digits() -> DataSource {
    DataSource { id: "digits".into(), parameters: Parameters::new() }
}

pub(crate) fn job(cnn: CnnGraph, purpose: Purpose, recipe: Recipe) -> Job {
    let workload = lower(&cnn);
    Job {
        v: Job::VERSION,
        trial: 0,
        purpose,
        candidate: Genotype(vec![]),
        values: Default::default(),
        cnn: Some(cnn),
        workload: Some(workload),
        published: None,
        accelerator: None,
        data: Some(digits()),
        recipe: Some(recipe),
        resume_from: None,
        donor: None,
        seed: 1,
        limits: Limits::default(),
        upstream: Default::default(),
    }
}

/// One epoch in large steps.
pub(crate) fn short() -> Recipe {
    Recipe { epochs: 1, batch_size: 128, ..Recipe::default() }
}
