//! `records.csv`: every trial with its choices, metrics and objectives; the same bytes for the same study.

use crate::csv_text;
use crate::experiment::Experiment;
use crate::objective::Aim;
use codebench_model::{Record, Status};
use std::collections::BTreeSet;

/// The whole file.
pub(crate) fn write(experiment: &Experiment, records: &[Record]) -> Result<Vec<u8>, csv::Error> {
    let metrics = metric_names(experiment, records);
    let objectives = objective_names(experiment);
    let mut header: Vec<String> = ["trial", "batch", "status", "reason"].map(String::from).to_vec();
    header.extend(objectives.iter().cloned());
    header.push("violation".into());
    header.extend(experiment.space.choices.iter().map(|choice| choice.name.clone()));
    header.extend(metrics.iter().map(|(evaluator, name)| format!("{evaluator}.{name}")));
    let rows = records.iter().map(|record| row(experiment, record, objectives.len(), &metrics));
    csv_text(std::iter::once(header).chain(rows))
}

fn row(
    experiment: &Experiment,
    record: &Record,
    objectives: usize,
    metrics: &[(String, String)],
) -> Vec<String> {
    let mut row = vec![
        record.trial.to_string(),
        record.batch.to_string(),
        record.status.name().to_owned(),
        record.reason.clone().unwrap_or_default(),
    ];
    row.extend((0..objectives).map(|i| record.objectives.get(i).copied().map_or_else(String::new, exact)));
    row.push(if record.status == Status::Ok { exact(record.violation) } else { String::new() });
    let active = codebench_space::describe(&experiment.space, &record.genotype);
    for choice in &experiment.space.choices {
        let value = active.iter().find(|(of, _)| of.name == choice.name).map(|(_, value)| value);
        row.push(value.map_or_else(String::new, |value| match value.as_str() {
            Some(text) => text.to_owned(),
            None => value.to_string(),
        }));
    }
    for (evaluator, name) in metrics {
        let value = record.metrics.get(evaluator).and_then(|m| m.values.get(name));
        row.push(value.copied().map_or_else(String::new, exact));
    }
    row
}

/// The shortest decimal that reads back as the same number.
fn exact(x: f64) -> String {
    format!("{x:?}")
}

/// Metrics that any record has, in order of evaluators, then names.
fn metric_names(experiment: &Experiment, records: &[Record]) -> Vec<(String, String)> {
    let mut names = Vec::new();
    for evaluator in &experiment.evaluators {
        let of_records = records.iter().filter_map(|r| r.metrics.get(&evaluator.id));
        let all: BTreeSet<&String> = of_records.flat_map(|m| m.values.keys()).collect();
        names.extend(all.into_iter().map(|name| (evaluator.id.clone(), name.clone())));
    }
    names
}

/// `objective`, or one column per axis of a Pareto front.
fn objective_names(experiment: &Experiment) -> Vec<String> {
    match &experiment.objective.aim {
        Aim::WeightedSum(_) => vec!["objective".into()],
        Aim::Pareto(axes) => axes.iter().map(|axis| format!("objective.{}", axis.metric)).collect(),
    }
}
