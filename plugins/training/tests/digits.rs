//! Small CNNs of the language learn the digits.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use codebench_cnn::Language;
use codebench_sdk::api::Catalog;
use codebench_sdk::prelude::*;

fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    catalog.add_all("cnn-ops", codebench_cnn_ops::PLUGINS).unwrap();
    catalog.add_all("training", codebench_training::PLUGINS).unwrap();
    catalog.add_all("trainer-burn", codebench_trainer_burn::PLUGINS).unwrap();
    catalog
}

/// A chain of labels as one module, and a head.
fn chain(labels: &[&str], head: &[&str]) -> CnnGraph {
    let module = |labels: &[&str]| {
        let vertices: Vec<Vertex> = ["input"]
            .iter()
            .chain(labels)
            .chain(&["output"])
            .map(|label| Vertex { label: label.to_string(), join: None })
            .collect();
        let edges = (1..vertices.len()).map(|to| [to - 1, to]).collect();
        CnnModule { vertices, edges }
    };
    CnnGraph { default_channels: 128, modules: vec![module(labels), module(head)] }
}

fn job(catalog: &Catalog, cnn: CnnGraph, purpose: Purpose, recipe: Recipe) -> Job {
    let lowered = Language::new(catalog).unwrap().lower(&cnn, TensorShape::new(1, 8, 8), 10).unwrap();
    Job {
        v: Job::VERSION,
        trial: 0,
        purpose,
        candidate: Genotype(vec![]),
        cnn: Some(cnn),
        workload: Some(lowered.workload),
        published: None,
        accelerator: None,
        data: Some(DataSource { id: "digits".into(), parameters: Parameters::new() }),
        recipe: Some(recipe),
        resume_from: None,
        donor: None,
        seed: 1,
        limits: Limits::default(),
        upstream: Default::default(),
    }
}

#[test]
fn a_small_cnn_reaches_98_percent_on_the_test_split() {
    let catalog = catalog();
    let train = catalog.evaluator("codebench/train", &Parameters::new()).unwrap();
    let cnn = chain(
        &["conv3x3-c16-p1-bn-relu", "conv3x3-c32-p1-bn-relu", "maxpool2x2-s2", "conv3x3-c32-p1-bn-relu"],
        &["global-avg-pool", "flatten", "dense_classes"],
    );
    let metrics = train.evaluate(&job(&catalog, cnn, Purpose::Final, Recipe::default())).unwrap();
    println!("{metrics:?}");
    assert!(metrics.values["test_accuracy"] >= 0.98, "{metrics:?}");
}
