//! How well the proxies of `codebench/zero-cost` rank cells of NAS-Bench-201: `proxies TABLE CIFAR CELLS ENGINE`.
//!
//! TABLE is a plain CSV of all cells with the columns `ops` (six digits, edges in the order 1<-0, 2<-0, 2<-1, 3<-0, 3<-1, 3<-2: 0 none,
//! 1 skip, 2 a 1x1 convolution, 3 a 3x3 convolution, 4 average pooling) and `c10_test_e200`; CIFAR is a folder with CIFAR-10 as JPEG records.
//! Prints Kendall's tau-b of every proxy with the accuracies, as one JSON object.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use codebench_api::{Catalog, Evaluator, PluginError};
use codebench_cnn::Language;
use codebench_model::{
    CnnGraph, CnnModule, DataSource, Genotype, Job, Join, Limits, Metrics, ParameterValue, Parameters,
    Purpose, TensorShape, Vertex,
};
use codebench_space::Rng;
use std::collections::BTreeMap;

/// Cells of each of the three stages; the benchmark's own networks have five.
const CELLS_PER_STAGE: usize = 1;
/// Channels of the stages.
const CHANNELS: [u64; 3] = [16, 32, 64];
/// Training images of the mini-batch.
const IMAGES: i64 = 64;
/// Source and target of each edge, in the order of the digits.
const EDGES: [(usize, usize); 6] = [(0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3)];

/// A module in the making.
#[derive(Default)]
struct Module {
    vertices: Vec<Vertex>,
    edges: Vec<[usize; 2]>,
}

impl Module {
    fn new() -> Module {
        Module { vertices: vec![Vertex::new("input")], edges: Vec::new() }
    }

    /// A vertex that reads `from`, their sum if they are several.
    fn add(&mut self, label: &str, from: &[usize]) -> usize {
        let join = (from.len() > 1).then_some(Join::Sum);
        self.vertices.push(Vertex { label: label.into(), join });
        let to = self.vertices.len() - 1;
        self.edges.extend(from.iter().map(|from| [*from, to]));
        to
    }

    fn chain(&mut self, labels: &[&str], from: usize) -> usize {
        labels.iter().fold(from, |from, label| self.add(label, &[from]))
    }

    fn finish(mut self, last: usize) -> CnnModule {
        self.add("output", &[last]);
        CnnModule { vertices: self.vertices, edges: self.edges }
    }
}

/// A cell of `channels`; `None` if nothing reaches its output.
fn cell(ops: &str, channels: u64) -> Option<CnnModule> {
    let edges = || ops.chars().zip(EDGES).filter(|(digit, _)| *digit != '0');
    // Nodes that lead on to the output; edges stand in order of their targets.
    let mut needed = [false, false, false, true];
    for (_, (source, target)) in edges().collect::<Vec<_>>().into_iter().rev() {
        needed[source] |= needed[target];
    }
    let mut module = Module::new();
    let mut nodes: [Option<usize>; 4] = [Some(0), None, None, None];
    for node in (1..4).filter(|node| needed[*node]) {
        let mut arriving = Vec::new();
        for (digit, (source, target)) in edges() {
            let (true, Some(from)) = (target == node, nodes[source]) else { continue };
            let convolution = |side: u64, padding: u64| {
                ["act-relu".to_owned(), format!("conv{side}x{side}-c{channels}-p{padding}-bn-identity")]
            };
            let labels = match digit {
                '1' => vec![],
                '2' => convolution(1, 0).to_vec(),
                '3' => convolution(3, 1).to_vec(),
                '4' => vec!["avgpool3x3-p1-nopad".to_owned()],
                _ => continue,
            };
            let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
            arriving.push(module.chain(&labels, from));
        }
        if !arriving.is_empty() {
            nodes[node] = Some(module.add("identity", &arriving));
        }
    }
    nodes[3].map(|last| module.finish(last))
}

/// The block between two stages: a residual of two convolutions, at half the size.
fn reduction(channels: u64) -> CnnModule {
    let mut module = Module::new();
    let first = format!("conv3x3-c{channels}-p1-s2-bn-identity");
    let second = format!("conv3x3-c{channels}-p1-bn-identity");
    let shortcut = format!("conv1x1-c{channels}-nb");
    let deep = module.chain(&["act-relu", &first, "act-relu", &second], 0);
    let flat = module.chain(&["avgpool2x2-s2", &shortcut], 0);
    let sum = module.add("identity", &[flat, deep]);
    module.finish(sum)
}

fn chain(labels: &[&str]) -> CnnModule {
    let mut module = Module::new();
    let last = module.chain(labels, 0);
    module.finish(last)
}

fn network(ops: &str) -> Option<CnnGraph> {
    let mut modules = vec![chain(&["conv3x3-c16-p1-bn-identity"])];
    for (stage, channels) in CHANNELS.into_iter().enumerate() {
        if stage > 0 {
            modules.push(reduction(channels));
        }
        for _ in 0..CELLS_PER_STAGE {
            modules.push(cell(ops, channels)?);
        }
    }
    modules.push(chain(&["bn-relu", "global-avg-pool", "flatten", "dense_classes"]));
    Some(CnnGraph { default_channels: 16, modules })
}

fn text(text: &str) -> ParameterValue {
    ParameterValue::Text(text.into())
}

/// The scores of a cell, and of what it has none.
fn score(
    evaluator: &dyn Evaluator,
    language: &Language,
    data: &DataSource,
    cnn: &CnnGraph,
) -> Result<Metrics, PluginError> {
    let lowered =
        language.lower(cnn, TensorShape::new(3, 32, 32), 10).unwrap_or_else(|e| panic!("{cnn:?}: {e}"));
    evaluator.evaluate(&Job {
        v: Job::VERSION,
        trial: 0,
        purpose: Purpose::Search,
        candidate: Genotype(vec![]),
        values: Default::default(),
        cnn: None,
        workload: Some(lowered.workload),
        published: None,
        accelerator: None,
        data: Some(data.clone()),
        recipe: None,
        resume_from: None,
        donor: None,
        seed: 1,
        limits: Limits::default(),
        upstream: Default::default(),
    })
}

/// Kendall's tau-b: the share of pairs in the same order less that in the other, ties taken out.
fn tau(pairs: &[(f64, f64)]) -> f64 {
    let (mut order, mut of_a, mut of_b) = (0i64, 0i64, 0i64);
    for (i, (a, b)) in pairs.iter().enumerate() {
        for (c, d) in &pairs[..i] {
            let (x, y) = (a.total_cmp(c) as i64, b.total_cmp(d) as i64);
            order += x * y;
            of_a += x * x;
            of_b += y * y;
        }
    }
    order as f64 / ((of_a as f64) * (of_b as f64)).sqrt()
}

fn evaluator(catalog: &Catalog, engine: &str, proxy: &str) -> Box<dyn Evaluator> {
    let parameters = Parameters::from([
        ("engine".to_owned(), text(engine)),
        ("proxies".to_owned(), text(proxy)),
        ("images".to_owned(), ParameterValue::Integer(IMAGES)),
    ]);
    catalog.evaluator("codebench/zero-cost", &parameters).unwrap_or_else(|e| panic!("{e}"))
}

/// Cells drawn from the table, with their accuracies.
fn cells(table: &str, count: usize) -> Vec<(CnnGraph, f64)> {
    let text = std::fs::read_to_string(table).unwrap_or_else(|e| panic!("{table}: {e}"));
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap().split(',').collect();
    let column =
        |name: &str| names.iter().position(|n| *n == name).unwrap_or_else(|| panic!("no column {name}"));
    let (ops, accuracy) = (column("ops"), column("c10_test_e200"));
    let rows: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
    let mut rng = Rng::new(1, 0);
    let mut chosen = Vec::new();
    while chosen.len() < count {
        let row = &rows[rng.index(rows.len())];
        // Nothing reaches the output of some cells: they are constants.
        chosen.extend(network(row[ops]).map(|cnn| (cnn, row[accuracy].parse().unwrap())));
    }
    chosen
}

fn main() {
    // Cargo adds `--bench`.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let [table, cifar, count, engine] = &arguments[..] else {
        println!("give TABLE CIFAR CELLS ENGINE");
        return;
    };
    let Some(catalog) = codebench_engines::catalog() else { return };
    let language = Language::new(&catalog).unwrap();
    let parameters = Parameters::from([
        ("folder".to_owned(), text(cifar)),
        ("layout".to_owned(), text("jpeg")),
        ("train_files".to_owned(), text("train_0.bin.gz")),
        ("test_files".to_owned(), text("test.bin.gz")),
        ("train_images".to_owned(), ParameterValue::Integer(1000)),
    ]);
    let data = DataSource { id: "cifar-10".into(), parameters };
    let cells = cells(table, count.parse().unwrap());
    let mut answer = BTreeMap::new();
    for proxy in ["grad_norm", "log_synflow", "naswot"] {
        let evaluator = evaluator(&catalog, engine, proxy);
        let scored = cells.iter().filter_map(|(cnn, accuracy)| {
            let metrics = score(evaluator.as_ref(), &language, &data, cnn);
            // Cells without convolutions tell images not apart: they have no score.
            metrics.ok().map(|metrics| (metrics, *accuracy))
        });
        let scored: Vec<(Metrics, f64)> = scored.collect();
        for name in [proxy, "parameters", "macs"] {
            let pairs: Vec<(f64, f64)> =
                scored.iter().map(|(m, accuracy)| (m.values[name], *accuracy)).collect();
            answer.entry(name).or_insert_with(|| (tau(&pairs), pairs.len()));
        }
    }
    println!("{}", serde_json::to_string(&answer).unwrap());
}
