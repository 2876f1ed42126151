//! The example on a table of measured networks, with the strategies that ship.

#![allow(clippy::unwrap_used, clippy::panic)]

use codebench_api::Catalog;
use codebench_search::compare::{CompareOptions, Comparison, Measure, compare, strategy};
use codebench_search::objective::{Goal, MetricName};
use codebench_search::{Experiment, Observer, RunOptions, SearchError, Silent, Study};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    catalog.add_all("search", codebench_search::PLUGINS).unwrap();
    catalog.add_all("strategies", codebench_strategies::PLUGINS).unwrap();
    catalog.add_all("evaluators", codebench_evaluators::PLUGINS).unwrap();
    catalog
}

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}

/// The example, its paths made absolute: they are relative to the folder of the repository.
fn experiment() -> Experiment {
    experiment_in(&examples())
}

/// The example with the table of a folder.
fn experiment_in(folder: &Path) -> Experiment {
    let text = std::fs::read_to_string(examples().join("table.toml")).unwrap();
    let text = text.replace("\"examples/", &format!("\"{}/", folder.display()));
    Experiment::parse(&text, "table.toml", &examples(), &catalog()).unwrap_or_else(|e| panic!("{e}"))
}

fn compared(out: &Path, strategies: &[&str], seeds: u64) -> Comparison {
    let catalog = catalog();
    let options = comparing(out, strategies, seeds);
    compare(&experiment(), &catalog, &options, &|_, _| {}).unwrap().unwrap()
}

fn comparing(out: &Path, strategies: &[&str], seeds: u64) -> CompareOptions {
    let catalog = catalog();
    let metric = Some(MetricName { evaluator: "table".into(), metric: "test_accuracy".into() });
    CompareOptions {
        strategies: strategies.iter().map(|s| strategy(s, &catalog).unwrap()).collect(),
        seeds,
        measure: Measure { metric, goal: Goal::Maximise, optimum: Some(94.373), target: Some(94.0) },
        out: out.to_owned(),
        resume: false,
        threads: None,
        cancel: Arc::new(AtomicBool::new(false)),
    }
}

#[test]
fn the_example_finds_a_good_cell_and_keeps_the_test_accuracy_from_the_search() {
    let out = tempfile::tempdir().unwrap();
    let catalog = catalog();
    let options = RunOptions { out: out.path().into(), ..RunOptions::default() };
    let summary = Study::open(experiment(), &catalog, options).unwrap().run(&mut Silent).unwrap();
    assert_eq!((summary.counts.ok, summary.counts.total()), (40, 40));
    let best = summary.best.unwrap();
    assert!(best.metrics["table"].values["test_accuracy"] > 92.0);
    assert_eq!(best.objectives, [best.metrics["table"].values["validation_accuracy"] / 100.0]);
}

#[test]
fn neither_a_run_nor_a_comparison_is_resumed_with_another_table() {
    let folder = tempfile::tempdir().unwrap();
    let example = std::fs::read_to_string(examples().join("table.toml")).unwrap();
    let (_, after) = example.split_once("\"examples/").unwrap();
    let name = after.split('"').next().unwrap();
    let table = folder.path().join(name);
    std::fs::create_dir_all(table.parent().unwrap()).unwrap();
    let mut bytes = std::fs::read(examples().join(name)).unwrap();
    std::fs::write(&table, &bytes).unwrap();
    let (out, catalog) = (tempfile::tempdir().unwrap(), catalog());
    let open = |resume: bool| {
        let options = RunOptions { out: out.path().into(), resume, ..RunOptions::default() };
        Study::open(experiment_in(folder.path()), &catalog, options)
    };
    open(false).unwrap().run(&mut Silent).unwrap();
    assert!(open(true).is_ok());
    let comparison = tempfile::tempdir().unwrap();
    let compared = |resume: bool| {
        let options = CompareOptions { resume, ..comparing(comparison.path(), &["random"], 2) };
        compare(&experiment_in(folder.path()), &catalog, &options, &|_, _| {}).map(|_| ())
    };
    compared(false).unwrap();
    compared(true).unwrap();
    // The same rows, other bytes.
    bytes.push(b'\n');
    std::fs::write(&table, &bytes).unwrap();
    for error in [open(true).err(), compared(true).err()] {
        let Some(SearchError::Changed { differences }) = error else { panic!("{error:?}") };
        assert!(
            differences.iter().any(|d| d.starts_with("contents of evaluator table: ")),
            "{differences:?}"
        );
    }
}

#[test]
fn strategies_that_learn_beat_chance_on_the_example() {
    let out = tempfile::tempdir().unwrap();
    let comparison = compared(out.path(), &["random", "local-search", "tpe"], 12);
    let area = |i: usize| comparison.strategies[i].areas.iter().sum::<f64>();
    assert!(area(1) < area(0) && area(2) < area(0), "{}", comparison.text());
    assert!(comparison.strategies.iter().all(|s| s.counts == (480, 0, 0)));
}

#[test]
fn strategies_on_surrogates_run_and_resume_on_the_example() {
    let out = tempfile::tempdir().unwrap();
    let short = "bayesian-optimisation:surrogate_parameters=evaluations = 4";
    let comparison =
        compared(out.path(), &["boshnas:starts=1:steps=2:surrogate_parameters=evaluations = 4", short], 1);
    assert!(comparison.strategies.iter().all(|s| s.counts == (40, 0, 0) && s.seconds_per_query > 0.0));
}

/// Keeps the notes of a run.
#[derive(Default)]
struct Notes(Vec<String>);

impl Observer for Notes {
    fn note(&mut self, text: &str) {
        self.0.push(text.to_owned());
    }
}

/// A table reads no images: what a trainer in its place would read may stand in the file if [image] says what the CNNs read.
#[test]
fn a_data_set_that_nobody_reads_needs_the_images_beside_it() {
    let out = tempfile::tempdir().unwrap();
    let catalog = catalog();
    let run = |more: &str| {
        let text = std::fs::read_to_string(examples().join("table.toml")).unwrap();
        let text = text.replace("\"examples/", &format!("\"{}/", examples().display()));
        let text = format!("{text}\n[data]\nid = \"digits\"\n{more}");
        let experiment = Experiment::parse(&text, "x.toml", &examples(), &catalog).unwrap();
        let options = RunOptions { out: out.path().into(), ..RunOptions::default() };
        let mut notes = Notes::default();
        let summary = Study::open(experiment, &catalog, options)?.run(&mut notes)?;
        Ok::<_, SearchError>((summary, notes.0))
    };
    let refused = run("").unwrap_err().to_string();
    assert!(refused.contains("no evaluator reads the data set `digits`: leave [data] out"), "{refused}");
    let image = "\n[image]\nchannels = 1\nheight = 8\nwidth = 8\nclasses = 10\n";
    let (summary, notes) = run(image).unwrap();
    let note = "no evaluator reads the data set `digits`; [image] says what the CNNs read";
    assert_eq!((summary.counts.ok, notes), (40, vec![note.to_owned()]));
    assert_eq!(summary.note.as_deref(), Some(note));
}
