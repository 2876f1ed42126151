//! Races strategies on a table of measured networks, in memory: mean regret and queries to a target over many seeds.
//!
//! ```sh
//! cargo run --release -p codebench-strategies --example table_race -- \
//!     --table nasbench201.csv.gz --seeds 300 codebench/random codebench/tpe codebench/local-search:climb=best
//! ```
//!
//! `--validation COLUMN` is what strategies are told, `--test COLUMN` what regret is measured on, `--target X` the test value to
//! reach, `--queries N` the length of a run, `--batch N` candidates per ask. Prints means with 95 % intervals of the mean
//! (normal), and medians with 95 % intervals of the median (order statistics).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use codebench_sdk::api::Catalog;
use codebench_sdk::prelude::*;
use codebench_sdk::space::SpaceDescription;
use rayon::prelude::*;
use std::collections::HashMap;
use std::io::Read;
use std::time::Instant;

struct Options {
    table: String,
    space: String,
    key: String,
    validation: String,
    test: String,
    target: f64,
    seeds: u64,
    first_seed: u64,
    queries: usize,
    batch: usize,
    curve: bool,
    strategies: Vec<String>,
}

fn options() -> Options {
    let mut options = Options {
        table: "../shared/data/nasbench201/nasbench201.csv.gz".into(),
        space: concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/spaces/nasbench201.toml").into(),
        key: "ops".into(),
        validation: "c10_val_e200".into(),
        test: "c10_test_e200".into(),
        target: 94.0,
        seeds: 50,
        first_seed: 0,
        queries: 150,
        batch: 1,
        curve: false,
        strategies: Vec::new(),
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().expect("an option needs a value");
        match argument.as_str() {
            "--table" => options.table = value(),
            "--space" => options.space = value(),
            "--key" => options.key = value(),
            "--validation" => options.validation = value(),
            "--test" => options.test = value(),
            "--target" => options.target = value().parse().unwrap(),
            "--seeds" => options.seeds = value().parse().unwrap(),
            "--first-seed" => options.first_seed = value().parse().unwrap(),
            "--queries" => options.queries = value().parse().unwrap(),
            "--batch" => options.batch = value().parse().unwrap(),
            "--curve" => options.curve = true,
            _ => options.strategies.push(argument),
        }
    }
    options
}

/// Validation and test value by genotype.
struct Table {
    values: HashMap<Genotype, (f64, f64)>,
    best: f64,
}

fn read(options: &Options) -> Table {
    let raw = std::fs::read(&options.table).unwrap_or_else(|e| panic!("{}: {e}", options.table));
    let mut text = Vec::new();
    match raw.starts_with(&[0x1f, 0x8b]) {
        true => drop(flate2::read::GzDecoder::new(raw.as_slice()).read_to_end(&mut text).unwrap()),
        false => text = raw,
    }
    let mut reader = csv::Reader::from_reader(text.as_slice());
    let header = reader.headers().unwrap().clone();
    let column =
        |name: &str| header.iter().position(|h| h == name).unwrap_or_else(|| panic!("no column {name}"));
    let (key, validation, test) = (column(&options.key), column(&options.validation), column(&options.test));
    let mut values = HashMap::new();
    for row in reader.records() {
        let row = row.unwrap();
        let genes = row[key].bytes().map(|b| u32::from(b - b'0')).collect();
        values.insert(Genotype(genes), (row[validation].parse().unwrap(), row[test].parse().unwrap()));
    }
    let best = values.values().map(|v: &(f64, f64)| v.1).fold(f64::NEG_INFINITY, f64::max);
    Table { values, best }
}

/// Test value of the best by validation after each query.
fn run(
    options: &Options,
    catalog: &Catalog,
    table: &Table,
    space: &Space,
    what: &str,
    seed: u64,
) -> Vec<f64> {
    let (id, rest) = what.split_once(':').unwrap_or((what, ""));
    let mut parameters = Parameters::new();
    for pair in rest.split(',').filter(|p| !p.is_empty()) {
        let (name, value) = pair.split_once('=').expect("name=value");
        let parsed = match value.parse::<i64>() {
            Ok(n) => ParameterValue::Integer(n),
            Err(_) => match (value.parse::<f64>(), value.parse::<bool>()) {
                (Ok(x), _) => ParameterValue::Float(x),
                (_, Ok(b)) => ParameterValue::Boolean(b),
                _ => ParameterValue::Text(value.replace(';', ",")),
            },
        };
        parameters.insert(name.to_owned(), parsed);
    }
    let context = StrategyContext { space: space.clone(), seed, objectives: 1 };
    let mut strategy = catalog.strategy(id, &parameters, &context).unwrap_or_else(|e| panic!("{what}: {e}"));
    let mut curve = Vec::new();
    let mut best = (f64::NEG_INFINITY, 0.0);
    while curve.len() < options.queries {
        let asked = strategy.ask(options.batch).unwrap();
        assert!(!asked.is_empty(), "{what} gave up");
        let mut told = Vec::new();
        for genotype in asked {
            let (validation, test) = table.values[&genotype];
            if validation > best.0 {
                best = (validation, test);
            }
            told.push(Tell {
                trial: curve.len() as u64,
                genotype,
                status: Status::Ok,
                objectives: vec![validation],
                violation: 0.0,
            });
            curve.push(best.1);
        }
        strategy.tell(&told).unwrap();
    }
    curve
}

/// Mean and half the width of its 95 % interval.
fn mean(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (n - 1.0).max(1.0);
    (mean, 1.96 * (variance / n).sqrt())
}

fn main() {
    let options = options();
    let table = read(&options);
    let space = std::fs::read_to_string(&options.space).unwrap();
    let space = toml::from_str::<SpaceDescription>(&space).unwrap().compile().unwrap();
    let mut catalog = Catalog::default();
    catalog.add_all("codebench-strategies", codebench_strategies::PLUGINS).unwrap();
    println!("{} -> {}, best {}, {} seeds", options.validation, options.test, table.best, options.seeds);
    println!(
        "{:60} {:>16} {:>16} {:>16} {:>18} {:>8} {:>9}",
        "strategy", "regret@50", "regret@100", "area 10..150", "queries to target", "reached", "s/seed"
    );
    for what in &options.strategies {
        let start = Instant::now();
        let seeds: Vec<u64> = (options.first_seed..options.first_seed + options.seeds).collect();
        let curves: Vec<Vec<f64>> =
            seeds.into_par_iter().map(|seed| run(&options, &catalog, &table, &space, what, seed)).collect();
        let at = |query: usize| {
            let regrets: Vec<f64> = curves.iter().map(|c| table.best - c[query.min(c.len()) - 1]).collect();
            let (mean, half) = mean(&regrets);
            format!("{mean:.3} +- {half:.3}")
        };
        let last = options.queries.min(150);
        let areas: Vec<f64> = curves
            .iter()
            .map(|c| c[9..last].iter().map(|x| table.best - x).sum::<f64>() / (last - 9) as f64)
            .collect();
        let mut to: Vec<usize> = curves
            .iter()
            .map(|c| c.iter().position(|x| *x >= options.target).map_or(usize::MAX, |i| i + 1))
            .collect();
        to.sort_unstable();
        let n = to.len() as f64;
        let spread = 0.98 * n.sqrt();
        let show = |i: f64| match to[(i.max(0.0) as usize).min(to.len() - 1)] {
            usize::MAX => format!(">{}", options.queries),
            query => query.to_string(),
        };
        let medians = format!("{} [{}, {}]", show(n / 2.0), show(n / 2.0 - spread), show(n / 2.0 + spread));
        let reached = to.iter().filter(|q| **q <= options.queries).count() as f64 / n;
        let (area, half) = mean(&areas);
        let seconds = start.elapsed().as_secs_f64() / n;
        println!(
            "{what:60} {:>16} {:>16} {:>16} {medians:>18} {reached:>8.2} {seconds:>9.4}",
            at(50),
            at(100),
            format!("{area:.3} +- {half:.3}")
        );
        if options.curve {
            let points = [10, 20, 30, 40, 60, 80, 120, 150].map(|q| format!("{q}: {}", at(q)));
            println!("    {}", points.join("  "));
        }
    }
}
