//! What the template is filled with.

use super::Report;
use super::charts::{self, Chart};
use super::choices::{self, Choices};
use super::scale::{number, plain_name, short, with_unit};
use crate::objective::{Aim, Goal, MetricName};
use crate::summary::{BestCandidate, Outcome};
use codebench_model::{CnnGraph, CnnModule, Metrics, Record, Status, Workload};
use serde::Serialize;
use std::collections::BTreeMap;

/// Trials listed of a Pareto front.
const MOST_OF_FRONT: usize = 50;
/// Reasons listed.
const MOST_REASONS: usize = 30;
/// Names of metrics that are shown large, best first.
const HEADLINES: [&str; 8] = [
    "test_accuracy",
    "validation_accuracy",
    "latency_per_image_s",
    "latency_s",
    "area_mm2",
    "dynamic_energy_per_image_j",
    "leakage_energy_per_image_j",
    "parameters",
];

/// A name with its value.
type Pair = (String, String);

#[derive(Serialize)]
pub(super) struct Context<'a> {
    style: &'a str,
    version: &'static str,
    name: &'a str,
    outcome: String,
    note: Option<&'a str>,
    facts: Vec<Pair>,
    best: Option<Best>,
    trade_offs: Vec<Chart>,
    progress: Vec<Chart>,
    choices: Option<Choices>,
    layers: Option<Chart>,
    objective: ObjectiveTable,
    front: Option<Front>,
    reasons: Vec<Reason>,
    more_reasons: usize,
    plugins: &'a [crate::store::PluginRow],
    sha256: String,
    configuration: &'a str,
    canonical: String,
}

#[derive(Serialize)]
struct Best {
    trial: u64,
    feasible: bool,
    headlines: Vec<Pair>,
    warning: Option<String>,
    cnn: Option<Cnn>,
    accelerator: Vec<Pair>,
    choices: Vec<Pair>,
    metrics: Vec<(String, Vec<Pair>)>,
}

#[derive(Serialize)]
struct Cnn {
    facts: Vec<Pair>,
    modules: Vec<Module>,
}

#[derive(Serialize)]
struct Module {
    name: String,
    vertices: Vec<Vertex>,
}

#[derive(Serialize)]
struct Vertex {
    index: usize,
    label: String,
    join: Option<String>,
    inputs: String,
}

#[derive(Serialize)]
struct ObjectiveTable {
    weighted: bool,
    terms: Vec<Term>,
    constraints: Vec<Pair>,
    sum: Option<String>,
}

#[derive(Serialize)]
struct Term {
    metric: String,
    goal: &'static str,
    weight: String,
    normaliser: String,
    value: String,
    part: String,
}

#[derive(Serialize)]
struct Front {
    columns: Vec<String>,
    rows: Vec<(u64, Vec<String>)>,
    more: usize,
}

#[derive(Serialize)]
struct Reason {
    status: &'static str,
    text: String,
    times: u64,
    first: u64,
}

pub(super) fn of<'a>(report: &Report<'a>, style: &'a str) -> Context<'a> {
    let reasons = reasons(report.records);
    Context {
        style,
        version: env!("CARGO_PKG_VERSION"),
        name: &report.experiment.name,
        outcome: outcome(report),
        note: report.summary.note.as_deref(),
        facts: facts(report),
        best: report.summary.best.as_ref().map(|best| best_of(report, best)),
        trade_offs: charts::trade_offs(report),
        progress: charts::progress(report),
        choices: choices::choices(report),
        layers: charts::layers(report),
        objective: objective(report),
        front: front(report),
        more_reasons: reasons.len().saturating_sub(MOST_REASONS),
        reasons: reasons.into_iter().take(MOST_REASONS).collect(),
        plugins: report.plugins,
        sha256: report.experiment.sha256(),
        configuration: &report.experiment.text,
        canonical: pretty(&report.experiment.canonical()),
    }
}

fn pretty(canonical: &str) -> String {
    let parsed: Result<serde_json::Value, _> = serde_json::from_str(canonical);
    parsed.and_then(|value| serde_json::to_string_pretty(&value)).unwrap_or_else(|_| canonical.to_owned())
}

fn outcome(report: &Report<'_>) -> String {
    match report.summary.outcome {
        Outcome::Completed => "The budget is spent.".into(),
        Outcome::Exhausted => "Every candidate of the space has been evaluated.".into(),
        Outcome::StrategyDone => "The strategy had no more to propose.".into(),
        Outcome::Interrupted => "The run was interrupted.".into(),
    }
}

fn facts(report: &Report<'_>) -> Vec<Pair> {
    let experiment = report.experiment;
    let counts = report.summary.counts;
    let mut facts = vec![
        ("strategy".to_owned(), experiment.strategy.plugin.clone()),
        ("trials".into(), format!("{} of {}", counts.total(), experiment.budget.trials)),
        (
            "ok / infeasible / failed".into(),
            format!("{} / {} / {}", counts.ok, counts.infeasible, counts.failed),
        ),
        ("candidates in the space".into(), size(&report.summary.space_size)),
        ("seed".into(), experiment.seed.to_string()),
    ];
    if let Some(data) = &experiment.data {
        facts.push(("data set".into(), data.id.clone()));
    }
    facts
}

/// A count of any length: in full, or its order of magnitude.
fn size(digits: &str) -> String {
    match digits.len() {
        0..=12 => digits.parse().map_or_else(|_| digits.to_owned(), short),
        length => format!("{}.{}e{}", &digits[..1], &digits[1..4], length - 1),
    }
}

fn best_of(report: &Report<'_>, best: &BestCandidate) -> Best {
    let mut headlines: Vec<Pair> = Vec::new();
    if let [objective] = best.objectives.as_slice() {
        headlines.push(("objective".into(), short(*objective)));
    }
    for name in HEADLINES {
        if let Some(value) = best.metrics.values().find_map(|m| m.values.get(name)) {
            headlines.push((plain_name(name), with_unit(name, *value)));
        }
    }
    let accelerator =
        report.candidate.and_then(|c| c.accelerator.as_ref()).map(accelerator).unwrap_or_default();
    let values = |m: &Metrics| m.values.iter().map(|(n, x)| (n.clone(), with_unit(n, *x))).collect();
    let cnn = report.candidate.and_then(|c| c.cnn.as_ref());
    Best {
        trial: best.trial,
        feasible: best.feasible,
        headlines,
        warning: report.measured.and_then(|m| m.reason.clone()),
        cnn: cnn.map(|cnn| cnn_of(cnn, report.workload)),
        accelerator,
        choices: best.values.iter().map(|(name, value)| (name.clone(), plain_value(value))).collect(),
        metrics: best.metrics.iter().map(|(id, m)| (id.clone(), values(m))).collect(),
    }
}

pub(super) fn plain_value(value: &codebench_model::ParameterValue) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn accelerator(input: &codebench_model::AcceleratorInput) -> Vec<Pair> {
    if let codebench_model::AcceleratorInput::Described(description) = input {
        return described(description);
    }
    match crate::canonical::to_value(input) {
        serde_json::Value::Object(map) => map
            .into_iter()
            .map(|(name, value)| {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                (name, text)
            })
            .collect(),
        other => vec![("vector".to_owned(), other.to_string())],
    }
}

/// Clock, parameters, and each module with what it was given.
fn described(description: &codebench_model::AcceleratorDescription) -> Vec<Pair> {
    let mut pairs = Vec::new();
    if !description.name.is_empty() {
        pairs.push(("name".to_owned(), description.name.clone()));
    }
    pairs.push(("clock".to_owned(), format!("{} MHz", short(description.clock_mhz))));
    let named = &description.parameters;
    pairs.extend(named.iter().map(|(name, value)| (name.clone(), plain_value(value))));
    let value = |given: &codebench_model::ParameterValue| {
        let name = given.as_str().and_then(|text| text.strip_prefix('$'));
        plain_value(name.and_then(|name| named.get(name)).unwrap_or(given))
    };
    for module in &description.module {
        let id = module.plugin.strip_prefix('$').and_then(|name| named.get(name));
        let id = id.map_or_else(|| module.plugin.clone(), plain_value);
        let given: Vec<String> =
            module.parameters.iter().map(|(name, given)| format!("{name} = {}", value(given))).collect();
        let given = if given.is_empty() { String::new() } else { format!(" ({})", given.join(", ")) };
        pairs.push((module.role.to_string(), id + &given));
    }
    pairs
}

fn cnn_of(cnn: &CnnGraph, workload: Option<&Workload>) -> Cnn {
    let mut facts = vec![("modules".to_owned(), cnn.modules.len().to_string())];
    if let Some(workload) = workload {
        facts.push(("parameters".into(), short(workload.parameters() as f64)));
        facts.push(("multiply-accumulates per image".into(), short(workload.macs() as f64)));
        facts.push(("layers".into(), workload.layers.len().to_string()));
    }
    let last = cnn.modules.len().saturating_sub(1);
    let name = |i: usize| if i == last { "head".to_owned() } else { format!("module {i}") };
    Cnn { facts, modules: cnn.modules.iter().enumerate().map(|(i, m)| module(name(i), m)).collect() }
}

fn module(name: String, module: &CnnModule) -> Module {
    let vertex = |(index, vertex): (usize, &codebench_model::Vertex)| {
        let inputs: Vec<String> = module.predecessors(index).map(|i| i.to_string()).collect();
        let join = vertex.join.map(|join| format!("{join:?}").to_lowercase());
        Vertex { index, label: vertex.label.clone(), join, inputs: inputs.join(", ") }
    };
    Module { name, vertices: module.vertices.iter().enumerate().map(vertex).collect() }
}

/// What the best pair was measured by: the metrics of its search, on which the objective was taken.
fn objective(report: &Report<'_>) -> ObjectiveTable {
    let best =
        report.summary.best.as_ref().and_then(|best| report.records.iter().find(|r| r.trial == best.trial));
    let value = |metric: &MetricName| {
        best.and_then(|r| r.metrics.get(&metric.evaluator))
            .and_then(|m| m.values.get(&metric.metric))
            .copied()
    };
    let shown =
        |metric: &MetricName| value(metric).map_or_else(String::new, |x| with_unit(&metric.metric, x));
    let goal = |goal: Goal| if goal == Goal::Maximise { "maximise" } else { "minimise" };
    let (weighted, terms) = match &report.experiment.objective.aim {
        Aim::WeightedSum(terms) => {
            let term = |t: &crate::objective::Term| Term {
                metric: t.metric.to_string(),
                goal: goal(t.goal),
                weight: number(t.weight),
                normaliser: number(t.normaliser),
                value: shown(&t.metric),
                part: value(&t.metric).map_or_else(String::new, |x| short(t.of(x))),
            };
            (true, terms.iter().map(term).collect())
        }
        Aim::Pareto(axes) => {
            let axis = |a: &crate::objective::Axis| Term {
                metric: a.metric.to_string(),
                goal: goal(a.goal),
                weight: String::new(),
                normaliser: String::new(),
                value: shown(&a.metric),
                part: String::new(),
            };
            (false, axes.iter().map(axis).collect())
        }
    };
    let bound = |c: &crate::objective::Constraint| {
        let name = &c.metric.metric;
        let parts = [
            c.min.map(|x| format!("at least {}", with_unit(name, x))),
            c.max.map(|x| format!("at most {}", with_unit(name, x))),
        ];
        let value = shown(&c.metric);
        (
            c.metric.to_string(),
            format!(
                "{}; the best pair has {value}",
                parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
            ),
        )
    };
    let sum = best.and_then(|r| r.objectives.first()).filter(|_| weighted).map(|x| short(*x));
    let constraints = report.experiment.objective.constraints.iter().map(bound).collect();
    ObjectiveTable { weighted, terms, constraints, sum }
}

/// Trials that no other dominates, for an experiment with several objectives.
fn front(report: &Report<'_>) -> Option<Front> {
    let Aim::Pareto(axes) = &report.experiment.objective.aim else { return None };
    let by_trial: BTreeMap<u64, &Record> = report.records.iter().map(|r| (r.trial, r)).collect();
    let cell = |record: &Record, metric: &MetricName| {
        let value = record.metrics.get(&metric.evaluator).and_then(|m| m.values.get(&metric.metric));
        value.map_or_else(String::new, |x| with_unit(&metric.metric, *x))
    };
    let trials = &report.summary.front;
    let row = |trial: &u64| {
        let record = by_trial.get(trial)?;
        Some((*trial, axes.iter().map(|axis| cell(record, &axis.metric)).collect()))
    };
    Some(Front {
        columns: axes.iter().map(|axis| axis.metric.to_string()).collect(),
        rows: trials.iter().take(MOST_OF_FRONT).filter_map(row).collect(),
        more: trials.len().saturating_sub(MOST_OF_FRONT),
    })
}

/// Reasons of trials that are not ok, the most frequent first.
fn reasons(records: &[Record]) -> Vec<Reason> {
    let mut by_text: BTreeMap<(&'static str, &str), (u64, u64)> = BTreeMap::new();
    for record in records {
        if record.status == Status::Ok {
            continue;
        }
        let reason = record.reason.as_deref().unwrap_or("no reason given");
        by_text.entry((record.status.name(), reason)).or_insert((0, record.trial)).0 += 1;
    }
    let mut reasons: Vec<Reason> = by_text
        .into_iter()
        .map(|((status, text), (times, first))| Reason { status, text: text.to_owned(), times, first })
        .collect();
    reasons.sort_by(|a, b| b.times.cmp(&a.times).then(a.first.cmp(&b.first)));
    reasons
}
