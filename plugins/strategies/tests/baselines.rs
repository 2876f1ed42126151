//! Strategies that learn from outcomes: what they promise beyond their contract.
#![allow(clippy::unwrap_used, clippy::panic)]

use codebench_conformance::{Options, check};
use codebench_sdk::api::{Catalog, Kind};
use codebench_sdk::prelude::*;
use codebench_sdk::space::{Encoding, Points, SpaceDescription};
use std::collections::HashSet;

fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    catalog.add_all("codebench-strategies", codebench_strategies::PLUGINS).unwrap();
    catalog
}

fn ids() -> Vec<String> {
    let catalog = catalog();
    catalog.entries().filter(|e| e.kind() == Kind::Strategy).map(|e| e.info.id.clone()).collect()
}

/// Strategies that learn; the rest propose the same whatever they are told.
fn learners() -> Vec<String> {
    ids().into_iter().filter(|id| !["codebench/random", "codebench/sobol"].contains(&id.as_str())).collect()
}

fn space(text: &str) -> Space {
    toml::from_str::<SpaceDescription>(text).unwrap().compile().unwrap()
}

/// Few steps for the strategies on surrogates, so that tests are short.
fn light(id: &str) -> Parameters {
    let info = catalog().get(id).unwrap().info.clone();
    let text = |text: &str| ParameterValue::Text(text.into());
    let wanted = [
        ("surrogate", text("codebench/gp")),
        ("surrogate_parameters", text("evaluations = 4, hyperparameter_records = 20")),
        ("starts", ParameterValue::Integer(2)),
        ("steps", ParameterValue::Integer(2)),
        ("climbs", ParameterValue::Integer(0)),
        ("random", ParameterValue::Integer(20)),
        ("around", ParameterValue::Integer(2)),
        ("startup", ParameterValue::Integer(8)),
        ("encoding", text("both")),
        ("targets", text("ranks")),
        ("acquisition", text("ucb")),
    ];
    let known =
        |name: &str| info.needs.contains(&Kind::Surrogate) && info.parameters.iter().any(|d| d.name == name);
    wanted.into_iter().filter(|(name, _)| known(name)).map(|(name, value)| (name.to_owned(), value)).collect()
}

fn make(id: &str, space: &Space, seed: u64, objectives: usize) -> Box<dyn Strategy> {
    let context = StrategyContext { space: space.clone(), seed, objectives };
    catalog().strategy(id, &light(id), &context).unwrap()
}

fn tell(trial: usize, genotype: Genotype, objectives: Vec<f64>) -> Tell {
    Tell { trial: trial as u64, genotype, status: Status::Ok, objectives, violation: 0.0 }
}

/// Far from it all choices are worse: a valley with one floor.
fn closeness(space: &Space, genotype: &Genotype) -> f64 {
    let x = Encoding::new(space).encode(space, genotype);
    -x.iter().enumerate().map(|(i, x)| (x - 0.3 - 0.05 * i as f64).powi(2)).sum::<f64>()
}

#[test]
fn every_strategy_keeps_the_contract() {
    for id in ids() {
        let options = Options { parameters: light(&id), ..Options::default() };
        let report = check(&catalog(), &id, &options).unwrap();
        assert!(report.ok(), "{report}");
    }
}

#[test]
fn no_candidate_is_proposed_twice_until_the_space_is_exhausted() {
    let space = space(
        "choices = [{ name = [\"a\", \"b\"], values = [\"x\", \"y\", \"z\"] }, { name = \"c\", values = [1, 2, 3] }]",
    );
    for id in learners() {
        let mut strategy = make(&id, &space, 1, 1);
        let mut seen = HashSet::new();
        for round in 0..9 {
            let asked = strategy.ask(3).unwrap();
            assert_eq!(asked.len(), 3, "{id}");
            assert!(asked.iter().all(|g| seen.insert(g.clone())), "{id} repeats itself in round {round}");
            let told: Vec<Tell> =
                asked.into_iter().map(|g| tell(round, g.clone(), vec![closeness(&space, &g)])).collect();
            strategy.tell(&told).unwrap();
        }
        assert_eq!(seen.len(), 27);
        // There is nothing new any more: it goes on, or says so by proposing fewer.
        assert!(strategy.ask(2).unwrap().len() <= 2, "{id}");
    }
}

#[test]
fn learning_beats_chance() {
    let space = space(
        "[accelerator]\npib = { min = 1, max = 12 }\npix = { min = 1, max = 12 }\npof = { min = 1, max = 12 }\npiy = { min = 1, max = 12 }",
    );
    let best_of = |id: &str, seed: u64| {
        let mut strategy = make(id, &space, seed, 1);
        let mut best = f64::NEG_INFINITY;
        for round in 0..15 {
            let asked = strategy.ask(3).unwrap();
            let told: Vec<Tell> =
                asked.into_iter().map(|g| tell(round, g.clone(), vec![closeness(&space, &g)])).collect();
            best = told.iter().fold(best, |best, t| best.max(t.objectives[0]));
            strategy.tell(&told).unwrap();
        }
        best
    };
    let mean = |id: &str| (0..3).map(|seed| best_of(id, seed)).sum::<f64>() / 3.0;
    let chance = mean("codebench/random");
    for id in learners() {
        let own = mean(&id);
        assert!(own > chance, "{id}: {own} is not above {chance}");
    }
}

#[test]
fn several_objectives_reach_both_ends_of_the_front() {
    let space = space("[accelerator]\npib = { min = 1, max = 30 }\npix = { min = 1, max = 30 }");
    let mut strategy = make("codebench/nsga2", &space, 2, 2);
    let mut all: Vec<Vec<f64>> = Vec::new();
    for round in 0..60 {
        let told: Vec<Tell> = strategy
            .ask(4)
            .unwrap()
            .into_iter()
            .map(|g| {
                let (x, y) = (f64::from(g.0[0]), f64::from(g.0[1]));
                tell(round, g, vec![x - y, 10.0 - x - y])
            })
            .collect();
        all.extend(told.iter().map(|t| t.objectives.clone()));
        strategy.tell(&told).unwrap();
    }
    // The front is y = 0.
    let on_front = all.iter().filter(|o| o[0] + o[1] == 10.0).count();
    assert!(on_front >= 20, "{on_front} of 30 points of the front");
}

#[test]
fn failed_trials_are_not_proposed_again_and_what_others_proposed_counts() {
    let space = space("choices = [{ name = [\"a\", \"b\"], values = [\"x\", \"y\", \"z\"] }]");
    let points = Points::new(&space).unwrap();
    for id in learners() {
        let mut strategy = make(&id, &space, 5, 1);
        let first = strategy.ask(4).unwrap();
        let failed: Vec<Tell> = first
            .iter()
            .map(|g| Tell {
                status: Status::Failed,
                objectives: Vec::new(),
                ..tell(0, g.clone(), Vec::new())
            })
            .collect();
        strategy.tell(&failed).unwrap();
        let others = (0..9u32).map(|i| points.nth(&i.into()).unwrap()).filter(|g| !first.contains(g)).take(3);
        let others: Vec<Genotype> = others.collect();
        let told: Vec<Tell> = others.iter().map(|g| tell(9, g.clone(), vec![1.0])).collect();
        strategy.tell(&told).unwrap();
        let rest = strategy.ask(2).unwrap();
        assert!(rest.iter().all(|g| !first.contains(g) && !others.contains(g)), "{id}");
    }
}
