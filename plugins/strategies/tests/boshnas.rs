//! `boshnas` on the table of 125 measured cells that ships: what it proposes, bit for bit.
#![allow(clippy::unwrap_used, clippy::panic)]

use codebench_sdk::api::Catalog;
use codebench_sdk::prelude::*;
use codebench_sdk::space::SpaceDescription;

const TABLE: &str = include_str!("../../../examples/tables/nasbench201-125.csv");
const OPERATIONS: [&str; 5] = ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"];
const EDGES: [&str; 3] = ["edge_1_0", "edge_2_0", "edge_3_1"];

fn space() -> Space {
    let text = format!("choices = [{{ name = {EDGES:?}, values = {OPERATIONS:?} }}]");
    toml::from_str::<SpaceDescription>(&text).unwrap().compile().unwrap()
}

/// Accuracy of every cell, by its number: operation of the first edge first.
fn accuracies() -> Vec<f64> {
    let mut rows = csv::Reader::from_reader(TABLE.as_bytes());
    let header = rows.headers().unwrap().clone();
    let column = |name: &str| header.iter().position(|h| h == name).unwrap();
    let (edges, accuracy) = (EDGES.map(column), column("val_e12"));
    let mut all = vec![f64::NAN; 125];
    for row in rows.records() {
        let row = row.unwrap();
        let digit = |edge: usize| OPERATIONS.iter().position(|o| *o == &row[edge]).unwrap();
        all[edges.iter().fold(0, |number, edge| 5 * number + digit(*edge))] = row[accuracy].parse().unwrap();
    }
    assert!(all.iter().all(|accuracy| accuracy.is_finite()));
    all
}

/// A search that is resumed with another version must go on as it began. The search settles and improves again on the way.
#[test]
fn the_cells_that_are_proposed_never_change() {
    let accuracies = accuracies();
    let mut catalog = Catalog::default();
    catalog.add_all("codebench-strategies", codebench_strategies::PLUGINS).unwrap();
    for (seed, expected) in (0..).zip(GOLDEN) {
        let parameters = Parameters::from([("settled_after".to_owned(), ParameterValue::Integer(4))]);
        let context = StrategyContext { space: space(), seed, objectives: 1 };
        let mut strategy = catalog.strategy("codebench/boshnas", &parameters, &context).unwrap();
        let mut proposed = Vec::new();
        for trial in 0..20 {
            let told = strategy.ask(2).unwrap().into_iter().map(|genotype| {
                let number = genotype.0.iter().fold(0, |number, digit| 5 * number + digit);
                proposed.push(number);
                let objectives = vec![accuracies[number as usize]];
                Tell { trial, genotype, status: Status::Ok, objectives, violation: 0.0 }
            });
            let told: Vec<Tell> = told.collect();
            strategy.tell(&told).unwrap();
        }
        assert_eq!(proposed, expected, "seed {seed}");
    }
}

const GOLDEN: [[u32; 40]; 2] = [
    [
        38, 60, 49, 117, 21, 107, 104, 55, 92, 69, 77, 91, 82, 83, 87, 78, 51, 97, 88, 86, 93, 89, 98, 76,
        81, 53, 94, 96, 113, 79, 99, 84, 58, 72, 63, 111, 64, 68, 73, 62,
    ],
    [
        43, 60, 5, 97, 53, 27, 38, 12, 16, 55, 77, 98, 82, 78, 87, 83, 104, 92, 76, 88, 93, 89, 86, 94, 81,
        91, 69, 96, 111, 84, 79, 99, 113, 58, 63, 28, 33, 61, 48, 68,
    ],
];
