//! The jobs that the suite of `evaluator` asks are what a study would ask: the CNN lowered, for 8 x 8 digits.
#![allow(clippy::unwrap_used)]

use codebench_api::Catalog;
use codebench_cnn::Language;
use codebench_model::accelerator::DEFAULT_VECTOR;
use codebench_model::{
    AcceleratorInput, CnnGraph, CnnModule, DataSource, Genotype, Job, Limits, ParameterValue, Parameters,
    Purpose, Recipe, TensorShape, Vertex,
};
use std::collections::BTreeMap;

fn chain(labels: &[&str]) -> CnnModule {
    let labels = ["input"].iter().chain(labels).chain(&["output"]);
    let vertices: Vec<Vertex> = labels.map(|label| Vertex::new(*label)).collect();
    let edges = (1..vertices.len()).map(|v| [v - 1, v]).collect();
    CnnModule { vertices, edges }
}

fn graphs() -> Vec<CnnGraph> {
    let residual = CnnModule {
        edges: vec![[0, 1], [1, 2], [0, 2]],
        vertices: ["input", "conv3x3-c4-p1-bn-relu", "output"].map(Vertex::new).into(),
    };
    let head = || chain(&["flatten", "dense_classes"]);
    vec![
        CnnGraph {
            default_channels: 4,
            modules: vec![chain(&["conv3x3-c4-p1-bn-relu", "maxpool2x2-s2"]), head()],
        },
        CnnGraph {
            default_channels: 4,
            modules: vec![chain(&["conv3x3-c4-p1-s2-bn-silu"]), residual, head()],
        },
    ]
}

fn jobs() -> Vec<Job> {
    let mut catalog = Catalog::default();
    catalog.add_all("codebench-cnn-ops", codebench_cnn_ops::PLUGINS).unwrap();
    let language = Language::new(&catalog).unwrap();
    let named = Parameters::from([("pib".to_owned(), ParameterValue::Integer(1))]);
    let accelerators = [AcceleratorInput::Vector(DEFAULT_VECTOR.to_vec()), AcceleratorInput::Named(named)];
    let job = |(i, (graph, accelerator)): (usize, (CnnGraph, AcceleratorInput))| {
        let lowered = language.lower(&graph, TensorShape::new(1, 8, 8), 10).unwrap();
        Job {
            v: Job::VERSION,
            trial: i as u64,
            purpose: Purpose::Search,
            candidate: Genotype(vec![i as u32, 0]),
            values: Parameters::from([("size".to_owned(), ParameterValue::Integer(i as i64))]),
            cnn: Some(graph),
            workload: Some(lowered.workload),
            published: Some(lowered.published),
            accelerator: Some(accelerator),
            data: Some(DataSource { id: "digits".into(), parameters: Parameters::new() }),
            recipe: Some(Recipe { epochs: 1, batch_size: 64, ..Recipe::default() }),
            resume_from: None,
            donor: None,
            seed: 1,
            limits: Limits::default(),
            upstream: BTreeMap::new(),
        }
    };
    graphs().into_iter().zip(accelerators).enumerate().map(job).collect()
}

#[test]
fn the_jobs_of_the_suite_are_lowered_as_a_study_lowers_them() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("data/jobs.json");
    let text = serde_json::to_string_pretty(&jobs()).unwrap() + "\n";
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text, "BLESS=1 rewrites data/jobs.json");
}
