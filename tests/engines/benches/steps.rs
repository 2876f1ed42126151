//! Times of one training step, for `tests/tools/training-figures`.
//!
//! `list` prints the networks that are measured as one JSON object, name -> workload; `time ENGINE NETWORK BATCH THREADS SECONDS`
//! prints the times of the steps in milliseconds as one JSON list, after as many seconds of steps that warm up as are measured.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use codebench_api::{Catalog, MiniBatch, NetworkOptions, StepOptions};
use codebench_cnn::Language;
use codebench_engines::ENGINES;
use codebench_model::{CnnGraph, CnnModule, ParameterValue, Parameters, TensorShape, Vertex, Workload};
use std::collections::BTreeMap;
use std::time::Instant;

const CLASSES: u64 = 10;

/// Operations that are measured one by one: four of each behind a convolution to 32 channels.
const LABELS: [&str; 16] = [
    "conv3x3-c32-p1",
    "conv1x1-c32",
    "conv5x5-c32-p2",
    "conv3x3-c32-p1-g4",
    "conv3x3-dw-p1",
    "conv3x3-c32-d2-p2",
    "maxpool3x3-p1-s1",
    "avgpool3x3-p1-s1",
    "bn",
    "act-relu",
    "act-silu",
    "act-gelu",
    "channel_shuffle-g4",
    "lrn",
    "dropout-p2",
    "upsample-s16",
];

fn chain(labels: &[&str]) -> CnnModule {
    let labels = ["input"].iter().chain(labels).chain(&["output"]);
    let vertices: Vec<Vertex> = labels.map(|label| Vertex::new(*label)).collect();
    let edges = (1..vertices.len()).map(|to| [to - 1, to]).collect();
    CnnModule { vertices, edges }
}

/// Modules behind each other, with a head; the images.
fn network(modules: &[&[&str]], image: TensorShape) -> (CnnGraph, TensorShape) {
    let head = chain(&["global-avg-pool", "flatten", "dense_classes"]);
    let modules = modules.iter().map(|labels| chain(labels)).chain([head]).collect();
    (CnnGraph { default_channels: 32, modules }, image)
}

/// Every network that is measured.
fn networks(catalog: &Catalog) -> BTreeMap<String, Workload> {
    let conv = |channels: u64| format!("conv3x3-c{channels}-p1-bn-relu");
    let (c32, c64, c128) = (conv(32), conv(64), conv(128));
    let small = TensorShape::new(1, 8, 8);
    let colour = TensorShape::new(3, 32, 32);
    let mut graphs = BTreeMap::from([
        ("three convolutions, 8x8".to_owned(), network(&[&[&c32, &c64, &c64]], small)),
        (
            "six convolutions, 32x32".to_owned(),
            network(
                &[&[&c32, &c32, "maxpool2x2-s2"], &[&c64, &c64, "maxpool2x2-s2"], &[&c128, &c128]],
                colour,
            ),
        ),
        (
            "depthwise, 32x32".to_owned(),
            network(
                &[
                    &[&c32, "conv3x3-dw-p1-bn-relu", "conv1x1-c64-bn-relu", "maxpool2x2-s2"],
                    &["conv3x3-dw-p1-bn-relu", "conv1x1-c128-bn-relu"],
                ],
                colour,
            ),
        ),
    ]);
    let map = TensorShape::new(3, 16, 16);
    for label in LABELS {
        graphs.insert(format!("op {label}"), network(&[&["conv1x1-c32"], &[label; 4]], map));
    }
    let language = Language::new(catalog).unwrap();
    let lower = |(graph, image): (CnnGraph, TensorShape)| {
        language.lower(&graph, image, CLASSES).unwrap_or_else(|e| panic!("{graph:?}: {e}")).workload
    };
    graphs.into_iter().map(|(name, graph)| (name, lower(graph))).collect()
}

/// Times of the steps, in milliseconds.
fn times(
    catalog: &Catalog,
    engine: &str,
    workload: &Workload,
    batch: u64,
    threads: i64,
    seconds: f64,
) -> Vec<f64> {
    let id = ENGINES.into_iter().find(|id| id.ends_with(&format!("/{engine}"))).unwrap();
    let own = match id == ENGINES[1] {
        true => Parameters::from([("threads".to_owned(), ParameterValue::Integer(threads))]),
        false => Parameters::new(),
    };
    let options = NetworkOptions {
        seed: 1,
        optimizer: "sgd".into(),
        momentum: 0.9,
        betas: [0.9, 0.999],
        weight_decay: 0.0,
        label_smoothing: 0.0,
        clip_norm: 0.0,
    };
    let mut network = catalog.engine(id, &own).unwrap().build(workload, &options).unwrap();
    let shape = workload.tensors[workload.input];
    let mut rng = codebench_space::Rng::new(1, 0);
    let values = batch * shape.elements().unwrap();
    let images: Vec<f32> = (0..values).map(|_| (2.0 * rng.unit() - 1.0) as f32).collect();
    let labels: Vec<u32> = (0..batch).map(|_| rng.below(CLASSES) as u32).collect();
    let batch = MiniBatch { images: &images, labels: &labels, shape };
    let (start, mut times, mut step) = (Instant::now(), Vec::new(), 0);
    while start.elapsed().as_secs_f64() < 2.0 * seconds || times.len() < 3 {
        let at = Instant::now();
        network.train_step(&batch, &StepOptions { learning_rate: 1e-3, step }).unwrap();
        if start.elapsed().as_secs_f64() > seconds {
            times.push(at.elapsed().as_secs_f64() * 1e3);
        }
        step += 1;
    }
    times
}

fn main() {
    // Cargo adds `--bench`.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let Some(catalog) = codebench_engines::catalog() else { return };
    let networks = networks(&catalog);
    match arguments[..] {
        ["list"] => println!("{}", serde_json::to_string(&networks).unwrap()),
        ["time", engine, network, batch, threads, seconds] => {
            let workload = &networks[network];
            let (batch, threads) = (batch.parse().unwrap(), threads.parse().unwrap());
            let times = times(&catalog, engine, workload, batch, threads, seconds.parse().unwrap());
            println!("{}", serde_json::to_string(&times).unwrap());
        }
        _ => println!("give `list`, or `time ENGINE NETWORK BATCH THREADS SECONDS`"),
    }
}
