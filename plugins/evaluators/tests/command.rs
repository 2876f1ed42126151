//! `codebench/command` with small shell scripts.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use codebench_conformance::{Options, Status, check};
use codebench_evaluators::PLUGINS;
use codebench_sdk::api::{Catalog, ErrorKind};
use codebench_sdk::prelude::*;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const ID: &str = "codebench/command";

fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    catalog.add_all("codebench-evaluators", PLUGINS).unwrap();
    catalog
}

fn parameters(pairs: &[(&str, ParameterValue)]) -> Parameters {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

fn text(text: &str) -> ParameterValue {
    ParameterValue::Text(text.to_owned())
}

fn job() -> Job {
    Job {
        v: Job::VERSION,
        trial: 3,
        purpose: Purpose::Search,
        candidate: Genotype(vec![4, 2]),
        values: Default::default(),
        cnn: None,
        workload: None,
        published: None,
        accelerator: None,
        data: None,
        recipe: None,
        resume_from: None,
        donor: None,
        seed: 7,
        limits: Limits::default(),
        upstream: BTreeMap::new(),
    }
}

fn evaluate_with(script: &str, more: &[(&str, ParameterValue)]) -> Result<Metrics, PluginError> {
    let command = format!("sh -c '{script}'");
    let mut given = parameters(more);
    given.insert("command".into(), text(&command));
    catalog().evaluator(ID, &given).unwrap().evaluate(&job())
}

fn evaluate(script: &str) -> Result<Metrics, PluginError> {
    evaluate_with(script, &[])
}

#[test]
fn the_job_goes_in_and_metrics_come_out() {
    // The script answers the candidate's first index and the seed, as it read them.
    let script = r#"sed -E "s/.*\"candidate\":\[([0-9]+),.*\"seed\":([0-9]+),.*/{\"values\":{\"first\":\1,\"seed\":\2}}/""#;
    let metrics = evaluate(script).unwrap();
    assert_eq!(metrics.values, BTreeMap::from([("first".into(), 4.0), ("seed".into(), 7.0)]));
    // A program need not read its input, however long.
    assert!(evaluate(r#"echo "{\"values\": {}, \"wall\": {\"x\": 1}}""#).unwrap().values.is_empty());
}

#[test]
fn an_infeasible_candidate_is_a_result() {
    let error = evaluate(r#"echo "{\"infeasible\": \"needs 9 GB\"}""#).unwrap_err();
    assert_eq!((error.kind, error.message.as_str()), (ErrorKind::Infeasible, "needs 9 GB"));
}

#[test]
fn failures_quote_status_and_standard_error() {
    let error = evaluate("echo no such layer >&2; exit 3").unwrap_err();
    assert_eq!(error.kind, ErrorKind::Failed);
    assert!(error.message.ends_with("ended with exit status: 3; it said: no such layer"), "{error}");
    let error = evaluate("kill -9 $$").unwrap_err();
    assert!(error.message.contains("signal: 9"), "{error}");
    for (script, says) in [
        ("echo hello", "answered \"hello\""),
        ("true", "EOF while parsing"),
        (r#"echo "{\"values\": {\"x\": NaN}}""#, "expected value"),
        (r#"echo "{\"values\": {\"x\": \"1\"}}""#, "neither numbers under `values`"),
        (r#"echo "{}""#, "neither numbers"),
    ] {
        let error = evaluate(script).unwrap_err();
        assert!(error.kind == ErrorKind::Failed && error.message.contains(says), "{script}: {error}");
    }
    let given = parameters(&[("command", text("no-such-program-anywhere"))]);
    let error = catalog().evaluator(ID, &given).unwrap().evaluate(&job()).unwrap_err();
    assert!(error.message.contains("`no-such-program-anywhere` cannot be run"), "{error}");
}

#[test]
fn a_program_out_of_time_is_killed_with_all_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("mark");
    let script = format!("(sleep 2; touch {}) & echo begun >&2; sleep 60", mark.display());
    let start = Instant::now();
    let error = evaluate_with(&script, &[("time_limit_s", ParameterValue::Float(0.3))]).unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    assert_eq!(error.kind, ErrorKind::Limit);
    assert!(error.message.contains("within 0.3 s") && error.message.contains("begun"), "{error}");
    std::thread::sleep(Duration::from_secs(3));
    assert!(!mark.exists(), "what the program started goes on");
    // The job's own limit counts too.
    let given = parameters(&[("command", text("sleep 60"))]);
    let limited = Job { limits: Limits { wall_s: Some(0.2), ..Limits::default() }, ..job() };
    let error = catalog().evaluator(ID, &given).unwrap().evaluate(&limited).unwrap_err();
    assert!(error.message.contains("within 0.2 s"), "{error}");
}

#[test]
fn too_much_output_is_cut_off() {
    let start = Instant::now();
    let error = evaluate("yes").unwrap_err();
    assert!(error.message.contains("more than 1048576 bytes"), "{error}");
    let error =
        evaluate_with("echo 1234567890", &[("output_limit_bytes", ParameterValue::Integer(4))]).unwrap_err();
    assert!(error.message.contains("more than 4 bytes"), "{error}");
    assert!(start.elapsed() < Duration::from_secs(30));
}

#[test]
fn what_is_left_behind_does_not_hold_up_the_answer() {
    let start = Instant::now();
    assert!(evaluate(r#"sleep 60 & echo "{\"values\": {}}""#).is_ok());
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

#[test]
fn the_folder_is_where_the_program_runs() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("answer.json"), r#"{"values": {"x": 1.5}}"#).unwrap();
    let path = text(folder.path().to_str().unwrap());
    let metrics = evaluate_with("cat answer.json", &[("folder", path)]).unwrap();
    assert_eq!(metrics.values["x"], 1.5);
}

#[test]
fn reads_names_parts_of_the_job_and_evaluators() {
    let reads = |list: &str| {
        let given = parameters(&[("command", text("true")), ("reads", text(list))]);
        catalog().evaluator(ID, &given).map(|e| e.reads())
    };
    let some = reads("cnn, hardware , seed").unwrap();
    assert!(some.cnn && some.seed && !some.data && !some.recipe);
    assert_eq!(some.upstream, ["hardware".to_owned()].into());
    assert_eq!(reads("").unwrap(), Reads::default());
    assert!(reads("CNN").err().unwrap().message.contains("\"CNN\" is neither"));
}

#[test]
fn the_contract_of_evaluators_is_kept() {
    let script = r#"sh -c 'echo "{\"values\": {\"x\": 1}}"'"#;
    let given = [("command", text(script)), ("reads", text("cnn, seed"))];
    let options = Options { parameters: parameters(&given), ..Options::default() };
    let report = check(&catalog(), ID, &options).unwrap();
    assert!(report.ok() && report.count(Status::Skipped) == 0, "{report}");
}
