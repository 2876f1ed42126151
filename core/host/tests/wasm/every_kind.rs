//! Plugins of every kind answer the same in the sandbox as built in, and what panics in there stays in there.

use crate::common;
use codebench_api::{Catalog, ErrorKind, Strategy, StrategyContext, Surrogate, SurrogateContext};
use codebench_conformance::{Options, Status, check};
use codebench_every_kind::ask::Answers;
use codebench_model::{Block, Choice, Genotype, ParameterValue, Parameters, Space};

/// What the sandbox does not take: engines, and plugins that make others.
const ONLY_OUTSIDE: [&str; 3] = ["test/guided", "test/trained", "test/linear"];

fn catalogs() -> Option<(Catalog, Catalog)> {
    let entries = common::entries("codebench-every-kind-wasm")?;
    let mut all = Catalog::default();
    all.add_all("here", codebench_every_kind::PLUGINS).unwrap();
    let mut built_in = Catalog::default();
    for entry in all.entries().filter(|e| !ONLY_OUTSIDE.contains(&e.info.id.as_str())) {
        built_in.add(entry.clone()).unwrap();
    }
    Some((common::catalog(entries), built_in))
}

#[test]
fn every_answer_is_that_of_the_built_in_form() {
    let Some((sandboxed, built_in)) = catalogs() else { return };
    let infos = |c: &Catalog| c.entries().map(|e| (e.kind(), e.info.clone())).collect::<Vec<_>>();
    assert_eq!(infos(&sandboxed), infos(&built_in));
    let (a, b) = (Answers::of(&sandboxed), Answers::of(&built_in));
    assert_eq!(a.len(), b.len());
    for (a, b) in a.iter().zip(&b) {
        assert_eq!(a, b);
    }
}

/// The built-in evaluators need what the sandbox does not give; this one counts.
#[test]
fn an_evaluator_in_the_sandbox_keeps_the_contract() {
    let Some((sandboxed, _)) = catalogs() else { return };
    let report = check(&sandboxed, "test/depth", &Options::default()).unwrap();
    assert!(report.ok() && report.count(Status::Passed) > 6, "{report}");
}

#[test]
fn a_panic_is_a_broken_contract_with_its_message() {
    let Some((sandboxed, _)) = catalogs() else { return };
    let methods = [
        "configure",
        "lower",
        "facts",
        "cost",
        "fit",
        "predict",
        "start",
        "ask",
        "tell",
        "reads",
        "evaluate",
    ];
    for method in methods {
        let answers = Answers::with(&sandboxed, method);
        let panicked: Vec<_> = answers.iter().filter(|(_, a)| a.contains("asked to panic")).collect();
        assert!(!panicked.is_empty(), "{method}: {answers:?}");
        for (what, answer) in panicked {
            assert!(answer.contains("kind: Contract"), "{method}, {what}: {answer}");
            assert!(answer.contains(&format!("asked to panic in {method}")), "{method}, {what}: {answer}");
        }
    }
}

fn strategy(catalog: &Catalog) -> Box<dyn Strategy> {
    let choice = Choice {
        name: "a".into(),
        block: Block::Accelerator,
        values: vec![ParameterValue::Integer(1); 100],
        ordered: true,
        when: Vec::new(),
    };
    let space =
        Space { v: Space::VERSION, name: "one".into(), choices: vec![choice], cnn: None, accelerator: None };
    let context = StrategyContext { space, seed: 7, objectives: 1 };
    catalog.strategy("test/upwards", &Parameters::new(), &context).unwrap()
}

/// The state after a failure is that of the calls that succeeded.
#[test]
fn a_strategy_is_restored_after_a_failure() {
    let Some((sandboxed, _)) = catalogs() else { return };
    let mut strategy = strategy(&sandboxed);
    let first = |g: Vec<Genotype>| g[0].0[0];
    assert_eq!(first(strategy.ask(3).unwrap()), 0);
    // More than its memory holds: a trap.
    let error = strategy.ask(20_000_000).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Limit, "{error:?}");
    assert_eq!(first(strategy.ask(1).unwrap()), 3);
    assert_eq!(first(strategy.ask(1).unwrap()), 4);
}

#[test]
fn a_surrogate_answers_from_many_threads_what_it_learned() {
    let Some((sandboxed, built_in)) = catalogs() else { return };
    let context = SurrogateContext { seed: 5, inputs: 1, outputs: 1, blocks: vec![] };
    let make = |c: &Catalog| c.surrogate("test/average", &Parameters::new(), &context).unwrap();
    let (mut a, mut b): (Box<dyn Surrogate>, _) = (make(&sandboxed), make(&built_in));
    for surrogate in [&mut a, &mut b] {
        for fit in 1..4 {
            surrogate.fit(&[0.0, 1.0], &[1.0, fit as f64]).unwrap();
        }
        assert!(surrogate.fit(&[], &[]).is_err());
    }
    let expected = b.predict(&[0.5, 0.6], 2).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..20 {
                    assert_eq!(a.predict(&[0.5, 0.6], 2).unwrap(), expected);
                }
            });
        }
    });
}
