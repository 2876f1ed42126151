//! What the tests of the language share.
#![allow(dead_code)]

use codebench_api::Catalog;
use codebench_cnn::{CnnError, Language, Lowered};
use codebench_model::{CnnGraph, CnnModule, Join, TensorShape, Vertex};

pub(crate) fn language() -> Language {
    let mut catalog = Catalog::default();
    catalog.add_all("codebench-cnn-ops", codebench_cnn_ops::PLUGINS).unwrap();
    Language::new(&catalog).unwrap()
}

/// Vertices `label`, or `join:label`, and edges.
pub(crate) fn module(labels: &[&str], edges: &[[usize; 2]]) -> CnnModule {
    let vertices = labels.iter().map(|text| match text.split_once(':') {
        Some(("sum", label)) => Vertex::joined(label, Join::Sum),
        Some(("concat", label)) => Vertex::joined(label, Join::Concat),
        Some(("multiply", label)) => Vertex::joined(label, Join::Multiply),
        _ => Vertex::new(*text),
    });
    CnnModule { vertices: vertices.collect(), edges: edges.to_vec() }
}

/// A chain between `input` and `output`.
pub(crate) fn chain(labels: &[&str]) -> CnnModule {
    let labels: Vec<&str> = ["input"].iter().chain(labels).chain(&["output"]).copied().collect();
    let edges: Vec<[usize; 2]> = (1..labels.len()).map(|v| [v - 1, v]).collect();
    module(&labels, &edges)
}

pub(crate) fn head() -> CnnModule {
    chain(&["global-avg-pool", "dense_classes"])
}

pub(crate) fn cnn(modules: Vec<CnnModule>) -> CnnGraph {
    CnnGraph { default_channels: 128, modules }
}

/// Lowered for a 3 x 32 x 32 image and 10 classes.
pub(crate) fn lower(modules: Vec<CnnModule>) -> Result<Lowered, CnnError> {
    language().lower(&cnn(modules), TensorShape::new(3, 32, 32), 10)
}
