//! Bodies of the fuzz targets: whatever the bytes, a reader answers with a value or an error, and never panics.

use codebench::simulators::Simulators;
use codebench_api::Catalog;
use codebench_cnn::Language;
use codebench_cnn::file::{self, Format};
use codebench_model::{CnnGraph, TensorShape};
use std::path::Path;
use std::sync::OnceLock;

#[allow(clippy::expect_used)]
fn catalog() -> &'static Catalog {
    static CATALOG: OnceLock<Catalog> = OnceLock::new();
    CATALOG.get_or_init(|| codebench::catalog().expect("the catalogue is consistent"))
}

#[allow(clippy::expect_used)]
fn language() -> &'static Language {
    static LANGUAGE: OnceLock<Language> = OnceLock::new();
    LANGUAGE.get_or_init(|| Language::new(catalog()).expect("the language is consistent"))
}

#[allow(clippy::expect_used)]
fn simulator() -> &'static Simulators {
    static SIMULATOR: OnceLock<Simulators> = OnceLock::new();
    SIMULATOR.get_or_init(|| Simulators::new(catalog()).expect("constants are built in"))
}

/// The label parser, and shape inference for the labels that it accepts.
pub fn label(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if language().check_label(text).is_err() {
        return;
    }
    let vertices = serde_json::json!(["input", text, "output"]);
    let graph = serde_json::json!([[[[0, 1, 0], [0, 0, 1], [0, 0, 0]], vertices]]);
    if let Ok(graph) = file::parse(&graph.to_string(), Format::Json) {
        lower(&graph);
    }
}

/// Lowering answers with a consistent workload or an error.
fn lower(graph: &CnnGraph) {
    if let Ok(lowered) = language().lower(graph, TensorShape::new(3, 16, 16), 10) {
        let workload = &lowered.workload;
        assert!(workload.output < workload.tensors.len(), "the output is a tensor of the workload");
        assert!(workload.layers.iter().all(|l| l.inputs.iter().all(|i| *i < workload.tensors.len())));
    }
}

/// The reader of CNN files: what it accepts it writes and reads back, in both notations.
pub fn cnn_file(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    for format in [Format::Json, Format::Toml] {
        let Ok(graph) = file::parse(text, format) else { continue };
        for written in [Format::Json, Format::Toml] {
            let again = file::parse(&file::write(&graph, written), written);
            assert_eq!(again.as_ref(), Ok(&graph), "written as {written:?}");
        }
        lower(&graph);
    }
}

/// The reader of jobs: every line has one answer, which is JSON.
///
/// # Panics
/// If a line has no answer.
#[allow(clippy::expect_used)]
pub fn job(data: &[u8]) {
    let reader = std::io::Cursor::new(data.to_vec());
    let mut out = Vec::new();
    let summary =
        codebench::jobs::run(reader, &mut out, language(), simulator(), 1).expect("memory is readable");
    let answers: Vec<_> = out.split(|b| *b == b'\n').filter(|line| !line.is_empty()).collect();
    assert_eq!(answers.len() as u64, summary.lines, "one answer a line");
    for answer in answers {
        let value: serde_json::Value = serde_json::from_slice(answer).expect("an answer is JSON");
        assert!(value.get("ok").is_some() != value.get("error").is_some(), "{value}");
    }
}

/// The reader of experiments.
pub fn experiment(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match codebench_search::Experiment::parse(text, "fuzz.toml", Path::new("."), catalog()) {
        Ok(experiment) => assert!(experiment.budget.trials > 0, "an empty budget is refused"),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
