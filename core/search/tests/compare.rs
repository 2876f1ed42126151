//! Comparisons of small strategies on a small experiment.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use codebench_api::{Catalog, Entry};
use codebench_search::compare::{CompareOptions, Comparison, Measure, compare, strategy};
use codebench_search::objective::{Goal, MetricName};
use codebench_search::{Experiment, SearchError};
use common::{EXPERIMENT, FAKES, calls};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    catalog.add_all("fakes", FAKES).unwrap();
    catalog.add_all("search", codebench_search::PLUGINS).unwrap();
    catalog
}

fn experiment(text: &str) -> Experiment {
    Experiment::parse(text, "test.toml", Path::new("."), &catalog()).unwrap_or_else(|e| panic!("{e}"))
}

fn options(out: &Path, strategies: &[&str], seeds: u64) -> CompareOptions {
    let catalog = catalog();
    CompareOptions {
        strategies: strategies.iter().map(|s| strategy(s, &catalog).unwrap()).collect(),
        seeds,
        measure: Measure { metric: None, goal: Goal::Maximise, optimum: None, target: Some(0.5) },
        out: out.to_owned(),
        resume: false,
        threads: Some(2),
        cancel: Arc::new(AtomicBool::new(false)),
    }
}

fn run(text: &str, options: &CompareOptions) -> Result<Option<Comparison>, SearchError> {
    compare(&experiment(text), &catalog(), options, &|_, _| {})
}

const BOTH: [&str; 2] = ["fake/walk", "fake/walk:mode=same"];
const FILES: [&str; 5] = ["comparison.txt", "comparison.svg", "curves.csv", "runs.csv", "pairs.csv"];

fn files(out: &Path) -> Vec<String> {
    // Only the table tells how long strategies took.
    FILES[1..].iter().map(|file| std::fs::read_to_string(out.join(file)).unwrap()).collect()
}

#[test]
fn every_strategy_runs_every_seed_with_the_same_budget() {
    let out = tempfile::tempdir().unwrap();
    let comparison = run(EXPERIMENT, &options(out.path(), &BOTH, 3)).unwrap().unwrap();
    assert_eq!((comparison.queries, comparison.runs.len(), comparison.area_from), (14, 6, 10));
    assert!(comparison.runs.iter().all(|run| run.values.len() == 14));
    for s in &comparison.strategies {
        assert_eq!((s.finals.len(), s.areas.len(), s.to_target.len(), s.counts.0), (3, 3, 3, 42));
        assert!(s.curve.windows(2).all(|pair| pair[0].0 >= pair[1].0), "regret never grows");
        assert!(
            s.curve
                .iter()
                .all(|(mean, low, high)| *low <= *mean + 1e-12 && *mean <= *high + 1e-12 && *low >= 0.0)
        );
    }
    // The optimum is the best that any run saw, so somebody has no regret.
    let least = comparison.strategies.iter().flat_map(|s| &s.finals).fold(f64::INFINITY, |a, b| a.min(*b));
    assert_eq!(least, 0.0);
    assert_eq!(comparison.strategies.iter().map(|s| s.rank).sum::<f64>(), 3.0);
    assert_eq!(comparison.pairs.len(), 1);
    let text = std::fs::read_to_string(out.path().join("comparison.txt")).unwrap();
    assert_eq!(text, comparison.text());
    assert!(text.contains("fake/walk:mode=same") && text.contains("p area"), "{text}");
    let curves = std::fs::read_to_string(out.path().join("curves.csv")).unwrap();
    assert_eq!(curves.lines().count(), 1 + 2 * 14);
    let svg = std::fs::read_to_string(out.path().join("comparison.svg")).unwrap();
    assert!(svg.starts_with("<svg xmlns") && svg.matches("class=\"band\"").count() == 2);
    assert!(out.path().join("fake_walk/seed-8/study.sqlite").exists());
}

#[test]
fn it_resumes_from_the_stores_and_gives_the_same_bytes_on_any_number_of_threads() {
    let text = EXPERIMENT.replace("TAG", "compare");
    let (whole, broken) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let one_thread = CompareOptions { threads: Some(1), ..options(whole.path(), &BOTH, 3) };
    run(&text, &one_thread).unwrap().unwrap();
    // A part of the runs, then all of them; what is there is not evaluated again.
    run(&text, &options(broken.path(), &BOTH[..1], 2)).unwrap().unwrap();
    assert!(matches!(run(&text, &options(broken.path(), &BOTH, 3)), Err(SearchError::Store(_))));
    // A run that was killed while its store was made.
    let killed = broken.path().join("fake_walk_mode_same/seed-8");
    std::fs::create_dir_all(&killed).unwrap();
    std::fs::write(killed.join("study.sqlite"), b"").unwrap();
    let resumed = CompareOptions { resume: true, ..options(broken.path(), &BOTH, 3) };
    run(&text, &resumed).unwrap().unwrap();
    assert_eq!(files(whole.path()), files(broken.path()));
    let before = calls("compare hw");
    run(&text, &resumed).unwrap().unwrap();
    assert_eq!(calls("compare hw"), before);
    // Another experiment in the same folder is refused.
    let other = run(&text.replace("max = 30.0", "max = 20.0"), &resumed);
    assert!(matches!(other, Err(SearchError::Changed { .. })), "{other:?}");
}

#[test]
fn what_another_build_of_a_plugin_found_is_not_taken_for_what_this_one_finds() {
    let out = tempfile::tempdir().unwrap();
    let text = EXPERIMENT.replace("TAG", "rebuilt");
    let run = |sha256: &str, resume: bool| {
        let mut with_file = Catalog::default();
        for entry in catalog().entries() {
            let of_file = (entry.info.id == "fake/walk").then(|| sha256.to_owned());
            with_file.add(Entry { sha256: of_file, ..entry.clone() }).unwrap();
        }
        let options = CompareOptions { resume, ..options(out.path(), &BOTH, 2) };
        compare(&experiment(&text), &with_file, &options, &|_, _| {})
    };
    run("aa", false).unwrap().unwrap();
    run("aa", true).unwrap().unwrap();
    let error = run("bb", true).unwrap_err().to_string();
    assert!(error.contains("file of plugin fake/walk: aa -> bb"), "{error}");
}

/// Runs do not nest on the stack of a thread that waits for the pool of one of them.
#[test]
fn many_seeds_run_on_one_thread_one_after_the_other() {
    let text = EXPERIMENT.replace("TAG", "many");
    let out = tempfile::tempdir().unwrap();
    let (text, seeds) = (text.replace("trials = 14", "trials = 1"), 300);
    assert!(text.contains("trials = 1\n"), "{text}");
    let one_thread = CompareOptions { threads: Some(1), ..options(out.path(), &BOTH[..1], seeds) };
    let comparison = run(&text, &one_thread).unwrap().unwrap();
    assert_eq!(comparison.runs.iter().map(|run| run.seed).collect::<Vec<_>>(), Vec::from_iter(0..seeds));
}

#[test]
fn another_metric_may_be_compared_by_in_its_own_direction() {
    let out = tempfile::tempdir().unwrap();
    let metric = Some(MetricName { evaluator: "hw".into(), metric: "cost".into() });
    let measure = Measure { metric, goal: Goal::Minimise, optimum: Some(1.0), target: Some(1000.0) };
    let comparison =
        run(EXPERIMENT, &CompareOptions { measure, ..options(out.path(), &BOTH, 2) }).unwrap().unwrap();
    assert_eq!(comparison.optimum, 1.0);
    assert!(comparison.strategies.iter().all(|s| s.finals.iter().all(|r| *r > 0.0)));
    assert!(comparison.strategies.iter().all(|s| s.to_target.iter().all(|q| *q == 1.0)));
    let unknown = Some(MetricName { evaluator: "nobody".into(), metric: "cost".into() });
    let measure = Measure { metric: unknown, goal: Goal::Minimise, optimum: None, target: None };
    let error = run(EXPERIMENT, &CompareOptions { measure, ..options(out.path(), &BOTH, 2) }).unwrap_err();
    assert!(error.to_string().contains("`nobody.cost` is of no evaluator"), "{error}");
}

#[test]
fn failed_trials_stay_in_the_count() {
    let out = tempfile::tempdir().unwrap();
    let text = EXPERIMENT.replace("mode = \"plain\"", "mode = \"fail\"");
    let comparison = run(&text, &options(out.path(), &BOTH[..1], 3)).unwrap().unwrap();
    let (trials, infeasible, failed) = comparison.strategies[0].counts;
    assert!(trials == 42 && infeasible == 0 && failed > 0);
    let all = EXPERIMENT.replace("mode = \"plain\"", "mode = \"always-fail\"");
    let out = tempfile::tempdir().unwrap();
    let comparison = run(&all, &options(out.path(), &BOTH, 2)).unwrap().unwrap();
    assert!(comparison.strategies.iter().all(|s| s.finals == [0.0, 0.0] && s.counts.2 == 28));
}

#[test]
fn wrong_strategies_are_refused_by_name() {
    let catalog = catalog();
    let refused = |text: &str| strategy(text, &catalog).unwrap_err().to_string();
    assert!(refused("tpe").contains("unknown plugin `codebench/tpe`"));
    assert!(refused("fake/measure").contains("is of kind evaluator"));
    assert!(refused("fake/walk:mode").contains("is no `parameter=value`"));
    assert!(refused("fake/walk:mode=fly").contains("mode"));
    let out = tempfile::tempdir().unwrap();
    let twice =
        run(EXPERIMENT, &options(out.path(), &["fake/walk", "fake/walk"], 1)).unwrap_err().to_string();
    assert!(twice.contains("would share a folder"), "{twice}");
}

/// Of what is measured by, all that can be known before is checked before anything runs.
#[test]
fn a_measure_that_nothing_has_is_refused_before_anything_runs() {
    let text = EXPERIMENT.replace("TAG", "measure");
    let out = tempfile::tempdir().unwrap();
    let refused = |metric: Option<(&str, &str)>, optimum: Option<f64>, target: Option<f64>| {
        let metric = metric
            .map(|(evaluator, metric)| MetricName { evaluator: evaluator.into(), metric: metric.into() });
        let measure = Measure { metric, goal: Goal::Maximise, optimum, target };
        let error = run(&text, &CompareOptions { measure, ..options(out.path(), &BOTH, 1) }).unwrap_err();
        assert_eq!(calls("measure hw"), 0);
        assert!(std::fs::read_dir(out.path()).unwrap().next().is_none());
        error.to_string()
    };
    let unknown = refused(Some(("hw", "sped")), None, None);
    assert!(
        unknown.starts_with("--metric hw.sped: plugin `fake/measure` gives no metric `sped`"),
        "{unknown}"
    );
    assert!(unknown.contains("`speed`"), "{unknown}");
    assert_eq!(
        refused(None, Some(f64::INFINITY), None),
        "--optimum inf: give a finite number, or leave it out"
    );
    assert_eq!(refused(None, None, Some(f64::NAN)), "--target NaN: give a finite number, or leave it out");
}

#[test]
fn what_an_evaluator_does_not_list_has_to_be_in_the_records() {
    let metric = |evaluator: &str, metric: &str| {
        let metric = Some(MetricName { evaluator: evaluator.into(), metric: metric.into() });
        Measure { metric, goal: Goal::Maximise, optimum: None, target: None }
    };
    // Listed, and of the test split: the search never sees it, a comparison may.
    let out = tempfile::tempdir().unwrap();
    let measure = metric("hw", "test_speed");
    let comparison =
        run(EXPERIMENT, &CompareOptions { measure, ..options(out.path(), &BOTH, 1) }).unwrap().unwrap();
    assert_eq!(comparison.optimum, 1e9);
    // An evaluator that lists nothing may give anything.
    let out = tempfile::tempdir().unwrap();
    let measure = metric("base", "level");
    let measured = CompareOptions { measure, ..options(out.path(), &BOTH, 1) };
    run(EXPERIMENT, &measured).unwrap().unwrap();
    let measure = metric("base", "height");
    let out = tempfile::tempdir().unwrap();
    let error = run(EXPERIMENT, &CompareOptions { measure, ..options(out.path(), &BOTH, 1) }).unwrap_err();
    let error = error.to_string();
    assert!(
        error.starts_with("--metric base.height: none of the ") && error.contains("records.csv"),
        "{error}"
    );
    assert!(!out.path().join("comparison.txt").exists());
}

#[test]
fn a_run_that_ends_with_an_error_is_the_last_to_start() {
    let out = tempfile::tempdir().unwrap();
    let strategies = ["fake/walk", "fake/walk:mode=fail", "fake/walk:mode=same"];
    let one_thread = CompareOptions { threads: Some(1), ..options(out.path(), &strategies, 3) };
    let error = run(EXPERIMENT, &one_thread).unwrap_err();
    assert!(matches!(error, SearchError::Strategy { .. }), "{error}");
    let runs = |name: &str| std::fs::read_dir(out.path().join(name)).map_or(0, Iterator::count);
    assert_eq!((runs("fake_walk"), runs("fake_walk_mode_fail"), runs("fake_walk_mode_same")), (3, 1, 0));
}
