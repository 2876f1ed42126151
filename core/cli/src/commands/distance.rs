//! `codebench cnn distance`: how far CNNs are from each other.

use crate::cnn_input::{CnnInput, ImageArguments};
use crate::numbers::whole;
use crate::readable::readable;
use crate::table::Table;
use crate::{Failure, OrFail, built_in, plugins};
use clap::Args;
use codebench_model::CnnGraph;
use codebench_space::distance::{
    EditCosts, EditOperation, EditPath, Operations, PreparedGraph, exact, fast, pair, pairs,
};
use codebench_space::{Points, Rng, decode};
use rayon::prelude::*;
use serde::Serialize;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Vertices up to which the cheapest path is searched for, and the steps of that search.
const EXACT_VERTICES: usize = 10;
const EXACT_STEPS: usize = 2_000_000;

/// Arguments of `codebench cnn distance`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  codebench cnn distance published/resnet18 published/resnet34
  codebench cnn distance my-cnn.toml lenet-5 --json
  codebench cnn distance vgg11 vgg13 vgg16 vgg19 > distances.csv
  codebench cnn distance --space examples/quickstart.toml --count 1000 --seed 1 > distances.csv

Graph-edit distance with the costs of the paper's CNNBench: a vertex weighs its parameters in millions. Two CNNs are shown with the
edits that turn the first into the second, the dearest first, and with a lower bound that no edits can beat (--json lists edges too);
more than two as a matrix (CSV), computed on all cores. The book's page on distances has the costs.")]
pub struct Arguments {
    /// Names of networks, or CNN files (.json, .toml): two or more
    #[arg(value_name = "NAME|FILE", required_unless_present = "space", conflicts_with = "space")]
    pub cnns: Vec<OsString>,
    /// CNNs drawn from the space in this file, or from that of an experiment, instead
    #[arg(long, value_name = "FILE.toml")]
    pub space: Option<PathBuf>,
    /// How many CNNs to draw
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = whole::<usize>(2..=5000), allow_hyphen_values = true)]
    pub count: usize,
    /// Seed; the same seed draws the same CNNs
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = whole::<u64>(0..=u64::MAX), allow_hyphen_values = true)]
    pub seed: u64,
    /// Classes of the heads, which weigh as much
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = whole::<u64>(1..=crate::numbers::MOST), allow_hyphen_values = true)]
    pub classes: u64,
    /// Print a JSON object
    #[arg(long)]
    pub json: bool,
}

/// CNNs ready for distances.
struct Graphs {
    names: Vec<String>,
    /// Labels of the vertices of each.
    labels: Vec<Vec<String>>,
    prepared: Vec<PreparedGraph>,
}

/// What `--json` prints of several CNNs: both matrices row by row.
#[derive(Serialize)]
struct Matrix<'a> {
    names: &'a [String],
    distances: Vec<Vec<f64>>,
    lower_bounds: Vec<Vec<f64>>,
}

/// What `--json` prints of two.
#[derive(Serialize)]
struct Two<'a> {
    names: &'a [String],
    distance: f64,
    lower_bound: f64,
    edits: Vec<Edit>,
}

#[derive(Serialize)]
struct Edit {
    edit: &'static str,
    from: String,
    to: String,
    cost: f64,
}

pub(super) fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    let cnns = match &arguments.space {
        Some(file) => drawn(file, arguments.count, arguments.seed)?,
        None => named(&arguments.cnns)?,
    };
    let graphs = Graphs::new(cnns, arguments.classes)?;
    match graphs.prepared.as_slice() {
        [] | [_] => Err(Failure::of_usage("one CNN has no distance: name two or more")),
        [first, second] => two(&graphs, [first, second], arguments.json, out),
        _ => many(&graphs, arguments.json, out),
    }
}

fn named(names: &[OsString]) -> Result<Vec<(String, CnnGraph)>, Failure> {
    let load = |name: &OsString| {
        let cnn = CnnInput::load(name, &ImageArguments::default())?;
        Ok((readable(&cnn.name), cnn.graph))
    };
    names.iter().map(load).collect()
}

fn drawn(file: &Path, count: usize, seed: u64) -> Result<Vec<(String, CnnGraph)>, Failure> {
    let space = codebench_search::read_space(file, &plugins::catalog_for(built_in()?, file)?).usage()?;
    let points = Points::new(&space).usage()?;
    let mut rng = Rng::new(seed, 0);
    let draw = |number: usize| {
        let candidate = decode(&space, &points.sample(&mut rng)).failure()?;
        let cnn = candidate.cnn.ok_or_else(|| {
            Failure::of_usage(format!("`{}` has no CNNs: give the space a [cnn] table", file.display()))
        })?;
        Ok((number.to_string(), cnn))
    };
    (1..=count).map(draw).collect()
}

impl Graphs {
    fn new(cnns: Vec<(String, CnnGraph)>, classes: u64) -> Result<Graphs, Failure> {
        let operations = Operations::of_cnns(cnns.iter().map(|(_, cnn)| cnn), classes);
        let (mut names, mut labels, mut prepared) = (Vec::new(), Vec::new(), Vec::new());
        for (name, cnn) in cnns {
            let graph = operations.graph(&cnn).usage()?;
            prepared.push(PreparedGraph::new(&graph).failure()?);
            let vertices = cnn.modules.into_iter().flat_map(|module| module.vertices);
            labels.push(vertices.map(|vertex| vertex.label).collect());
            names.push(name);
        }
        Ok(Graphs { names, labels, prepared })
    }

    fn vertex(&self, graph: usize, vertex: u32) -> String {
        let label = self.labels.get(graph).and_then(|labels| labels.get(vertex as usize));
        format!("{vertex} {}", readable(label.map_or("", String::as_str)))
    }

    /// Every edit that costs something.
    fn edits(&self, path: &EditPath, costs: &EditCosts) -> Vec<Edit> {
        let [a, b] = [&self.prepared[0], &self.prepared[1]];
        let edge = |graph: usize, (from, to): (u32, u32)| {
            format!("{} -> {}", self.vertex(graph, from), self.vertex(graph, to))
        };
        let operations = path.operations(a, b).into_iter();
        let costly = operations.map(|operation| (operation, operation.cost(a, b, costs)));
        costly
            .filter(|(_, cost)| *cost > 0.0)
            .map(|(operation, cost)| {
                let (edit, from, to) = match operation {
                    EditOperation::Substitute(i, j) => ("substitute", self.vertex(0, i), self.vertex(1, j)),
                    EditOperation::DeleteVertex(i) => ("delete", self.vertex(0, i), String::new()),
                    EditOperation::InsertVertex(j) => ("insert", String::new(), self.vertex(1, j)),
                    EditOperation::DeleteEdge(i, j) => ("delete edge", edge(0, (i, j)), String::new()),
                    EditOperation::InsertEdge(i, j) => ("insert edge", String::new(), edge(1, (i, j))),
                };
                Edit { edit, from, to, cost }
            })
            .collect()
    }
}

fn two(graphs: &Graphs, [a, b]: [&PreparedGraph; 2], json: bool, out: &mut dyn Write) -> Result<(), Failure> {
    let costs = EditCosts::default();
    let path = match a.len().max(b.len()) <= EXACT_VERTICES {
        true => exact(a, b, &costs, EXACT_STEPS),
        false => fast(a, b, &costs),
    };
    let edits = graphs.edits(&path, &costs);
    let (distance, lower_bound) = (path.cost, path.lower_bound);
    if json {
        let two = Two { names: &graphs.names, distance, lower_bound, edits };
        return Ok(writeln!(out, "{}", serde_json::to_string(&two).failure()?)?);
    }
    let bound =
        if path.is_exact() { "no edits cost less".to_owned() } else { format!("at least {lower_bound}") };
    writeln!(out, "distance {distance} ({bound})")?;
    let (edges, mut vertices): (Vec<Edit>, Vec<Edit>) =
        edits.into_iter().partition(|edit| edit.edit.ends_with("edge"));
    vertices.sort_by(|a, b| b.cost.total_cmp(&a.cost));
    let mut table = Table::new(&["<edit", "<from", "<to", "cost"]);
    for edit in vertices {
        table.row([edit.edit.to_owned(), edit.from, edit.to, edit.cost.to_string()]);
    }
    if !table.is_empty() {
        table.write(out)?;
    }
    if !edges.is_empty() {
        writeln!(
            out,
            "and {} edges that go or come, together {}",
            edges.len(),
            edges.iter().map(|e| e.cost).sum::<f64>()
        )?;
    }
    Ok(())
}

fn many(graphs: &Graphs, json: bool, out: &mut dyn Write) -> Result<(), Failure> {
    let (count, costs) = (graphs.prepared.len(), EditCosts::default());
    let found: Vec<(f64, f64)> = (0..pairs(count))
        .into_par_iter()
        .map(|number| {
            let (i, j) = pair(count, number);
            let path = fast(&graphs.prepared[i], &graphs.prepared[j], &costs);
            (path.cost, path.lower_bound)
        })
        .collect();
    let mut distances = vec![vec![0.0; count]; count];
    let mut lower_bounds = distances.clone();
    for (number, (distance, bound)) in found.into_iter().enumerate() {
        let (i, j) = pair(count, number);
        (distances[i][j], distances[j][i]) = (distance, distance);
        (lower_bounds[i][j], lower_bounds[j][i]) = (bound, bound);
    }
    if json {
        let matrix = Matrix { names: &graphs.names, distances, lower_bounds };
        return Ok(writeln!(out, "{}", serde_json::to_string(&matrix).failure()?)?);
    }
    let mut csv = csv::Writer::from_writer(out);
    let header = std::iter::once("cnn").chain(graphs.names.iter().map(String::as_str));
    csv.write_record(header).map_err(io::Error::from)?;
    for (name, row) in graphs.names.iter().zip(distances) {
        let row = std::iter::once(name.clone()).chain(row.iter().map(f64::to_string));
        csv.write_record(row).map_err(io::Error::from)?;
    }
    Ok(csv.flush()?)
}
