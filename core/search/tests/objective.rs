//! Objective arithmetic and Pareto fronts.
#![allow(clippy::unwrap_used)]

use codebench_model::{Genotype, Metrics, Record, Status};
use codebench_search::Leader;
use codebench_search::objective::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn metrics(values: &[(&str, f64)]) -> BTreeMap<String, Metrics> {
    let values = values.iter().map(|(name, x)| (name.to_string(), *x)).collect();
    BTreeMap::from([("e".to_owned(), Metrics { values, ..Metrics::default() })])
}

fn name(metric: &str) -> MetricName {
    MetricName { evaluator: "e".into(), metric: metric.into() }
}

fn term(metric: &str, weight: f64, normaliser: f64, goal: Goal) -> Term {
    Term { metric: name(metric), weight, normaliser, goal }
}

#[test]
fn the_papers_weighted_sum() {
    let terms = vec![
        term("accuracy", 0.2, 1.0, Goal::Maximise),
        term("latency_s", 0.2, 1.0, Goal::Minimise),
        term("area_mm2", 0.1, 1000.0, Goal::Minimise),
        term("dynamic_j", 0.2, 10.0, Goal::Minimise),
        term("leakage_j", 0.3, 10.0, Goal::Minimise),
    ];
    let objective = Objective { aim: Aim::WeightedSum(terms), constraints: Vec::new() };
    let values =
        [("accuracy", 0.9), ("latency_s", 0.25), ("area_mm2", 500.0), ("dynamic_j", 2.0), ("leakage_j", 1.0)];
    let score = objective.score(&metrics(&values)).unwrap();
    // 0.18 + 0.15 + 0.05 + 0.16 + 0.27
    assert!((score.objectives[0] - 0.81).abs() < 1e-12);
    assert_eq!(score.violation, 0.0);
}

#[test]
fn a_minimised_axis_changes_its_sign_and_violations_are_relative() {
    let axes = vec![
        Axis { metric: name("a"), goal: Goal::Maximise },
        Axis { metric: name("b"), goal: Goal::Minimise },
    ];
    let constraints = vec![
        Constraint { metric: name("b"), max: Some(2.0), min: None },
        Constraint { metric: name("a"), max: None, min: Some(10.0) },
        Constraint { metric: name("a"), max: Some(0.0), min: None },
    ];
    let objective = Objective { aim: Aim::Pareto(axes), constraints };
    let score = objective.score(&metrics(&[("a", 5.0), ("b", 3.0)])).unwrap();
    assert_eq!(score.objectives, [5.0, -3.0]);
    assert_eq!(score.violation, 0.5 + 0.5 + 5.0);
}

#[test]
fn a_missing_metric_names_the_nearest_and_an_overflow_is_refused() {
    let sum = |metric, weight| Objective {
        aim: Aim::WeightedSum(vec![term(metric, weight, 1e-300, Goal::Maximise)]),
        constraints: Vec::new(),
    };
    let error = sum("accurcy", 1.0).score(&metrics(&[("accuracy", 1.0)])).unwrap_err().to_string();
    assert_eq!(error, "evaluator `e` gave no metric `accurcy` (did you mean `accuracy`?); it gave accuracy");
    let error = sum("accuracy", 1e10).score(&metrics(&[("accuracy", 1.0)])).unwrap_err().to_string();
    assert_eq!(error, "the objective is inf: choose larger normalisers");
}

fn record(trial: u64, objectives: Vec<f64>, violation: f64) -> Record {
    Record {
        trial,
        batch: 0,
        genotype: Genotype(vec![]),
        status: Status::Ok,
        reason: None,
        metrics: BTreeMap::new(),
        objectives,
        violation,
        evaluator_keys: BTreeMap::new(),
    }
}

#[test]
fn trials_that_satisfy_the_constraints_lead() {
    let mut leader = Leader::default();
    leader.add(&record(0, vec![9.0], 2.0));
    leader.add(&record(1, vec![1.0], 1.0));
    leader.add(&record(2, vec![5.0], 1.0));
    assert_eq!(
        (leader.best().unwrap().0, leader.is_feasible()),
        (1, false),
        "the least violation, the earliest"
    );
    leader.add(&record(3, vec![0.5], 0.0));
    leader.add(&record(4, vec![7.0], 0.1));
    leader.add(&Record { status: Status::Failed, ..record(5, vec![99.0], 0.0) });
    leader.add(&record(6, vec![0.5], 0.0));
    assert_eq!((leader.best().unwrap().0, leader.is_feasible()), (3, true));
}

#[test]
fn the_compromise_is_nearest_to_the_ideal_point() {
    let points = vec![vec![0.0, 10.0], vec![0.7, 8.0], vec![1.0, 0.0]];
    assert_eq!(compromise(&points, &[0, 1, 2]), Some(1));
    assert_eq!(compromise(&points, &[]), None);
    assert_eq!(compromise(&[vec![1.0], vec![1.0]], &[0, 1]), Some(0));
}

proptest! {
    /// Small integers make equal points and equal coordinates frequent.
    #[test]
    fn fronts_equal_brute_force(
        axes in 1usize..4,
        raw in prop::collection::vec(prop::collection::vec(0i8..6, 4), 0..60),
    ) {
        let points: Vec<Vec<f64>> =
            raw.iter().map(|p| p[..axes].iter().map(|x| f64::from(*x)).collect()).collect();
        let beaten = |i: usize| (0..points.len()).any(|j| {
            let (a, b) = (&points[j], &points[i]);
            (0..axes).all(|k| a[k] >= b[k]) && (0..axes).any(|k| a[k] > b[k])
        });
        let expected: Vec<usize> = (0..points.len()).filter(|&i| !beaten(i)).collect();
        prop_assert_eq!(pareto_front(&points), expected.clone());
        let records: Vec<Record> =
            points.iter().enumerate().map(|(i, p)| record(i as u64, p.clone(), 0.0)).collect();
        let leader = Leader::of(&records);
        prop_assert_eq!(leader.front(), expected.iter().map(|&i| i as u64).collect::<Vec<_>>());
        let best = leader.best().map(|(trial, _)| trial as usize);
        prop_assert_eq!(best, compromise(&points, &expected));
    }
}
