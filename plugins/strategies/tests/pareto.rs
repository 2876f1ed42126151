//! Several objectives, constraints and batches: what the strategies on surrogates make of them.
#![allow(clippy::unwrap_used, clippy::panic)]

use codebench_sdk::api::Catalog;
use codebench_sdk::prelude::*;
use codebench_sdk::space::{Encoding, SpaceDescription};
use std::collections::HashSet;

const SEEDS: u64 = 6;

fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    catalog.add_all("codebench-strategies", codebench_strategies::PLUGINS).unwrap();
    catalog
}

/// Four parameters of twelve values, and a kind.
fn space() -> Space {
    let text = "
        [accelerator]
        pib = { min = 1, max = 12 }
        pix = { min = 1, max = 12 }
        piy = { min = 1, max = 12 }
        pof = { min = 1, max = 12 }
        memory = { rram = 1, dram = 1, hbm = 1 }";
    toml::from_str::<SpaceDescription>(text).unwrap().compile().unwrap()
}

fn make(id: &str, parameters: &[(&str, ParameterValue)], seed: u64, objectives: usize) -> Box<dyn Strategy> {
    let context = StrategyContext { space: space(), seed, objectives };
    let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    catalog().strategy(id, &parameters, &context).unwrap()
}

/// Objectives and violation of a point.
type Problem = fn(&[f64]) -> (Vec<f64>, f64);

/// Outcomes of `rounds` batches of three.
fn outcomes(strategy: &mut dyn Strategy, problem: Problem, rounds: usize) -> Vec<(Vec<f64>, f64)> {
    let (space, mut all) = (space(), Vec::new());
    for round in 0..rounds {
        let told: Vec<Tell> = strategy
            .ask(3)
            .unwrap()
            .into_iter()
            .map(|genotype| {
                let (objectives, violation) = problem(&Encoding::new(&space).encode(&space, &genotype));
                Tell { trial: round as u64, genotype, status: Status::Ok, objectives, violation }
            })
            .collect();
        all.extend(told.iter().map(|t| (t.objectives.clone(), t.violation)));
        strategy.tell(&told).unwrap();
    }
    all
}

/// Two goals that contradict each other, along a front that bends inwards, so that no weighted sum finds its middle.
fn two_goals(x: &[f64]) -> (Vec<f64>, f64) {
    let far = |to: f64| x[..4].iter().map(|x| (x - to).powi(2)).sum::<f64>().sqrt().sqrt();
    (vec![-far(0.2), -far(0.8)], 0.0)
}

/// Area that a front of two goals covers above (-1.5, -1.5).
fn covered(outcomes: &[(Vec<f64>, f64)]) -> f64 {
    let mut points: Vec<(f64, f64)> = outcomes.iter().map(|(o, _)| (o[0] + 1.5, o[1] + 1.5)).collect();
    points.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut highest = 0.0f64;
    let strips = points.iter().map(|(x, y)| {
        let strip = x.max(0.0) * (y - highest).max(0.0);
        highest = highest.max(*y);
        strip
    });
    strips.sum()
}

#[test]
fn the_front_of_boshcode_covers_more_than_that_of_chance_of_weights_and_of_evolution() {
    let mean = |id: &str, parameters: &[(&str, ParameterValue)]| {
        let of = |seed| covered(&outcomes(make(id, parameters, seed, 2).as_mut(), two_goals, 16));
        (0..SEEDS).map(of).sum::<f64>() / SEEDS as f64
    };
    let own = mean("codebench/boshcode", &[]);
    let weights = mean("codebench/boshcode", &[("pareto", ParameterValue::Text("weights".into()))]);
    let (chance, evolution) = (mean("codebench/random", &[]), mean("codebench/nsga2", &[]));
    println!("hypervolume {own:.4}, weights {weights:.4}, random {chance:.4}, nsga2 {evolution:.4}");
    assert!(own > chance && own > weights && own > evolution, "{own} {weights} {chance} {evolution}");
}

/// Larger is better up to a bound that cuts the best off.
fn bounded(x: &[f64]) -> (Vec<f64>, f64) {
    let sum = x[..4].iter().sum::<f64>();
    (vec![sum - 0.3 * (x[0] - x[1]).abs()], (sum - 2.0).max(0.0) + (0.5 - x[4]).max(0.0))
}

#[test]
fn boshcode_goes_up_to_a_constraint_and_mostly_keeps_it() {
    let of = |id: &str, seed: u64| {
        let all = outcomes(make(id, &[], seed, 1).as_mut(), bounded, 14);
        let kept = all.iter().filter(|(_, violation)| *violation <= 0.0);
        let best = kept.clone().map(|(o, _)| o[0]).fold(0.0, f64::max);
        (best, kept.count())
    };
    let total = |id: &str| {
        (0..SEEDS).map(|seed| of(id, seed)).fold((0.0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    };
    let (own, chance) = (total("codebench/boshcode"), total("codebench/random"));
    println!("boshcode {own:?}, random {chance:?}");
    assert!(own.0 > chance.0 && own.1 > chance.1, "{own:?} {chance:?}");
    assert!(own.0 / SEEDS as f64 > 1.95, "{own:?}: the best that keeps the constraint has 2");
}

/// Deviation counts less near what a batch has already, so the more it counts the farther apart its candidates are.
#[test]
fn a_batch_is_diverse() {
    let space = space();
    let encoding = Encoding::new(&space);
    for objectives in [1, 2] {
        let problem: Problem = if objectives == 1 { bounded } else { two_goals };
        let spread = |beta: f64| {
            // Neither chance nor diversity sampling helps.
            let parameters = [
                ("diversity_probability", ParameterValue::Float(0.0)),
                ("uncertainty_probability", ParameterValue::Float(0.0)),
                ("beta", ParameterValue::Float(beta)),
            ];
            let of = |seed| {
                let mut strategy = make("codebench/boshcode", &parameters, seed, objectives);
                outcomes(strategy.as_mut(), problem, 8);
                let batch = strategy.ask(6).unwrap();
                assert_eq!(batch.iter().collect::<HashSet<_>>().len(), 6);
                let rows: Vec<Vec<f64>> = batch.iter().map(|g| encoding.encode(&space, g)).collect();
                let far = |(i, j): (usize, usize)| {
                    rows[i].iter().zip(&rows[j]).map(|(x, y)| (x - y).powi(2)).sum::<f64>().sqrt()
                };
                (0..6).flat_map(|i| (0..i).map(move |j| (i, j))).map(far).sum::<f64>() / 15.0
            };
            (0..SEEDS).map(of).sum::<f64>() / SEEDS as f64
        };
        let (greedy, curious) = (spread(0.0), spread(4.0));
        println!(
            "{objectives} objectives: mean distance {greedy:.3} without deviation, {curious:.3} with it"
        );
        assert!(curious > greedy, "{greedy} {curious}");
    }
}
