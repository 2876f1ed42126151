//! Every check can fail: a deliberately broken plugin for each of them. A sound one passes.
#![allow(clippy::unwrap_used, clippy::panic)]

mod cnn_op;
mod description;
mod engine;
mod evaluator;
mod executor;
mod memory;
mod module;
mod strategy;
mod surrogate;

use codebench_api::{Catalog, Entry, Form, Kind, Maker, PluginInfo};
use codebench_conformance::{Options, Outcome, Report, Status, check, checks, run_check};
use std::collections::BTreeSet;

pub(crate) const ID: &str = "test/subject";

pub(crate) fn info() -> PluginInfo {
    PluginInfo::new(ID, "0.1.0", "A plugin to be tested.")
        .example("Use it", &format!("[[anything]]\nplugin = \"{ID}\"\n"))
}

pub(crate) fn entry(info: PluginInfo, maker: Maker) -> Entry {
    Entry { info, maker, source: "here".into(), form: Form::BuiltIn, sha256: None }
}

pub(crate) fn report(entry: Entry) -> Report {
    let mut catalog = Catalog::default();
    catalog.add(entry).unwrap();
    check(&catalog, ID, &Options::default()).unwrap()
}

pub(crate) fn outcome(entry: Entry, name: &str) -> Outcome {
    let kind = entry.kind();
    let mut catalog = Catalog::default();
    catalog.add(entry).unwrap();
    let check = checks(kind).into_iter().find(|c| c.name == name).unwrap();
    run_check(&catalog, ID, check, &Options::default()).unwrap()
}

/// A sound plugin passes every check.
pub(crate) fn passes(entry: Entry) {
    let report = report(entry);
    // A busy machine may make a check of time warn.
    let fine =
        |o: &Outcome| o.status == Status::Passed || (o.check == "scale" && o.status == Status::Warning);
    assert!(report.outcomes.iter().all(fine), "{report}");
}

/// What is broken, the check that notices it, and what it says.
pub(crate) type Case = (Entry, &'static str, Status, &'static str);

/// Each case is noticed by its check, and together they make every check of the kind's own suite fail.
pub(crate) fn all_noticed(kind: Kind, cases: Vec<Case>) {
    let mut noticed = BTreeSet::new();
    for (i, (entry, name, status, says)) in cases.into_iter().enumerate() {
        let outcome = outcome(entry, name);
        let message = outcome.message.unwrap_or_default();
        assert_eq!(outcome.status, status, "case {i}, {name}: {message}");
        assert!(message.contains(says), "case {i}, {name} says {message:?} instead of {says:?}");
        if status.is_breach() {
            noticed.insert(name);
        }
    }
    let common = ["description", "examples", "parameters", "refusal"];
    for check in checks(kind).into_iter().filter(|c| !common.contains(&c.name)) {
        assert!(noticed.contains(check.name), "no broken plugin makes check `{}` of {kind} fail", check.name);
    }
}

#[test]
fn a_report_is_text_and_data() {
    let mut report = report(executor::entry(executor::sound));
    report.outcomes.retain(|o| o.check == "once");
    for outcome in &mut report.outcomes {
        outcome.wall_s = 0.5;
        outcome.status = Status::Failed;
        outcome.message = Some("task 1 ran twice\nwith no parameters".into());
    }
    assert_eq!(
        report.to_string(),
        "test/subject 0.1.0, kind executor, built-in, from here\n  \
         failed   once  task 1 ran twice\n                 with no parameters\n1 failed (seed 0)\n"
    );
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["outcomes"][0]["status"], "failed");
    assert_eq!(serde_json::from_value::<Report>(json).unwrap(), report);
}

#[test]
fn an_unknown_plugin_is_an_error() {
    assert!(check(&Catalog::default(), "test/nobody", &Options::default()).is_err());
}

#[test]
fn names_of_checks_are_unique_and_promises_are_sentences() {
    for kind in Kind::ALL {
        let checks = checks(kind);
        let names: BTreeSet<_> = checks.iter().map(|c| c.name).collect();
        assert_eq!(names.len(), checks.len(), "{kind}");
        assert!(checks.iter().all(|c| c.promise.ends_with('.')), "{kind}");
        assert!(checks.len() > 4, "{kind}");
    }
}
