//! Whole CNNs as labelled graphs, and distances between them.
#![allow(clippy::unwrap_used, clippy::panic)]

use codebench_cnn::file::{self, Format};
use codebench_cnn::named;
use codebench_model::CnnGraph;
use codebench_space::distance::{EditCosts, Operations, PreparedGraph, fast};
use serde_json::Value;
use std::path::Path;

fn golden() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/distances.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn prepared(operations: &Operations, cnn: &CnnGraph) -> PreparedGraph {
    PreparedGraph::new(&operations.graph(cnn).unwrap()).unwrap()
}

/// The released distances are first paths: vertices cost what they cost there, edges are dust.
#[test]
fn weights_and_positions_are_those_of_the_released_code() {
    let golden = golden();
    let listed =
        ["base_ops", "flatten_ops", "dense_ops"].map(|part| golden["config_ops"][part].as_array().unwrap());
    let labels = listed.iter().flat_map(|part| part.iter().map(|l| l.as_str().unwrap()));
    let operations = Operations::new(labels, 128, 10);
    let pairs = golden["pairs"].as_array().unwrap();
    assert_eq!(pairs.len(), 29);
    for pair in pairs {
        let read = |side: &str| file::parse(&pair[side].to_string(), Format::Json).unwrap();
        let (a, b) = (prepared(&operations, &read("a")), prepared(&operations, &read("b")));
        let ours = fast(&a, &b, &EditCosts::published()).cost;
        let released = pair["distance"].as_f64().unwrap();
        assert!(ours <= released * (1.0 + 1e-13) && ours >= released - 1e-7, "{ours} {released}");
    }
}

#[test]
fn named_networks_lie_apart_by_what_they_differ_in() {
    let names = ["published/resnet18", "published/resnet34", "published/vgg16", "published/vgg19"];
    let cnns: Vec<CnnGraph> = names.iter().map(|n| named::find(n).unwrap().graph).collect();
    let operations = Operations::of_cnns(&cnns, 1000);
    let graphs: Vec<PreparedGraph> = cnns.iter().map(|c| prepared(&operations, c)).collect();
    let distance = |i: usize, j: usize| fast(&graphs[i], &graphs[j], &EditCosts::default()).cost;
    for i in 0..names.len() {
        assert_eq!(distance(i, i), 0.0);
        for j in 0..i {
            assert!(distance(i, j) > 0.0 && distance(i, j) == distance(j, i), "{} {}", names[i], names[j]);
        }
    }
    // VGG-19 is VGG-16 with a convolution of 256 channels and two of 512 more, each between two edges instead of one.
    let more = f64::from(128 * 256 * 9 + 19 + 2 * (128 * 512 * 9 + 19)) / 1e6 + 9.0 * 1e-9;
    assert!((distance(2, 3) - more).abs() < 1e-12, "{} {more}", distance(2, 3));
}

#[test]
fn a_label_that_is_not_listed_is_refused_with_its_place() {
    let cnn = named::find("published/lenet").unwrap().graph;
    let operations = Operations::new(["avgpool2x2"], 128, 10);
    assert_eq!(
        operations.graph(&cnn).unwrap_err().to_string(),
        "module 0, vertex 1 `conv5x5-c6-bn-relu`: the label is not among the 4 operations that distances are \
         measured with: add it to their list"
    );
}
