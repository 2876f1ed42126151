//! What `boshnas` and `boshcode` count as an improvement: with patience, searches end so many outcomes after the last one.
#![allow(clippy::unwrap_used, clippy::panic)]

use codebench_sdk::api::Catalog;
use codebench_sdk::prelude::*;
use codebench_sdk::space::SpaceDescription;

/// Trials until nothing more is proposed, at most 40; random ones, whose outcomes are those of `outcome`.
fn length(objectives: usize, outcome: &dyn Fn(u64) -> (Vec<f64>, f64)) -> u64 {
    let mut catalog = Catalog::default();
    catalog.add_all("codebench-strategies", codebench_strategies::PLUGINS).unwrap();
    let text = "choices = [{ name = [\"x\", \"y\"], values = { min = 1, max = 20 } }]";
    let space = toml::from_str::<SpaceDescription>(text).unwrap().compile().unwrap();
    let parameters = [("startup", 100), ("patience", 5)];
    let parameters = parameters.map(|(name, value)| (name.to_owned(), ParameterValue::Integer(value)));
    let of = |id: &str| {
        let context = StrategyContext { space: space.clone(), seed: 1, objectives };
        let mut strategy = catalog.strategy(id, &parameters.clone().into(), &context).unwrap();
        for trial in 0..40 {
            let Some(genotype) = strategy.ask(1).unwrap().pop() else { return trial };
            let (objectives, violation) = outcome(trial);
            strategy.tell(&[Tell { trial, genotype, status: Status::Ok, objectives, violation }]).unwrap();
        }
        40
    };
    let (boshnas, boshcode) = (of("codebench/boshnas"), of("codebench/boshcode"));
    assert_eq!(boshnas, boshcode);
    boshnas
}

#[test]
fn of_one_objective_it_is_a_new_best() {
    assert_eq!(length(1, &|_| (vec![1.0], 0.0)), 6);
    assert_eq!(length(1, &|trial| (vec![trial as f64], 0.0)), 40);
    assert_eq!(length(1, &|trial| (vec![trial.min(9) as f64], 0.0)), 15);
}

#[test]
fn of_several_objectives_it_is_what_enters_the_front() {
    assert_eq!(length(2, &|_| (vec![1.0, 2.0], 0.0)), 6);
    // Along the front, and then behind it.
    assert_eq!(length(2, &|trial| (vec![trial as f64, -(trial as f64)], 0.0)), 40);
    let behind = |trial: u64| if trial < 8 { vec![trial as f64, -(trial as f64)] } else { vec![-1.0, -1.0] };
    assert_eq!(length(2, &|trial| (behind(trial), 0.0)), 13);
    // What breaks a constraint enters no front that has feasible points.
    assert_eq!(length(2, &|trial| (vec![trial as f64, trial as f64], if trial < 3 { 0.0 } else { 1.0 })), 8);
}

/// Objectives far below what stands for infeasible outcomes among them.
#[test]
fn the_first_feasible_outcome_and_every_better_one_are_improvements() {
    let late = |trial: u64| (vec![trial as f64 - 100.0], if trial < 3 { 0.5 } else { 0.0 });
    assert_eq!(length(1, &late), 40);
    assert_eq!(length(2, &|trial| (vec![late(trial).0[0]; 2], late(trial).1)), 40);
    // Nothing is feasible, and nothing comes closer.
    assert_eq!(length(1, &|trial| (vec![trial as f64], 0.5)), 6);
    assert_eq!(length(1, &|trial| (vec![0.0], 1.0 / (1.0 + trial as f64))), 40);
}
