//! What one run comes to, from its stored records alone.

use super::Measure;
use crate::Leader;
use crate::experiment::Experiment;
use crate::objective::Goal;
use codebench_model::{Record, Status};
use std::collections::BTreeMap;

/// Best-so-far values of one run, larger is better; `None` before the first good trial.
pub(crate) fn best_so_far(records: &[Record], measure: &Measure) -> Vec<Option<f64>> {
    let mut leader = Leader::default();
    let mut measured: BTreeMap<u64, f64> = BTreeMap::new();
    let mut value = None;
    let mut values = Vec::with_capacity(records.len());
    for record in records {
        leader.add(record);
        measured.extend(of(record, measure).map(|value| (record.trial, value)));
        // Of several objectives, a new record can make an older one the best.
        let best = leader.best().and_then(|(trial, _)| measured.get(&trial).copied());
        value = best.or(value);
        values.push(value);
    }
    values
}

/// The measured value of one record, larger is better.
pub(crate) fn of(record: &Record, measure: &Measure) -> Option<f64> {
    if record.status != Status::Ok {
        return None;
    }
    match &measure.metric {
        None => record.objectives.first().copied(),
        Some(name) => {
            let value = *record.metrics.get(&name.evaluator)?.values.get(&name.metric)?;
            Some(if measure.goal == Goal::Maximise { value } else { -value })
        }
    }
}

/// Whether the experiment has one number to compare by.
pub(crate) fn is_scalar(experiment: &Experiment) -> bool {
    experiment.objective.len() == 1
}
