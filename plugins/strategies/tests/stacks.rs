//! How boshcode walks through CNNs of modules: large stacks first, and CNNs whose weights could be taken over.
#![allow(clippy::unwrap_used, clippy::panic)]

use codebench_sdk::api::Catalog;
use codebench_sdk::prelude::*;
use codebench_sdk::space::{Encoding, SpaceDescription, check, decode};
use std::collections::HashSet;

const SPACE: &str = "
    [cnn]
    ops = [\"a\", \"b\", \"c\"]
    vertices = [3, 4]
    stacks = { min = 1, max = 6 }
    modules_per_stack = [1, 2, 4]
    default_channels = [16, 32]

    [accelerator]
    pib = [1, 2, 4]
    pix = { min = 1, max = 8 }";

fn space() -> Space {
    toml::from_str::<SpaceDescription>(SPACE).unwrap().compile().unwrap()
}

fn make(parameters: &[(&str, ParameterValue)], seed: u64) -> Box<dyn Strategy> {
    let mut catalog = Catalog::default();
    catalog.add_all("codebench-strategies", codebench_strategies::PLUGINS).unwrap();
    let light = ("surrogate_parameters", ParameterValue::Text("evaluations = 4".into()));
    let parameters = parameters.iter().chain([&light]).map(|(n, v)| ((*n).to_owned(), v.clone())).collect();
    let context = StrategyContext { space: space(), seed, objectives: 1 };
    catalog.strategy("codebench/boshcode", &parameters, &context).unwrap()
}

/// What is proposed in `rounds` asks of one, each told how many `a` its CNN has.
fn proposed(strategy: &mut dyn Strategy, rounds: usize) -> Vec<Genotype> {
    let space = space();
    let mut all = Vec::new();
    for round in 0..rounds {
        let genotype = strategy.ask(1).unwrap().remove(0);
        check(&space, &genotype).unwrap();
        let modules = decode(&space, &genotype).unwrap().cnn.unwrap().modules;
        let labels: Vec<&str> = modules.iter().flat_map(|m| &m.vertices).map(|v| v.label.as_str()).collect();
        let share = labels.iter().filter(|l| **l == "a").count() as f64 / labels.len() as f64;
        let x = Encoding::new(&space).encode(&space, &genotype);
        let value = share - 0.01 * (x[x.len() - 1] - 0.5).powi(2);
        let (status, objectives) = (Status::Ok, vec![value]);
        strategy
            .tell(&[Tell {
                trial: round as u64,
                genotype: genotype.clone(),
                status,
                objectives,
                violation: 0.0,
            }])
            .unwrap();
        all.push(genotype);
    }
    all
}

#[test]
fn stacks_are_refined_each_time_the_search_has_settled() {
    let choice = space().choices.iter().position(|c| c.name == "cnn.modules_per_stack").unwrap();
    let sizes = |parameters: &[(&str, ParameterValue)]| -> Vec<u32> {
        let more = [("settled_after", ParameterValue::Integer(5))];
        let parameters: Vec<_> = parameters.iter().chain(&more).cloned().collect();
        proposed(make(&parameters, 1).as_mut(), 60).iter().map(|g| g.0[choice]).collect()
    };
    let refined = sizes(&[]);
    // Four modules in a stack, then two, then one, and never back.
    assert!(refined[..10].iter().all(|size| *size == 2), "{refined:?}");
    assert!(refined.windows(2).all(|pair| pair[1] <= pair[0]), "{refined:?}");
    assert_eq!(refined.last(), Some(&0), "{refined:?}");
    let free = sizes(&[("refine", ParameterValue::Boolean(false))]);
    assert!(free.windows(2).any(|pair| pair[1] > pair[0]), "{free:?}");
}

#[test]
fn cnns_that_begin_alike_may_be_preferred() {
    // Modules that a proposal begins with as an earlier one does, as a share of its own.
    let familiar = |transfer: f64| {
        let parameters =
            [("transfer", ParameterValue::Float(transfer)), ("refine", ParameterValue::Boolean(false))];
        let mut total = 0.0;
        for seed in 0..3 {
            let all = proposed(make(&parameters, seed).as_mut(), 24);
            let cnns: Vec<_> = all.iter().map(|g| decode(&space(), g).unwrap().cnn.unwrap()).collect();
            for i in 10..cnns.len() {
                let shares = cnns[..i]
                    .iter()
                    .filter(|c| c.default_channels == cnns[i].default_channels)
                    .map(|c| c.modules.iter().zip(&cnns[i].modules).take_while(|(a, b)| a == b).count());
                total += shares.max().unwrap_or(0) as f64 / cnns[i].modules.len() as f64;
            }
        }
        total
    };
    let (without, with) = (familiar(0.0), familiar(1.0));
    assert!(with > without, "{with} {without}");
}

/// While nothing gets better, all that is proposed by the model has the CNN or the accelerator of the best trial.
#[test]
fn a_search_that_stands_still_holds_one_side_in_turn() {
    let space = space();
    let first = space.choices.iter().position(|choice| choice.block == Block::Accelerator).unwrap();
    let alone = |turns_after: i64| {
        let given = [
            ("turns_after", ParameterValue::Integer(turns_after)),
            ("refine", ParameterValue::Boolean(false)),
        ];
        let mut strategy = make(&given, 5);
        let mut best: Option<Genotype> = None;
        let mut free = 0;
        for trial in 0..40 {
            let point = strategy.ask(1).unwrap().remove(0);
            let shares = best.as_ref().is_none_or(|best| {
                best.0[..first] == point.0[..first] || best.0[first..] == point.0[first..]
            });
            free += usize::from(trial > 12 && !shares);
            let objectives = vec![if best.is_none() { 1.0 } else { 0.0 }];
            best.get_or_insert_with(|| point.clone());
            strategy
                .tell(&[Tell { trial, genotype: point, status: Status::Ok, objectives, violation: 0.0 }])
                .unwrap();
        }
        free
    };
    assert_eq!(alone(5), 0);
    assert!(alone(0) > 5, "{}", alone(0));
}

/// The best CNNs of a size of stacks are proposed again in smaller stacks, whichever side is held in turn.
#[test]
fn each_level_begins_with_the_networks_of_the_one_before() {
    let space = space();
    let position = |name: &str| space.choices.iter().position(|choice| choice.name == name).unwrap();
    let (modules, stacks) = (position("cnn.modules_per_stack"), position("cnn.stacks"));
    let whole = |point: &Genotype| decode(&space, point).unwrap().cnn.unwrap().modules;
    for given in
        [("fix", ParameterValue::Text("in-turn".into())), ("turns_after", ParameterValue::Integer(1))]
    {
        let numbers = [("startup", 4), ("turn", 2), ("settled_after", 8)];
        let numbers = numbers.map(|(name, value)| (name, ParameterValue::Integer(value)));
        let mut strategy = make(&[std::slice::from_ref(&given), &numbers].concat(), 3);
        let mut all: Vec<(Genotype, f64)> = Vec::new();
        let mut firsts = 0;
        for trial in 0..80 {
            let point = strategy.ask(1).unwrap().remove(0);
            // Few stacks are best, which the next level has room for.
            let value = -f64::from(point.0[stacks]);
            if all.last().is_some_and(|(last, _)| last.0[modules] > point.0[modules]) {
                firsts += 1;
                // Half of the first network's stacks may be another's; the next proposal is that network as it was.
                let next = strategy.ask(1).unwrap().remove(0);
                let best = all.iter().filter(|(known, _)| known.0[modules] == point.0[modules] + 1);
                let best = best.fold(None::<&(Genotype, f64)>, |best, one| match best {
                    Some(best) if best.1 >= one.1 => Some(best),
                    _ => Some(one),
                });
                let (parent, _) = best.unwrap();
                assert!(
                    parent.0[stacks] < 3,
                    "{given:?}: there is no room for twice the stacks of {parent:?}"
                );
                assert!(
                    [&point, &next].iter().any(|split| whole(split) == whole(parent)),
                    "{given:?} {parent:?}"
                );
            }
            let objectives = vec![value];
            let genotype = point.clone();
            strategy
                .tell(&[Tell { trial, genotype, status: Status::Ok, objectives, violation: 0.0 }])
                .unwrap();
            all.push((point, value));
            if firsts == 2 {
                break;
            }
        }
        assert_eq!(firsts, 2, "{given:?}");
    }
}

/// The side that is held fast never moves, also when the search has settled.
#[test]
fn one_side_is_held_fast_to_the_end() {
    let space = space();
    let first = space.choices.iter().position(|choice| choice.block == Block::Accelerator).unwrap();
    for (fix, held) in [("cnn", 0..first), ("accelerator", first..space.choices.len())] {
        let given =
            [("fix", ParameterValue::Text(fix.into())), ("settled_after", ParameterValue::Integer(3))];
        let all = proposed(make(&given, 2).as_mut(), 23);
        let sides: HashSet<&[u32]> = all.iter().map(|point| &point.0[held.clone()]).collect();
        assert_eq!(sides.len(), 1, "{fix}");
        // All 24 accelerators are there, or as many CNNs as trials.
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), 23, "{fix}");
    }
}

/// Turns begin after the random start.
#[test]
fn the_random_start_holds_no_side() {
    let space = space();
    let first = space.choices.iter().position(|choice| choice.block == Block::Accelerator).unwrap();
    for given in
        [("fix", ParameterValue::Text("in-turn".into())), ("turns_after", ParameterValue::Integer(1))]
    {
        // The stacks' size is held by refinement.
        let mut strategy = make(&[given, ("refine", ParameterValue::Boolean(false))], 1);
        let mut all: Vec<Genotype> = Vec::new();
        for trial in 0..10 {
            let genotype = strategy.ask(1).unwrap().remove(0);
            all.push(genotype.clone());
            let objectives = vec![-(trial as f64)];
            strategy
                .tell(&[Tell { trial, genotype, status: Status::Ok, objectives, violation: 0.0 }])
                .unwrap();
        }
        let cnns: HashSet<&[u32]> = all.iter().map(|point| &point.0[..first]).collect();
        assert_eq!(cnns.len(), 10);
    }
}
