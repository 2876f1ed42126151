//! The compact reference values in `tests/golden/accelbench.json`: per network the operations as the released
//! simulator sees them, and per accelerator every number that it reports.

#![allow(clippy::unwrap_used, clippy::panic, reason = "only tests read it")]

use codebench_model::{PublishedOp, PublishedOps, TensorShape};
use serde_json::Value;

/// A network with its reference runs.
pub(crate) struct Network {
    /// Name, such as `resnet18@32`.
    pub(crate) id: String,
    /// Operations.
    pub(crate) ops: PublishedOps,
    /// Runs.
    pub(crate) runs: Vec<Run>,
}

/// One accelerator.
pub(crate) struct Run {
    /// The vector as given.
    pub(crate) accelerator: Vec<f64>,
    /// What the released simulator answered.
    pub(crate) outcome: Outcome,
}

/// What the released simulator answered.
pub(crate) enum Outcome {
    /// Integers as they are, doubles as bits: cycles, figures, activation buffer, weight buffer, counts. The file
    /// lacks a few counts.
    Numbers(Vec<Option<u64>>),
    /// The class of the exception.
    Crash(String),
}

/// Every network of the file.
pub(crate) fn networks() -> Vec<Network> {
    let text = include_str!("../../../../tests/golden/accelbench.json");
    let all: Vec<Value> = serde_json::from_str(text).unwrap();
    all.iter().map(network).collect()
}

fn network(value: &Value) -> Network {
    let rows: Vec<&Vec<Value>> = list(&value["rows"]).iter().map(list).collect();
    let image = rows.iter().find(|r| r[0] == "I").map(|r| numbers(r)).unwrap();
    let ops: Vec<PublishedOp> = rows.iter().filter(|r| r[0] != "I").map(|r| op(r)).collect();
    Network {
        id: value["id"].as_str().unwrap().to_owned(),
        ops: PublishedOps {
            image: TensorShape::new(image[0], image[1], image[2]),
            params: value["params"].as_u64().unwrap(),
            macs: value["macs"].as_u64().unwrap(),
            layers: vec![None; ops.len()],
            ops,
            has_relu: value["relu"].as_bool().unwrap(),
            has_silu: value["silu"].as_bool().unwrap(),
        },
        runs: list(&value["runs"]).iter().map(run).collect(),
    }
}

fn list(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap()
}

fn numbers(row: &[Value]) -> Vec<u64> {
    row[1..].iter().map(|v| v.as_u64().unwrap()).collect()
}

fn op(row: &[Value]) -> PublishedOp {
    if row[0] == "N" {
        return PublishedOp::NoCost { name: row[1].as_str().unwrap().to_owned() };
    }
    let n = numbers(row);
    match row[0].as_str().unwrap() {
        "C" => PublishedOp::Conv {
            position: n[0],
            height: n[1],
            width: n[2],
            channels: n[3],
            kernel_x: n[4],
            kernel_y: n[5],
            stride_x: n[6],
            stride_y: n[7],
            in_channels: n[8],
            out_channels: n[9],
            groups: n[10],
            grouped: n[11] == 1,
        },
        "B" => PublishedOp::BatchNorm { height: n[0], width: n[1], channels: n[2] },
        "P" => PublishedOp::Pool { channels: n[0], elements: n[1] },
        "G" => PublishedOp::GlobalAveragePool { channels: n[0], height: n[1], width: 1 },
        "U" => PublishedOp::Upsample { channels: n[0], elements: n[1] },
        "L" => PublishedOp::Linear { in_features: n[0], out_features: n[1] },
        other => panic!("unknown row {other}"),
    }
}

fn run(value: &Value) -> Run {
    let accelerator = list(&value["accel"]).iter().map(|v| v.as_f64().unwrap()).collect();
    let outcome = match value["crash"].as_str() {
        Some(class) => Outcome::Crash(class.to_owned()),
        None => Outcome::Numbers(
            ["cycles", "figures", "activation", "weight", "counts"]
                .iter()
                .flat_map(|field| list(&value[field]))
                .map(|v| v.as_u64().or_else(|| v.as_f64().map(f64::to_bits)))
                .collect(),
        ),
    };
    Run { accelerator, outcome }
}
