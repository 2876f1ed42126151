//! A tuning over a made-up evaluator: the same bytes on any number of threads, after any interruption, and with growing budgets.

use super::{TuneSummary, Tuning, tune};
use crate::{Outcome, RunOptions, SearchError, StoreError};
use codebench_api::*;
use codebench_model::*;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Evaluations so far, of all tests of this process that count.
static CALLS: AtomicU64 = AtomicU64::new(0);

/// A loss that falls with the epochs towards what learning rate and decay allow; every fifth learning rate fails.
struct Curve {
    resumes: bool,
    fails: bool,
}

impl Plugin for Curve {
    type Kind = kinds::Evaluator;

    fn info() -> PluginInfo {
        PluginInfo::new("fake/curve", "0.1.0", "A made-up training.")
            .parameters(vec![
                ParameterDescription::boolean("resumes", true, "Goes on."),
                ParameterDescription::boolean("fails", false, "Fails now and then."),
            ])
            .metrics(&["accuracy", "loss", "test_loss"])
    }

    fn configure(c: &Configuration<'_>) -> Result<Self, PluginError> {
        Ok(Curve { resumes: c.boolean("resumes")?, fails: c.boolean("fails")? })
    }
}

impl Evaluator for Curve {
    fn reads(&self) -> Reads {
        Reads { recipe: true, seed: true, ..Reads::default() }
    }

    fn evaluate(&self, job: &Job) -> Result<Metrics, PluginError> {
        CALLS.fetch_add(1, Ordering::Relaxed);
        let recipe = job.recipe.as_ref().unwrap();
        // What is short in virtual time takes long here, so that threads finish out of order.
        std::thread::sleep(std::time::Duration::from_millis(12 / recipe.epochs));
        let of = |recipe: &Recipe| format!("{:?} of {}", recipe.learning_rate, recipe.span());
        if let Some(from) = &job.resume_from {
            assert!(from.ends_with(&of(recipe)), "{from} goes on as {}", of(recipe));
        }
        let bits = recipe.learning_rate.to_bits();
        if self.fails && bits.is_multiple_of(5) {
            return Err(PluginError::failed("diverged"));
        }
        let best = (codebench_math::log10(recipe.learning_rate) + 2.0).powi(2) + recipe.weight_decay;
        let loss = best + 1.0 / (recipe.epochs as f64 + (bits % 7) as f64);
        let mut metrics = Metrics::default();
        metrics.values.insert("loss".into(), loss);
        metrics.values.insert("accuracy".into(), 1.0 / (1.0 + loss));
        metrics.wall.insert("luck".into(), f64::from(std::process::id()));
        if job.purpose == Purpose::Final {
            metrics.values.insert("test_loss".into(), loss + 0.1);
        }
        if self.resumes {
            metrics
                .artifacts
                .insert("checkpoint".into(), format!("{} epochs, {}", recipe.epochs, of(recipe)));
        }
        Ok(metrics)
    }
}

static FAKES: &[Registration] = &[Registration::of::<Curve>()];

const FILE: &str = r#"name = "made up"
seed = 3

[evaluator]
plugin = "fake/curve"
parameters = { fails = true }

[tune]
configurations = 27
reduction = 3
grace_epochs = 1
max_epochs = 9
workers = 4
metric = "loss"

[tune.recipe]
learning_rate = { min = 1e-4, max = 1.0, scale = "log" }
weight_decay = { min = 0.0, max = 0.5 }
optimizer = ["sgd", "adamw"]
momentum = [0.8, 0.9]
"#;

fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    catalog.add_all("fakes", FAKES).unwrap();
    catalog.add_all("search", crate::PLUGINS).unwrap();
    catalog
}

fn parse(text: &str) -> Result<Tuning, String> {
    Tuning::parse(text, "tune.toml", Path::new("."), &catalog()).map_err(|e| e.to_string())
}

fn options(out: &Path, threads: usize) -> RunOptions {
    RunOptions { out: out.into(), resume: true, threads: Some(threads), ..RunOptions::default() }
}

fn run(text: &str, out: &Path, threads: usize) -> Result<TuneSummary, SearchError> {
    tune(&parse(text).unwrap(), &catalog(), &options(out, threads), &mut |_, _| ())
}

fn files(out: &Path) -> [String; 2] {
    ["records.csv", "best-recipe.toml"].map(|name| std::fs::read_to_string(out.join(name)).unwrap())
}

#[test]
fn threads_change_no_byte() {
    let [one, many] = [1, 6].map(|threads| {
        let out = tempfile::tempdir().unwrap();
        let summary = run(FILE, out.path(), threads).unwrap();
        (files(out.path()), TuneSummary { files: Vec::new(), ..summary })
    });
    assert_eq!(one, many);
    let summary = one.1;
    assert_eq!(summary.outcome, Outcome::Completed);
    let rungs: Vec<_> = summary.rungs.iter().map(|rung| (rung.epochs, rung.reached, rung.promoted)).collect();
    // Nine are the best third in the end; two more were among it when they were promoted.
    assert_eq!(rungs[0], (1, 27, 11));
    assert_eq!(rungs.iter().map(|rung| rung.0).collect::<Vec<_>>(), [1, 3, 9]);
    assert!(summary.rungs[0].failed > 0);
    let best = summary.best.as_ref().unwrap();
    assert_eq!(best.epochs, 9);
    assert_eq!(summary.measured["test_loss"], best.value.unwrap() + 0.1);
    assert!(one.0[1].starts_with("[recipe]\nepochs = 9\nlearning_rate = 0.0"), "{}", one.0[1]);
    let header = "number,configuration,rung,epochs,trained_epochs,start,end,status,reason,recipe.learning_rate,recipe.momentum,\
                  recipe.optimizer,recipe.weight_decay,accuracy,loss\n0,0,0,1,1,0,1,";
    assert!(one.0[0].starts_with(header), "{}", one.0[0]);
}

/// Ends the run after so many records; the next one goes on.
fn interrupted(out: &Path, after: u64) -> bool {
    let cancel = Arc::new(AtomicBool::new(false));
    let options = RunOptions { cancel: Arc::clone(&cancel), ..options(out, 3) };
    let mut seen = 0;
    let mut watch = |_: &super::RungRecord, _: u64| {
        seen += 1;
        cancel.store(seen >= after, Ordering::Relaxed);
    };
    tune(&parse(FILE).unwrap(), &catalog(), &options, &mut watch).unwrap().outcome == Outcome::Interrupted
}

#[test]
fn a_run_that_is_stopped_anywhere_ends_as_if_it_had_not_been() {
    let whole = tempfile::tempdir().unwrap();
    run(FILE, whole.path(), 2).unwrap();
    for after in [1, 2, 5, 13, 26, 30, 35] {
        let out = tempfile::tempdir().unwrap();
        assert!(interrupted(out.path(), after));
        assert!(!out.path().join("records.csv").exists());
        run(FILE, out.path(), 2).unwrap();
        assert_eq!(files(out.path()), files(whole.path()), "stopped after {after} records");
    }
}

#[test]
fn a_larger_budget_goes_on_as_if_it_had_been_there_from_the_start() {
    let (grown, whole) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    run(&FILE.replace("configurations = 27", "epochs = 31"), grown.path(), 2).unwrap();
    run(FILE, grown.path(), 2).unwrap();
    run(FILE, whole.path(), 2).unwrap();
    assert_eq!(files(grown.path()), files(whole.path()));
    let changed = run(&FILE.replace("reduction = 3", "reduction = 2"), grown.path(), 2).unwrap_err();
    let SearchError::Retuned { differences } = &changed else { panic!("{changed}") };
    assert_eq!(differences, &["reduction: 3 -> 2"]);
    let without_resume = RunOptions { resume: false, ..options(grown.path(), 1) };
    let refused = tune(&parse(FILE).unwrap(), &catalog(), &without_resume, &mut |_, _| ());
    assert!(matches!(refused, Err(SearchError::Store(StoreError::Exists { .. }))));
}

#[test]
fn random_search_spends_the_same_epochs_on_fewer_configurations() {
    let out = tempfile::tempdir().unwrap();
    let text = FILE.replace("configurations = 27", "method = \"random\"\nepochs = 60");
    let summary = run(&text, out.path(), 2).unwrap();
    assert_eq!((summary.epochs, summary.records.len(), summary.rungs.len()), (54, 6, 1));
    let halving =
        run(&FILE.replace("configurations = 27", "epochs = 60"), tempfile::tempdir().unwrap().path(), 2);
    let halving = halving.unwrap();
    assert!(halving.epochs <= 60 && halving.records.len() > 20, "{} epochs", halving.epochs);
    assert!(halving.best.unwrap().value <= summary.best.unwrap().value);
}

#[test]
fn an_evaluator_that_cannot_go_on_trains_from_the_start() {
    let text = FILE.replace("fails = true", "resumes = false");
    let summary = run(&text, tempfile::tempdir().unwrap().path(), 2).unwrap();
    assert!(summary.records.iter().all(|record| record.trained_epochs == record.epochs));
    let resumed = run(&FILE.replace("fails = true", ""), tempfile::tempdir().unwrap().path(), 2).unwrap();
    assert!(resumed.records.iter().any(|record| record.trained_epochs < record.epochs));
}

#[test]
fn mistakes_are_told_with_their_place() {
    let error = |from: &str, to: &str| {
        assert!(FILE.contains(from), "{from}");
        let message = parse(&FILE.replace(from, to)).unwrap_err();
        message.lines().next().unwrap().to_owned()
    };
    let cases = [
        (
            "reduction = 3",
            "reduction = 11",
            "tune.toml:10:13: `tune.reduction` = 11 is out of range: give 2 to 10",
        ),
        (
            "grace_epochs = 1",
            "grace_epochs = 10",
            "tune.toml:11:16: `tune.grace_epochs` = 10 is out of range: give 1 to 9",
        ),
        (
            "workers = 4",
            "worker = 4",
            "tune.toml:13:1: unknown key `worker` (did you mean `workers`?); known: method, max_epochs, grace_epochs, reduction, workers, configurations, epochs, metric, goal, recipe",
        ),
        (
            "configurations = 27",
            "",
            "tune.toml:8:1: [tune] has no end: give `configurations` or `epochs`, the most that are trained in all",
        ),
        (
            "metric = \"loss\"",
            "metric = \"los\"",
            "tune.toml:14:10: plugin `fake/curve` gives no metric `los` (did you mean `loss`?); known: accuracy, loss",
        ),
        (
            "metric = \"loss\"",
            "metric = \"test_loss\"",
            "tune.toml:14:10: metric `test_loss` is taken on the test split, which the search must not see: use the validation split's",
        ),
        (
            "metric = \"loss\"",
            "method = \"halfing\"",
            "tune.toml:14:10: unknown name `halfing` (did you mean `halving`?); known: halving, random",
        ),
        (
            "momentum = [0.8, 0.9]",
            "momentun = [0.8]",
            "tune.toml:20:1: a recipe has no field `momentun` (did you mean `momentum`?); known: ",
        ),
        (
            "momentum = [0.8, 0.9]",
            "momentum = [0.8, 1.5]",
            "tune.toml:20:12: recipe `momentum` = 1.5 is out of range: give a number from 0 to below 1",
        ),
        (
            "momentum = [0.8, 0.9]",
            "momentum = [0.8, 0.8]",
            "tune.toml:20:12: `momentum` lists 0.8 twice: leave one of the two out",
        ),
        (
            "momentum = [0.8, 0.9]",
            "momentum = []",
            "tune.toml:20:12: `momentum` has no value: give at least one",
        ),
        (
            "momentum = [0.8, 0.9]",
            "momentum = 0.8",
            "tune.toml:20:12: `momentum` is a list of values or a range here: write [1, 2] or { min = 1, max = 2, scale = \"log\" }",
        ),
        (
            "momentum = [0.8, 0.9]",
            "betas = [0.8, 0.9]",
            "tune.toml:20:9: `betas`: invalid type: floating point `0.8`, expected an array of length 2",
        ),
        (
            "momentum = [0.8, 0.9]",
            "epochs = [1, 2]",
            "tune.toml:20:1: recipe `epochs` comes from [tune] itself: leave it out",
        ),
        (
            "{ min = 0.0, max = 0.5 }",
            "{ min = 0.5, max = 0.5 }",
            "tune.toml:18:16: the range of `weight_decay` is empty: `min` = 0.5 is not below `max` = 0.5",
        ),
        (
            "{ min = 0.0, max = 0.5 }",
            "{ min = 0.0, max = 0.5, scale = \"log\" }",
            "tune.toml:18:16: `weight_decay` from 0 has no logarithm: give a `min` above 0, or `scale = \"linear\"`",
        ),
        (
            "{ min = 0.0, max = 0.5 }",
            "{ min = 0.0, max = 2 }",
            "tune.toml:18:16: recipe `weight_decay` = 2 is out of range: give a number from 0 to 1",
        ),
        (
            "[tune]\n",
            "[recipe]\nepochs = 4\n[tune]\n",
            "tune.toml:9:10: recipe `epochs` comes from [tune] here: leave it out",
        ),
        ("name = \"made up\"", "name = \" \"", "tune.toml:1:8: `name` is empty: give the tuning a name"),
        ("seed = 3", "seed = 3\ncnn = \"lenet-6\"", "tune.toml:3:7: "),
    ];
    for (from, to, expected) in cases {
        let message = error(from, to);
        assert!(message.starts_with(expected), "{to}\n{message}\n{expected}");
    }
}
