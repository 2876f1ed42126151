//! The networks of the CODEBench paper, exactly as published.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use codebench_cnn::hash::{Algorithm, graph_hash_merged, graph_hash_simple, merged_modules, module_hash};
use codebench_cnn::named;
use codebench_model::{CnnGraph, TensorShape};
use common::language;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::path::Path;

fn golden() -> Map<String, Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/cnnbench.json");
    let golden: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    golden["networks"].as_object().unwrap().clone()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Name of the network and image size of a golden row: `efficientnet-b0@32`, or a name for every size.
fn name_and_image(key: &str) -> (String, Option<u64>) {
    match key.split_once('@') {
        Some((name, image)) => (format!("published/{name}"), Some(image.parse().unwrap())),
        None => (format!("published/{key}"), None),
    }
}

fn network(name: &str, image: Option<u64>) -> CnnGraph {
    match image {
        None => named::find(name).unwrap().graph,
        Some(image) => named::find_for_image(name, image).unwrap().graph,
    }
}

/// The released form without spaces.
fn published_form(graph: &CnnGraph) -> String {
    let modules: Vec<Value> = (graph.modules.iter())
        .map(|module| {
            let count = module.vertices.len();
            let mut adjacency = vec![vec![0; count]; count];
            module.edges.iter().for_each(|&[from, to]| adjacency[from][to] = 1);
            let labels: Vec<&str> = module.vertices.iter().map(|v| v.label.as_str()).collect();
            json!([adjacency, labels])
        })
        .collect();
    Value::from(modules).to_string()
}

#[test]
fn graphs_and_hashes_are_the_published_ones() {
    let golden = golden();
    let names: std::collections::BTreeSet<String> = golden.keys().map(|key| name_and_image(key).0).collect();
    assert!(names.iter().map(String::as_str).eq({
        let mut ours: Vec<&str> = named::names().filter(|n| n.starts_with("published/")).collect();
        ours.sort_unstable();
        ours
    }));
    assert_eq!(names.len(), 25);
    for (key, row) in &golden {
        let (name, image) = name_and_image(key);
        let graph = network(&name, image);
        assert!(!graph.modules.iter().any(|m| m.is_explicit()) && graph.default_channels == 128);
        assert_eq!(row["graph_sha256"], hex(&Sha256::digest(published_form(&graph))), "{key}");
        assert_eq!(row["merged_modules"], merged_modules(&graph.modules).len() as u64, "{key}");
        for (algorithm, suffix) in Algorithm::ALL {
            let check = |kind: &str, ours: String| {
                if let Some(theirs) = row.get(format!("{kind}_{suffix}")) {
                    assert_eq!(*theirs, ours, "{kind}_{suffix} of {key}");
                }
            };
            check("simple", graph_hash_simple(&graph, algorithm));
            check("merged", graph_hash_merged(&graph, algorithm));
            // The golden holds the SHA-256 of the modules' hashes, one a line.
            let modules: Vec<String> = graph.modules.iter().map(|m| module_hash(m, algorithm)).collect();
            check("modules", hex(&Sha256::digest(modules.join("\n"))));
        }
        assert!(row["simple_md5"].is_string() && row["merged_sha256"].is_string());
    }
    assert_eq!(golden.values().filter(|row| row["simple_sha512"].is_string()).count(), 2);
}

#[test]
fn parameters_are_the_published_ones() {
    let language = language();
    let (mut equal, mut refused) = (0, 0);
    for (key, row) in &golden() {
        let (name, _) = name_and_image(key);
        for (image, parameters) in row.get("params").and_then(Value::as_object).into_iter().flatten() {
            let image: u64 = image.parse().unwrap();
            let graph = network(&name, Some(image));
            let lowered = language.lower(&graph, TensorShape::new(3, image, image), 10);
            // The released code counts parameters without running the network, which then does not fit 32 pixels.
            let too_small = image == 32 && ["googlenet", "xception"].contains(&key.as_str());
            if parameters.is_null() || too_small {
                let error = lowered.unwrap_err();
                assert!(
                    error.is_infeasible() && error.to_string().contains("does not fit"),
                    "{key}: {error}"
                );
                refused += 1;
            } else {
                assert_eq!(*parameters, lowered.unwrap().published.params, "{key} at {image}");
                equal += 1;
            }
        }
    }
    assert_eq!((equal, refused), (19, 5));
}

#[test]
fn small_images_are_enlarged_for_the_efficientnets() {
    let first =
        |image| named::find_for_image("published/efficientnet-b1", image).unwrap().graph.modules.remove(0);
    assert_eq!(first(239).vertices[1].label, "upsample-s240");
    assert_eq!(first(240).vertices[1].label, "conv3x3-c32-p1-s2-bn-silu");
    assert_eq!(first(240).edges, [[0, 1], [1, 2]]);
}
