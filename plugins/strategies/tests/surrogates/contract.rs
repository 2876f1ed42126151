//! The executable contract, and what it does not try.

use super::*;
use codebench_conformance::{Options, check};
use codebench_sdk::api::ErrorKind;

#[test]
fn every_surrogate_keeps_its_contract() {
    let catalog = catalog();
    let mut broken = String::new();
    for entry in catalog.entries().filter(|e| e.kind() == Kind::Surrogate) {
        assert!(IDS.contains(&entry.info.id.as_str()), "{} is not tested here", entry.info.id);
        for seed in 0..2 {
            let options = Options { seed, ..Options::default() };
            let report = check(&catalog, &entry.info.id, &options).unwrap();
            if !report.ok() {
                broken += &report.to_string();
            }
        }
    }
    assert!(broken.is_empty(), "{broken}");
}

#[test]
fn numbers_that_are_not_finite_are_refused_with_their_place() {
    for id in IDS {
        let mut surrogate = make(id, "", 2, 1, false);
        let message = |answer: Result<(), PluginError>| {
            let error = answer.unwrap_err();
            assert_eq!(error.kind, ErrorKind::Invalid, "{id}: {error}");
            error.message
        };
        let nan = surrogate.fit(&[0.0, 1.0, f64::NAN, 0.0], &[1.0, 2.0]);
        assert_eq!(message(nan), "input 0 of row 1 is NaN: give finite numbers", "{id}");
        let infinite = surrogate.fit(&[0.0, 1.0, 0.0, 0.0], &[1.0, f64::INFINITY]);
        assert_eq!(message(infinite), "target 0 of row 1 is inf: give finite numbers", "{id}");
        let none = surrogate.fit(&[], &[]);
        assert_eq!(message(none), "no records to learn from: give at least one", "{id}");
        assert_eq!(surrogate.predict(&[0.0, 0.0], 1).unwrap_err().kind, ErrorKind::Contract, "{id}");
        surrogate.fit(&[0.0, 1.0, 1.0, 0.0], &[1.0, 2.0]).unwrap();
        let nan = surrogate.predict(&[0.0, f64::NAN], 1).map(drop);
        assert_eq!(message(nan), "input 1 of row 0 is NaN: give finite numbers", "{id}");
    }
}

#[test]
fn equal_targets_are_predicted_everywhere() {
    let mut rng = Rng::new(1, 0);
    for id in IDS {
        let mut surrogate = make(id, "", 3, 1, false);
        surrogate.fit(&points(&mut rng, 12, 3), &[7.5; 12]).unwrap();
        let prediction = surrogate.predict(&points(&mut rng, 5, 3), 5).unwrap();
        for mean in &prediction.mean {
            assert!((mean - 7.5).abs() < 0.3, "{id}: {mean}");
        }
    }
}

/// Scale and place of the objectives do not matter.
#[test]
fn predictions_follow_the_units_of_the_targets() {
    let mut rng = Rng::new(2, 0);
    let (x, at) = (points(&mut rng, 30, 3), points(&mut rng, 6, 3));
    let y: Vec<f64> = x.chunks(3).map(|x| x[0] - x[1] * x[2]).collect();
    // Powers of two do not round; the shift does, by which the splits of a tree may change.
    const FACTOR: f64 = 1_048_576.0;
    for id in IDS {
        let answer = |factor: f64, shift: f64| {
            let mut surrogate = make(id, "", 3, 1, false);
            let y: Vec<f64> = y.iter().map(|y| factor * y + shift).collect();
            surrogate.fit(&x, &y).unwrap();
            (surrogate.predict(&at, 6).unwrap(), surrogate.differentiable())
        };
        let (small, smooth) = answer(1.0, 0.0);
        for (shift, near) in [(0.0, 1e-9), (-3e6, if smooth { 0.01 } else { 0.05 })] {
            let large = answer(FACTOR, shift).0;
            let pairs = small.mean.iter().zip(large.mean.iter().map(|m| (m - shift) / FACTOR));
            let spreads = small.epistemic.iter().zip(large.epistemic.iter().map(|e| e / FACTOR));
            for (a, b) in pairs.chain(spreads) {
                assert!((a - b).abs() < near, "{id}, {shift}: {a} {b}");
            }
        }
    }
}

/// A space of one point has no columns.
#[test]
fn records_without_inputs_are_averaged() {
    for id in IDS {
        let mut surrogate = make(id, "", 0, 1, false);
        surrogate.fit(&[], &[1.0, 2.0, 3.0]).unwrap();
        let prediction = surrogate.predict(&[], 2).unwrap();
        assert_eq!(prediction.mean.len(), 2, "{id}");
        for mean in &prediction.mean {
            assert!((mean - 2.0).abs() < 0.8, "{id}: {mean}");
        }
        if surrogate.differentiable() {
            assert!(surrogate.gradient(&[], &[1.0; 3]).unwrap().is_empty(), "{id}");
            assert!(surrogate.hvp(&[], &[], &[1.0; 3]).unwrap().is_empty(), "{id}");
        }
    }
}
