//! The same in C, and the surrogate: what a compiler makes of a bad intention.

use crate::cases::assert_golden;
use crate::guest::{ask, limits, load, outcome};
use codebench_api::{
    Catalog, ErrorKind, LowerContext, LowerRequest, PluginError, Semantics, SurrogateContext,
};
use codebench_conformance::{Options, Status, check};
use codebench_guests::c_module_with;
use codebench_host::wasm::{WasmLimits, pack};
use codebench_model::{Parameters, TensorShape};

/// A component of the hostile folder that commits `misdeed`; `None` where there is no clang.
fn component(source: &str, misdeed: &str) -> Option<Vec<u8>> {
    let source = format!("tests/hostile/c/{source}.c");
    Some(pack(&c_module_with(&source, &[&format!("MISDEED={misdeed}")])?).unwrap())
}

#[test]
fn every_memory_in_c_ends_as_one_error() {
    let misdeeds = [
        "BEHAVES",
        "ENDLESS_LOOP",
        "MEMORY_BOMB",
        "RECURSION",
        "TRAP",
        "NOT_A_NUMBER",
        "TOO_FEW_COSTS",
        "TWO_GIGABYTES",
        "UNLISTED_EVENT",
        "WILD_POINTER",
        "WRITES_EVERYWHERE",
    ];
    let mut text = String::new();
    for misdeed in misdeeds {
        let Some(component) = component("memory", misdeed) else { return };
        text += &format!("{misdeed}\n    {}\n", outcome(&component, &limits()));
    }
    assert_golden("hostile-c.txt", &text);
}

#[test]
fn a_memory_that_turns_bad_later_fails_in_that_call() {
    let Some(component) = component("memory", "LIES_LATER") else { return };
    let catalog = load(&component, &limits()).unwrap();
    let memory = catalog
        .memory("evil/memory", &Parameters::new(), codebench_model::HardwareContext::default())
        .unwrap();
    let call = || {
        let mut costs = [codebench_model::TransferCost::default()];
        memory.cost(&[codebench_model::TransferProfile::default()], &mut costs).map(|()| costs[0])
    };
    let answers: Vec<_> = (0..8).map(|_| call()).collect();
    assert!(answers[..3].iter().all(Result::is_ok), "{answers:?}");
    // The instance that lied is thrown away, and the next call gets a fresh one.
    let error = answers[3].as_ref().unwrap_err();
    assert!(error.message.contains("evil/memory"), "{error}");
    assert!(ask(&catalog).is_ok());
}

/// What is said of an answer that is larger than every bound: one refusal of the call, in little time.
pub(crate) fn beyond_bounds(component: &[u8]) -> PluginError {
    let catalog = load(component, &WasmLimits::default()).unwrap();
    if catalog.get("evil/evaluator").is_ok() {
        let job = serde_json::from_str(JOB).unwrap();
        let evaluator = catalog.evaluator("evil/evaluator", &Parameters::new()).unwrap();
        return evaluator.evaluate(&job).unwrap_err();
    }
    let image = TensorShape { channels: 4, height: 8, width: 8 };
    let context = LowerContext { default_channels: 4, classes: 10, image, semantics: Semantics::Explicit };
    let request = LowerRequest { keyword: "evil".into(), arguments: String::new(), input: image, context };
    catalog.cnn_op("evil/op", &Parameters::new()).unwrap().lower(&request).unwrap_err()
}

const JOB: &str =
    r#"{"v": 1, "trial": 0, "purpose": "search", "candidate": [], "seed": 0, "limits": {}, "upstream": {}}"#;

/// An evaluator with a million metrics, and an operation of 200,000 nodes; `None` where there is no clang.
pub(crate) fn endless() -> Option<[Vec<u8>; 2]> {
    let component =
        |source: &str, count: u32| Some(pack(&c_module_with(source, &[&format!("COUNT={count}")])?).unwrap());
    Some([
        component("tests/hostile/c/evaluator.c", 1_000_000)?,
        component("tests/hostile/c/cnn_op.c", 200_000)?,
    ])
}

#[test]
fn answers_without_end_are_one_refusal() {
    let Some(components) = endless() else { return };
    let said = components.map(|component| {
        let started = std::time::Instant::now();
        let error = beyond_bounds(&component);
        assert_eq!(error.kind, ErrorKind::Contract, "{error}");
        // Compiling and running the guest is most of it: without a bound, the host worked for minutes.
        assert!(started.elapsed().as_secs() < 60, "{error}");
        error.message
    });
    let expected = [
        "plugin `evil/evaluator`, evaluate: it answers 1000000 metrics: at most 1024, so leave out what nobody reads",
        "plugin `evil/op`, lower: its lowered vertex has 200000 nodes: at most 4096, so split it into several vertices",
    ];
    assert_eq!(said, expected);
}

/// The executable contract tells a trap from a refusal.
#[test]
fn a_trap_in_a_hot_call_is_a_crash_to_the_checks() {
    let Some(component) = component("memory", "TRAP") else { return };
    let catalog = load(&component, &limits()).unwrap();
    let report = check(&catalog, "evil/memory", &Options::default()).unwrap();
    assert_eq!((report.count(Status::Crashed), report.count(Status::Failed)), (6, 0), "{report}");
    assert!(!report.to_string().contains("refused together"), "{report}");
}

/// Fit, predict and differentiate.
fn learn(catalog: &Catalog) -> Result<String, PluginError> {
    let context = SurrogateContext { seed: 1, inputs: 2, outputs: 1, blocks: Vec::new() };
    let mut surrogate = catalog.surrogate("evil/surrogate", &Parameters::new(), &context)?;
    surrogate.fit(&[0.0, 0.5, 1.0, 0.25], &[1.0, 2.0])?;
    let prediction = surrogate.predict(&[0.5, 0.5], 1)?;
    let gradient = surrogate.gradient(&[0.5, 0.5], &[1.0, 0.0, 0.0])?;
    Ok(format!("predicted {:?}, gradient {gradient:?}", prediction.mean))
}

#[test]
fn every_surrogate_in_c_ends_as_one_error() {
    let misdeeds = [
        "BEHAVES",
        "NOT_A_NUMBER",
        "INFINITE",
        "NEGATIVE_DEVIATION",
        "TOO_MANY",
        "GRADIENT_NOT_A_NUMBER",
        "GRADIENT_TOO_SHORT",
        "ENDLESS_FIT",
    ];
    let mut text = String::new();
    for misdeed in misdeeds {
        let Some(component) = component("surrogate", misdeed) else { return };
        let outcome = match load(&component, &limits()) {
            Err(e) => format!("refused: {e}"),
            Ok(catalog) => learn(&catalog).unwrap_or_else(|e| format!("{:?}: {e}", e.kind)),
        };
        text += &format!("{misdeed}\n    {outcome}\n");
        let fails = outcome.starts_with("Contract") || outcome.starts_with("Limit");
        assert_eq!(fails, misdeed != "BEHAVES", "{misdeed}: {outcome}");
    }
    assert_golden("hostile-c-surrogate.txt", &text);
}
