//! What each searched parameter did: its values, and the objective metrics of the trials that had them.

use super::Report;
use super::scale::{short, with_unit};
use crate::objective::{Aim, Goal, MetricName};
use codebench_model::{Block, Choice, Record, Status};
use codebench_space::active;
use serde::Serialize;
use std::collections::BTreeMap;

/// Parameters shown; those of the accelerator come first.
const MOST_CHOICES: usize = 40;
/// Values shown of one parameter, those of most trials.
const MOST_VALUES: usize = 16;

/// Every parameter of which trials had more than one value.
#[derive(Serialize)]
pub(super) struct Choices {
    /// Heads of the columns, each with a best and a median below.
    metrics: Vec<String>,
    tables: Vec<Table>,
    more: usize,
}

#[derive(Serialize)]
struct Table {
    name: String,
    rows: Vec<Row>,
    more: usize,
}

#[derive(Serialize)]
struct Row {
    value: String,
    trials: usize,
    ok: usize,
    /// Best and median of each metric.
    cells: Vec<(String, String)>,
}

/// What is compared: the objective, if it is one number, and each metric in it.
enum Measure<'a> {
    Objective,
    Metric(&'a MetricName, Goal),
}

impl Measure<'_> {
    fn head(&self) -> String {
        match self {
            Measure::Objective => "objective".to_owned(),
            Measure::Metric(metric, _) => metric.to_string(),
        }
    }

    fn of(&self, record: &Record) -> Option<f64> {
        match self {
            Measure::Objective => record.objectives.first().copied(),
            Measure::Metric(name, _) => {
                record.metrics.get(&name.evaluator)?.values.get(&name.metric).copied()
            }
        }
    }

    /// Best and median of the trials that have the measure.
    fn summary(&self, records: &[&Record]) -> (String, String) {
        let mut values: Vec<f64> = records.iter().filter_map(|record| self.of(record)).collect();
        values.sort_by(f64::total_cmp);
        let best = match self {
            Measure::Metric(_, Goal::Minimise) => values.first(),
            Measure::Objective | Measure::Metric(_, Goal::Maximise) => values.last(),
        };
        let shown = |x: f64| match self {
            Measure::Objective => short(x),
            Measure::Metric(name, _) => with_unit(&name.metric, x),
        };
        let text = |x: Option<f64>| x.map_or_else(String::new, shown);
        (text(best.copied()), text(median(&values)))
    }
}

/// Of ascending numbers.
fn median(ascending: &[f64]) -> Option<f64> {
    let upper = *ascending.get(ascending.len() / 2)?;
    match ascending.len() % 2 {
        1 => Some(upper),
        _ => Some((ascending[ascending.len() / 2 - 1] + upper) / 2.0),
    }
}

/// `None` where no parameter had more than one value.
pub(super) fn choices(report: &Report<'_>) -> Option<Choices> {
    let measures: Vec<Measure<'_>> = match &report.experiment.objective.aim {
        Aim::WeightedSum(terms) => {
            let of_terms = terms.iter().map(|term| Measure::Metric(&term.metric, term.goal));
            [Measure::Objective].into_iter().chain(of_terms).collect()
        }
        Aim::Pareto(axes) => axes.iter().map(|axis| Measure::Metric(&axis.metric, axis.goal)).collect(),
    };
    let tried = tried(report);
    let order = [Block::Accelerator, Block::Cnn];
    let space = report.experiment.space.choices.iter().enumerate();
    let several = |block: Block| {
        let tried = &tried;
        space.clone().filter(move |(i, choice)| {
            choice.block == block && tried.get(i).is_some_and(|values| values.len() > 1)
        })
    };
    let chosen: Vec<(usize, &Choice)> = order.into_iter().flat_map(several).collect();
    let tables = chosen.iter().take(MOST_CHOICES).map(|(i, choice)| table(choice, &tried[i], &measures));
    let choices = Choices {
        metrics: measures.iter().map(Measure::head).collect(),
        tables: tables.collect(),
        more: chosen.len().saturating_sub(MOST_CHOICES),
    };
    (!choices.tables.is_empty()).then_some(choices)
}

/// The trials by choice and value, as far as the choice was active in them.
fn tried<'a>(report: &Report<'a>) -> BTreeMap<usize, BTreeMap<u32, Vec<&'a Record>>> {
    let mut tried: BTreeMap<usize, BTreeMap<u32, Vec<&Record>>> = BTreeMap::new();
    for record in report.records {
        for i in active(&report.experiment.space, &record.genotype) {
            if let Some(value) = record.genotype.0.get(i) {
                tried.entry(i).or_default().entry(*value).or_default().push(record);
            }
        }
    }
    tried
}

fn table(choice: &Choice, tried: &BTreeMap<u32, Vec<&Record>>, measures: &[Measure<'_>]) -> Table {
    let mut most: Vec<(&u32, &Vec<&Record>)> = tried.iter().collect();
    most.sort_by_key(|(value, records)| (std::cmp::Reverse(records.len()), **value));
    most.truncate(MOST_VALUES);
    most.sort_by_key(|(value, _)| **value);
    let row = |(value, records): (&u32, &Vec<&Record>)| {
        let ok: Vec<&Record> = records.iter().copied().filter(|record| record.status == Status::Ok).collect();
        Row {
            value: choice.values.get(*value as usize).map_or_else(String::new, super::context::plain_value),
            trials: records.len(),
            ok: ok.len(),
            cells: measures.iter().map(|measure| measure.summary(&ok)).collect(),
        }
    };
    Table {
        name: choice.name.clone(),
        rows: most.into_iter().map(row).collect(),
        more: tried.len().saturating_sub(MOST_VALUES),
    }
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn a_median_is_the_middle_one_or_between_the_two() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0]), Some(3.0));
        assert_eq!(median(&[1.0, 2.0, 9.0]), Some(2.0));
        assert_eq!(median(&[1.0, 2.0, 4.0, 9.0]), Some(3.0));
    }
}
