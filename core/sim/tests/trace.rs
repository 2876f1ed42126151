//! A trace opens in Chrome's and Perfetto's viewers: it follows its schema, and no module is in two places at once.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use codebench_api::Catalog;
use codebench_cnn::{Language, named};
use codebench_model::TensorShape;
use codebench_sim::cycle::{Machine, Options, Sparsity, evaluate, write_trace};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const SCHEMA: &str = include_str!("../../../docs/schema/trace.json");

/// The trace of a network on an example's accelerator, and its total cycles.
fn trace(network: &str, accelerator: &str) -> (Value, u64) {
    let _ = (codebench_accelbench::PLUGINS.len(), codebench_cnn_ops::PLUGINS.len());
    let catalog = Catalog::built_in().unwrap();
    let text = std::fs::read_to_string(format!("../../examples/accelerators/{accelerator}.toml")).unwrap();
    let machine = Machine::resolve(&toml::from_str(&text).unwrap(), &catalog).unwrap();
    let language = Language::new(&catalog).unwrap();
    let graph = named::find_for_image(network, 32).unwrap().graph;
    let workload = language.lower(&graph, TensorShape::new(3, 32, 32), 10).unwrap().workload;
    let options = Options { record: true, ..Options::default() };
    let (_, timeline) = evaluate(&machine, &workload, &Sparsity::Paper, options).unwrap();
    let mut out = Vec::new();
    let record = timeline.record.unwrap();
    write_trace(&machine, &workload, &timeline.main_layers, &record, &mut out).unwrap();
    (serde_json::from_slice(&out).unwrap(), timeline.total_cycles)
}

#[test]
fn traces_follow_the_schema_and_no_module_does_two_things_at_once() {
    let schema = jsonschema::validator_for(&serde_json::from_str(SCHEMA).unwrap()).unwrap();
    for (network, accelerator) in [
        ("resnet18", "paper"),
        ("mobilenet-v2", "paper"),
        ("shufflenet-v2", "server-hbm"),
        ("lenet-5", "paper"),
    ] {
        let network_name = network;
        let (trace, total) = trace(network, accelerator);
        let errors: Vec<String> = schema.iter_errors(&trace).take(3).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{network_name} on {accelerator}: {errors:?}");
        let events = trace["traceEvents"].as_array().unwrap();
        let named: BTreeSet<u64> = events
            .iter()
            .filter(|event| event["name"] == "thread_name")
            .map(|event| event["tid"].as_u64().unwrap())
            .collect();
        let mut spans: BTreeMap<u64, Vec<(u64, u64)>> = BTreeMap::new();
        for event in events.iter().filter(|event| event["ph"] == "X") {
            let args = &event["args"];
            let start = args["start_cycle"].as_u64().unwrap();
            let end = start + args["cycles"].as_u64().unwrap();
            spans.entry(event["tid"].as_u64().unwrap()).or_default().push((start, end));
        }
        assert!(spans.keys().all(|thread| named.contains(thread)), "{network_name}: a thread without a name");
        for (thread, spans) in &mut spans {
            spans.sort_unstable();
            let overlap = spans.windows(2).find(|pair| pair[0].1 > pair[1].0);
            assert_eq!(overlap, None, "{network_name} on {accelerator}: thread {thread}");
        }
        let last = spans.values().flatten().map(|(_, end)| *end).max().unwrap();
        assert!(spans.len() >= 8 && last <= total && last * 2 > total, "{network_name}: {last} of {total}");
    }
}

#[test]
fn the_schema_refuses_what_no_viewer_reads() {
    let schema = jsonschema::validator_for(&serde_json::from_str(SCHEMA).unwrap()).unwrap();
    let (whole, _) = trace("lenet-5", "paper");
    assert!(schema.is_valid(&whole));
    let index = whole["traceEvents"].as_array().unwrap().iter().position(|e| e["ph"] == "X").unwrap();
    for (pointer, value) in [
        ("ph", json!("B")),
        ("ts", json!(-1.0)),
        ("dur", json!("long")),
        ("tid", json!("dma")),
        ("args/task", json!("sleep")),
    ] {
        let mut broken = whole.clone();
        *broken.pointer_mut(&format!("/traceEvents/{index}/{pointer}")).unwrap() = value;
        assert!(!schema.is_valid(&broken), "{pointer}");
    }
}
