//! The surrogates as a strategy sees them: by id, through the catalogue.
#![allow(clippy::unwrap_used, clippy::panic)]

mod accuracy;
mod contract;
mod derivatives;

use codebench_sdk::api::Catalog;
use codebench_sdk::prelude::*;
use codebench_sdk::space::Rng;

/// Every surrogate of the crate.
const IDS: [&str; 4] =
    ["codebench/gp", "codebench/boshnas-surrogate", "codebench/deep-ensemble", "codebench/random-forest"];

fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    catalog.add_all("codebench-strategies", codebench_strategies::PLUGINS).unwrap();
    catalog
}

fn make(id: &str, parameters: &str, inputs: usize, outputs: usize, blocks: bool) -> Box<dyn Surrogate> {
    let parameters: Parameters = toml::from_str(parameters).unwrap();
    let blocks = match blocks {
        true => vec![(Block::Cnn, 0..inputs / 2), (Block::Accelerator, inputs / 2..inputs)],
        false => Vec::new(),
    };
    let context = SurrogateContext { seed: 11, inputs, outputs, blocks };
    catalog().surrogate(id, &parameters, &context).unwrap()
}

/// `rows` points of the unit cube.
fn points(rng: &mut Rng, rows: usize, inputs: usize) -> Vec<f64> {
    (0..rows * inputs).map(|_| rng.unit()).collect()
}

/// A normal number (Box and Muller).
fn normal(rng: &mut Rng) -> f64 {
    use codebench_sdk::math::{cos, ln};
    (-2.0 * ln(1.0 - rng.unit())).sqrt() * cos(2.0 * std::f64::consts::PI * rng.unit())
}
