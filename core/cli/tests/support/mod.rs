//! The CNNs of the reference values as job lines.

#![allow(clippy::unwrap_used, reason = "only tests and benchmarks read it")]

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A file of reference values.
pub(crate) fn golden(name: &str) -> Value {
    let text = std::fs::read_to_string(root().join("tests/golden").join(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The elements of an array.
pub(crate) fn list(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap()
}

/// Jobs that lack an accelerator, by the name of their CNN; `crash` says whether the CNN cannot be built.
pub(crate) fn cnns() -> BTreeMap<String, Value> {
    let lowering = golden("cnn_lowering.json");
    list(&lowering["cnns"])
        .iter()
        .map(|cnn| {
            let graph: Vec<Value> = list(&cnn["modules"])
                .iter()
                .map(|module| {
                    let size = list(&module["labels"]).len();
                    let mut matrix = vec![vec![0; size]; size];
                    for edge in list(&module["edges"]) {
                        let end = |i: usize| edge[i].as_u64().unwrap() as usize;
                        matrix[end(0)][end(1)] = 1;
                    }
                    json!([matrix, module["labels"]])
                })
                .collect();
            let job = json!({
                "cnn": {"graph": graph, "default_channels": cnn["default_channels"]},
                "image": cnn["image"],
                "channels": cnn["channels"],
                "classes": cnn["classes"],
                "fidelity": "published",
                "crash": cnn.get("crash").is_some(),
            });
            (cnn["id"].as_str().unwrap().to_owned(), job)
        })
        .collect()
}
