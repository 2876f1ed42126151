//! The evaluator `codebench/zero-cost` through its contract.

use crate::setting::*;
use codebench_sdk::api::{ErrorKind, PluginError};
use codebench_sdk::model::*;

fn score(cnn: CnnGraph, seed: u64, proxies: &str) -> Result<Metrics, PluginError> {
    let parameters = Parameters::from([("proxies".to_owned(), ParameterValue::Text(proxies.into()))]);
    let evaluator = catalog().evaluator("codebench/zero-cost", &parameters)?;
    evaluator.evaluate(&Job { seed, recipe: None, ..job(cnn, Purpose::Search, short()) })
}

const ALL: &str = "grad_norm, log_synflow, naswot";

#[test]
fn scores_repeat_and_depend_on_seed_and_network() {
    let first = score(small(), 1, ALL).unwrap();
    let names: Vec<&str> = first.values.keys().map(String::as_str).collect();
    assert_eq!(names, ["grad_norm", "log_synflow", "macs", "naswot", "parameters"]);
    assert_eq!(first, score(small(), 1, ALL).unwrap());
    let other = score(small(), 2, ALL).unwrap();
    assert!(
        ["grad_norm", "log_synflow", "naswot"].iter().all(|name| first.values[*name] != other.values[*name])
    );
    let narrow = network(vec![chain(&["conv3x3-c4-p1-bn-relu"])]);
    let narrow = score(narrow, 1, ALL).unwrap();
    // More units tell images apart better, and more weights carry more flow.
    for name in ["log_synflow", "naswot"] {
        assert!(narrow.values[name] < first.values[name], "{name}: {narrow:?} against {first:?}");
    }
}

#[test]
fn only_the_proxies_asked_for_are_computed() {
    let linear = network(vec![chain(&["conv3x3-c8-p1"])]);
    let metrics = score(linear.clone(), 1, "grad_norm").unwrap();
    assert_eq!(metrics.values.keys().collect::<Vec<_>>(), ["grad_norm", "macs", "parameters"]);
    let error = score(linear, 1, ALL).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Infeasible);
    assert_eq!(
        score(small(), 1, "synflow").unwrap_err().message,
        "proxies: there is no proxy `synflow`; known: grad_norm, log_synflow, naswot"
    );
}
