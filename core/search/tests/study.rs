//! The study with small plugins: determinism, duplicates, failures, resume.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use codebench_api::{Catalog, Entry};
use codebench_model::{Record, Status};
use codebench_search::store::{Founding, Store};
use codebench_search::{
    Experiment, Observer, Outcome, RunOptions, SearchError, Silent, StoreError, Study, Summary,
};
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

fn options(out: &Path) -> RunOptions {
    RunOptions { out: out.into(), threads: Some(2), ..RunOptions::default() }
}

fn run(text: &str, options: RunOptions) -> Result<Summary, SearchError> {
    let catalog = catalog();
    Study::open(experiment(text), &catalog, options)?.run(&mut Silent)
}

fn read(out: &Path, file: &str) -> String {
    std::fs::read_to_string(out.join(file)).unwrap()
}

fn records(out: &Path) -> Vec<Record> {
    let founding = Founding { facts: &[], plugins: &[] };
    Store::open(out, true, &founding).unwrap().records().unwrap()
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let mut outputs = Vec::new();
    for threads in [1, 2, 8] {
        let out = tempfile::tempdir().unwrap();
        let mut options = options(out.path());
        options.threads = Some(threads);
        let summary = run(EXPERIMENT, options).unwrap();
        assert_eq!(summary.outcome, Outcome::Completed);
        assert_eq!(summary.counts.ok, 14);
        outputs.push((read(out.path(), "records.csv"), read(out.path(), "report.html"), records(out.path())));
    }
    assert_eq!(outputs[0], outputs[1]);
    assert_eq!(outputs[0], outputs[2]);
    assert_eq!(outputs[0].0.lines().count(), 15);
    let header = outputs[0].0.lines().next().unwrap();
    assert_eq!(
        header,
        "trial,batch,status,reason,objective,violation,pib,pix,pof,base.level,hw.cost,hw.speed,hw.test_speed,more.half"
    );
}

#[test]
fn another_seed_or_strategy_gives_other_records() {
    let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    run(EXPERIMENT, options(a.path())).unwrap();
    run(&EXPERIMENT.replace("seed = 7", "seed = 8"), options(b.path())).unwrap();
    assert_ne!(read(a.path(), "records.csv"), read(b.path(), "records.csv"));
}

#[test]
fn one_distinct_key_is_evaluated_once() {
    let out = tempfile::tempdir().unwrap();
    let text = EXPERIMENT.replace("TAG", "once");
    run(&text, options(out.path())).unwrap();
    // Once for all fourteen trials, once for the final measurement.
    assert_eq!(calls("once base"), 2);
    assert_eq!(calls("once hw"), 15);
    let keys: Vec<String> = records(out.path()).iter().map(|r| r.evaluator_keys["base"].clone()).collect();
    assert!(keys.iter().all(|key| *key == keys[0]));
}

#[test]
fn no_candidate_is_evaluated_twice() {
    let out = tempfile::tempdir().unwrap();
    let summary = run(&EXPERIMENT.replace("\"walk\"", "\"same\""), options(out.path())).unwrap();
    assert_eq!(summary.counts.ok, 14);
    let mut genotypes: Vec<_> = records(out.path()).into_iter().map(|r| r.genotype).collect();
    genotypes.sort();
    genotypes.dedup();
    assert_eq!(genotypes.len(), 14);
}

#[test]
fn an_exhausted_space_ends_the_run_and_says_so() {
    let out = tempfile::tempdir().unwrap();
    let summary = run(&EXPERIMENT.replace("trials = 14", "trials = 1000"), options(out.path())).unwrap();
    assert_eq!(summary.outcome, Outcome::Exhausted);
    assert_eq!(summary.counts.total(), 32);
    assert_eq!(summary.space_size, "32");
    let mut again = options(out.path());
    again.resume = true;
    assert_eq!(
        run(&EXPERIMENT.replace("trials = 14", "trials = 2000"), again).unwrap().outcome,
        Outcome::Exhausted
    );
}

#[test]
fn a_strategy_with_no_more_to_propose_ends_the_run() {
    let out = tempfile::tempdir().unwrap();
    let summary = run(&EXPERIMENT.replace("\"walk\"", "\"short\""), options(out.path())).unwrap();
    assert_eq!(summary.outcome, Outcome::StrategyDone);
    assert!(summary.counts.total() < 14);
}

#[test]
fn failed_evaluations_are_records_with_reasons() {
    let cases = [
        ("fail", Status::Failed, "evaluator `hw`: broken <script>alert(1)</script> & \"quoted\""),
        ("panic", Status::Failed, "evaluator `hw`: the plugin panicked: unexpected accelerator"),
        ("nan", Status::Failed, "evaluator `hw`: metric `speed` = NaN is not finite"),
        ("nan-layer", Status::Failed, "evaluator `hw`: metric `time_s[1]` = inf is not finite"),
        ("infeasible", Status::Infeasible, "evaluator `hw`: does not fit"),
    ];
    for (mode, status, reason) in cases {
        let out = tempfile::tempdir().unwrap();
        let text =
            EXPERIMENT.replace("\"plain\"", &format!("{mode:?}")).replace("trials = 14", "trials = 32");
        let summary = run(&text, options(out.path())).unwrap();
        assert_eq!(summary.outcome, Outcome::Completed);
        let records = records(out.path());
        let bad: Vec<&Record> = records.iter().filter(|r| r.status != Status::Ok).collect();
        assert_eq!(bad.len(), 10, "{mode}");
        for record in bad {
            assert_eq!(record.status, status);
            assert_eq!(record.reason.as_deref(), Some(reason));
            assert!(record.objectives.is_empty() && record.metrics.contains_key("base"));
        }
        let report = read(out.path(), "report.html");
        assert!(!report.contains("<script>alert"), "an error message is escaped");
    }
}

#[test]
fn a_study_in_which_everything_fails_ends_without_a_best() {
    let out = tempfile::tempdir().unwrap();
    let summary = run(&EXPERIMENT.replace("\"plain\"", "\"always-fail\""), options(out.path())).unwrap();
    assert_eq!((summary.best.as_ref(), summary.counts.failed), (None, 14));
    assert_eq!(summary.main_reason, Some(("evaluator `hw`: never works".to_owned(), 14)));
    assert!(read(out.path(), "report.html").contains("never works"));
}

#[test]
fn a_failing_strategy_is_answered_with_samples_and_ends_the_run_after_three_failures() {
    let out = tempfile::tempdir().unwrap();
    for resume in [false, true] {
        let mut options = options(out.path());
        options.resume = resume;
        let error = run(&EXPERIMENT.replace("\"walk\"", "\"fail\""), options).unwrap_err();
        assert_eq!(
            error.to_string(),
            "strategy `fake/walk` failed three times in a row, so the run ends; the last reason: no idea"
        );
    }
    assert_eq!(records(out.path()).len(), 8, "two batches of samples were evaluated");
    for (mode, reason) in
        [("too-many", "was asked for 4"), ("wrong-length", "a proposed genotype"), ("panic", "lost")]
    {
        let out = tempfile::tempdir().unwrap();
        let text = EXPERIMENT.replace("\"walk\"", &format!("{mode:?}")).replace("trials = 14", "trials = 32");
        match run(&text, options(out.path())) {
            Err(error) => assert!(error.to_string().contains(reason), "{mode}: {error}"),
            Ok(summary) => assert_eq!((mode, summary.counts.ok), ("panic", 32)),
        }
    }
}

/// As a native one that was given up.
#[test]
fn a_strategy_that_cannot_be_made_again_ends_the_run_with_its_reason() {
    let out = tempfile::tempdir().unwrap();
    let error = run(&EXPERIMENT.replace("\"walk\"", "\"gone\""), options(out.path())).unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with(
            "strategy `fake/walk` failed (has not come back within 2 s) and cannot be made again"
        ),
        "{text}"
    );
    assert!(text.ends_with("is disabled"), "{text}");
}

#[test]
fn the_strategy_is_told_no_test_metric_and_no_objective_may_name_one() {
    let catalog = catalog();
    let text = EXPERIMENT.replace("metric = \"hw.cost\", max", "metric = \"hw.test_speed\", max");
    let error = Experiment::parse(&text, "t.toml", Path::new("."), &catalog).unwrap_err();
    assert!(error.to_string().contains("test split"), "{error}");
    let out = tempfile::tempdir().unwrap();
    let summary = run(EXPERIMENT, options(out.path())).unwrap();
    let best = summary.best.unwrap();
    assert_eq!(best.metrics["base"].values["test_level"], 0.5, "the final measurement has it");
    assert!(!records(out.path()).iter().any(|r| r.metrics["base"].values.contains_key("test_level")));
}

#[test]
fn a_store_is_resumed_only_when_asked_and_only_with_its_experiment() {
    let out = tempfile::tempdir().unwrap();
    run(EXPERIMENT, options(out.path())).unwrap();
    let first = read(out.path(), "records.csv");
    let error = run(EXPERIMENT, options(out.path())).unwrap_err();
    assert!(error.to_string().contains("holds a study: give --resume"), "{error}");
    let resumed = || RunOptions { resume: true, ..options(out.path()) };
    run(EXPERIMENT, resumed()).unwrap();
    assert_eq!(read(out.path(), "records.csv"), first);
    let changed = EXPERIMENT.replace("batch = 4", "batch = 5").replace("weight = 0.1", "weight = 0.2");
    let error = run(&changed, resumed()).unwrap_err().to_string();
    assert!(error.contains("budget.batch: 4 -> 5"), "{error}");
    assert!(error.contains("objective.aim.weighted_sum[2].weight: 0.1 -> 0.2"), "{error}");
    let error = run(&EXPERIMENT.replace("trials = 14", "trials = 3"), resumed()).unwrap_err().to_string();
    assert!(error.contains("already holds 14 trials"), "{error}");
    let grown = run(&EXPERIMENT.replace("trials = 14", "trials = 20"), resumed()).unwrap();
    assert_eq!(grown.counts.ok, 20);
    assert!(read(out.path(), "records.csv").starts_with(&first));
}

/// The proposals depend on it as on the strategy.
#[test]
fn a_budget_that_grew_within_a_batch_is_noted() {
    #[derive(Default)]
    struct Notes(Vec<String>);
    impl Observer for Notes {
        fn note(&mut self, text: &str) {
            self.0.push(text.to_owned());
        }
    }
    let catalog = catalog();
    let notes = |out: &Path, trials: u64| {
        let text = EXPERIMENT.replace("trials = 14", &format!("trials = {trials}"));
        let mut notes = Notes::default();
        let options = RunOptions { resume: true, ..options(out) };
        let summary = Study::open(experiment(&text), &catalog, options).unwrap().run(&mut notes).unwrap();
        let in_report = read(out, "report.html").contains("ends within a batch");
        assert_eq!(in_report, summary.note.is_some());
        assert_eq!(notes.0, summary.note.into_iter().collect::<Vec<_>>());
        notes.0
    };
    let whole = tempfile::tempdir().unwrap();
    for trials in [8, 12, 14, 14] {
        assert_eq!(notes(whole.path(), trials), [""; 0], "{trials}");
    }
    let cut = tempfile::tempdir().unwrap();
    assert_eq!(notes(cut.path(), 6), [""; 0]);
    let grown = notes(cut.path(), 14);
    assert!(grown[0].starts_with("the budget was 6 trials, which ends within a batch of 4"), "{grown:?}");
    assert!(grown[0].ends_with("such as 8"), "{grown:?}");
    assert_eq!(notes(cut.path(), 14), grown);
}

#[test]
fn the_surrogate_of_a_strategy_is_noted_and_must_stay_the_same() {
    let out = tempfile::tempdir().unwrap();
    let text = EXPERIMENT
        .replace("plugin = \"fake/walk\"\nparameters = { mode = \"walk\" }", "plugin = \"fake/guided\"");
    let run = |sha256: &str, options| {
        let mut with_file = Catalog::default();
        for entry in catalog().entries() {
            let of_file = (entry.info.id == "fake/model").then(|| sha256.to_owned());
            with_file.add(Entry { sha256: of_file, ..entry.clone() }).unwrap();
        }
        let experiment = Experiment::parse(&text, "test.toml", Path::new("."), &with_file).unwrap();
        Study::open(experiment, &with_file, options)?.run(&mut Silent)
    };
    run("aa", options(out.path())).unwrap();
    let report = read(out.path(), "report.html");
    assert!(report.contains("strategy: fake") && report.contains("SHA-256 aa"), "the report names the file");
    let resumed = || RunOptions { resume: true, ..options(out.path()) };
    run("aa", resumed()).unwrap();
    let error = run("bb", resumed()).unwrap_err().to_string();
    assert!(error.contains("file of plugin fake/model: aa -> bb"), "{error}");
}

#[test]
fn a_cancelled_run_ends_cleanly_and_can_be_resumed() {
    let (whole, parts) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    run(EXPERIMENT, options(whole.path())).unwrap();

    struct CancelAt(u64, Arc<AtomicBool>);
    impl codebench_search::Observer for CancelAt {
        fn evaluated(&mut self, _: &codebench_search::Evaluated) {
            self.0 = self.0.saturating_sub(1);
            if self.0 == 0 {
                self.1.store(true, std::sync::atomic::Ordering::Relaxed);
            }
        }
    }
    let catalog = catalog();
    for at in [1, 7, 13, 20, 44] {
        let options = RunOptions { resume: true, cancel: Arc::default(), ..options(parts.path()) };
        let cancel = options.cancel.clone();
        let study = Study::open(experiment(EXPERIMENT), &catalog, options).unwrap();
        let summary = study.run(&mut CancelAt(at, cancel)).unwrap();
        if summary.outcome == Outcome::Interrupted {
            assert!(summary.files.is_empty());
        }
    }
    run(EXPERIMENT, RunOptions { resume: true, ..options(parts.path()) }).unwrap();
    assert_eq!(read(whole.path(), "records.csv"), read(parts.path(), "records.csv"));
    assert_eq!(records(whole.path()), records(parts.path()));
}

#[test]
fn two_processes_cannot_write_one_store() {
    let out = tempfile::tempdir().unwrap();
    let catalog = catalog();
    let held = Study::open(experiment(EXPERIMENT), &catalog, options(out.path())).unwrap();
    let error = run(EXPERIMENT, RunOptions { resume: true, ..options(out.path()) }).unwrap_err();
    assert!(matches!(error, SearchError::Store(StoreError::Locked { .. })), "{error}");
    assert!(error.to_string().contains("in use by process"), "{error}");
    drop(held);
    run(EXPERIMENT, RunOptions { resume: true, ..options(out.path()) }).unwrap();
}

#[test]
fn a_pareto_front_is_the_undominated_trials_and_the_report_stands_alone() {
    let out = tempfile::tempdir().unwrap();
    let start = EXPERIMENT.find("[objective]").unwrap();
    let pareto = "[pareto]\nobjectives = [\n    { metric = \"hw.speed\", goal = \"maximise\" },\n    \
                  { metric = \"hw.cost\", goal = \"minimise\" },\n]\nconstraints = [{ metric = \"hw.cost\", max = 20 }]\n";
    let text = format!("{}{pareto}", &EXPERIMENT[..start]).replace("trials = 14", "trials = 32");
    let summary = run(&text, options(out.path())).unwrap();
    let records = records(out.path());
    let feasible: Vec<&Record> = records.iter().filter(|r| r.violation == 0.0).collect();
    assert!(feasible.len() < records.len(), "the constraint binds");
    let beaten = |r: &Record| {
        feasible.iter().any(|o| {
            o.objectives != r.objectives && o.objectives.iter().zip(&r.objectives).all(|(a, b)| a >= b)
        })
    };
    let front: Vec<u64> = feasible.iter().filter(|r| !beaten(r)).map(|r| r.trial).collect();
    assert_eq!(summary.front, front);
    assert!(front.contains(&summary.best.unwrap().trial));
    let report = read(out.path(), "report.html");
    for outside in ["http", "<script", "<link", "<img", "url(", "@import"] {
        assert!(!report.contains(outside), "{outside}");
    }
    for inside in [
        "hw.speed",
        "maximise",
        "<svg",
        "speed against cost",
        "Hollow trials",
        "[[evaluator]]",
        "fake&#x2f;walk",
    ] {
        assert!(report.contains(inside), "{inside}");
    }
}

#[test]
fn the_report_shows_what_each_value_of_a_parameter_did() {
    let out = tempfile::tempdir().unwrap();
    run(EXPERIMENT, options(out.path())).unwrap();
    let (report, records) = (read(out.path(), "report.html"), records(out.path()));
    let table = report.split_once("<h3>pib</h3>").unwrap().1.split_once("</table>").unwrap().0;
    let rows: Vec<Vec<&str>> = table
        .split("<tr>")
        .skip(3)
        .map(|row| row.split("<td class=\"number\">").skip(1).map(|c| c.split_once('<').unwrap().0).collect())
        .collect();
    assert_eq!(rows.len(), 2, "{table}");
    assert!(table.contains(">objective</th>") && table.contains(">hw.cost</th>"), "{table}");
    for (index, row) in rows.iter().enumerate() {
        let tried: Vec<&Record> = records.iter().filter(|r| r.genotype.0[0] == index as u32).collect();
        let ok: Vec<&&Record> = tried.iter().filter(|r| r.status == Status::Ok).collect();
        assert_eq!(row[..3], [["1", "2"][index], &tried.len().to_string(), &ok.len().to_string()]);
        let mut objectives: Vec<f64> = ok.iter().map(|r| r.objectives[0]).collect();
        objectives.sort_by(f64::total_cmp);
        let (best, middle) = (objectives[objectives.len() - 1], objectives.len() / 2);
        let median = (objectives[(objectives.len() - 1) / 2] + objectives[middle]) / 2.0;
        for (shown, expected) in [(row[3], best), (row[4], median)] {
            let shown: f64 = shown.parse().unwrap();
            assert!((shown - expected).abs() <= 1e-3 * expected.abs(), "{shown} instead of {expected}");
        }
    }
}
