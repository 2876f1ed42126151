//! The catalogue of the command: a plugin that is missing, extra, renamed or of another version shows here.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use codebench_api::Kind;
use codebench_cnn::Language;
use codebench_search::Experiment;
use codebench_tests::{assert_golden, root};

#[test]
fn the_catalogue_is_the_golden_one() {
    let catalog = codebench::catalog().unwrap();
    let lines: Vec<String> = catalog
        .entries()
        .map(|e| format!("{} {} {} {}\n", e.info.id, e.kind(), e.info.version, e.source))
        .collect();
    assert_golden("catalog.txt", &lines.concat());
}

#[test]
fn every_description_is_complete() {
    let catalog = codebench::catalog().unwrap();
    for entry in catalog.entries() {
        let info = &entry.info;
        assert!(
            info.summary.len() > 10 && info.summary.ends_with('.'),
            "{}: summary {:?}",
            info.id,
            info.summary
        );
        for parameter in &info.parameters {
            assert!(
                parameter.help.ends_with('.'),
                "{}: help of {}: {:?}",
                info.id,
                parameter.name,
                parameter.help
            );
            if let Some(default) = &parameter.default {
                parameter.check(default).unwrap_or_else(|e| panic!("{}: default: {e}", info.id));
            }
        }
    }
}

/// An experiment around an example: what the example does not say itself is added.
fn around(example: &str) -> String {
    let mut text = format!(
        "name = \"example\"\n[space.accelerator]\npib = [1, 2]\n[budget]\ntrials = 1\n[pareto]\nobjectives = \
         [{{ metric = \"own.area_mm2\", goal = \"minimise\" }}]\n[[evaluator]]\nid = \"own\"\nplugin = \
         \"codebench/simulate\"\nparameters = {{ fidelity = \"published\" }}\n{example}\n"
    );
    if !example.contains("[strategy]") {
        text += "[strategy]\nplugin = \"codebench/random\"\n";
    }
    text
}

/// Whoever copies an example from `plugin info` has something that works.
#[test]
fn every_example_is_read() {
    let catalog = codebench::catalog().unwrap();
    let language = Language::new(&catalog).unwrap();
    let mut read = 0;
    for entry in catalog.entries() {
        let (id, kind) = (&entry.info.id, entry.kind());
        assert!(kind != Kind::Strategy || !entry.info.examples.is_empty(), "{id} has no example");
        for example in &entry.info.examples {
            let refuse = |e: &dyn std::fmt::Display| panic!("{id}, example {:?}: {e}", example.title);
            match kind {
                Kind::CnnOp => language.check_label(&example.text).unwrap_or_else(|e| refuse(&e)),
                Kind::Strategy | Kind::Evaluator | Kind::Executor => {
                    assert!(
                        example.text.contains(id.as_str()),
                        "{id}: its example {:?} is of another",
                        example.title
                    );
                    let experiment =
                        Experiment::parse(&around(&example.text), "example.toml", &root(), &catalog);
                    experiment.map(drop).unwrap_or_else(|e| refuse(&e));
                }
                _ => toml::from_str::<toml::Table>(&example.text).map(drop).unwrap_or_else(|e| refuse(&e)),
            }
            read += 1;
        }
    }
    assert!(read >= 25, "only {read} examples");
}
