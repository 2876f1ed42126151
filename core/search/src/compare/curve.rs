//! What one run comes to, from its stored records alone.

use super::Measure;
use crate::Leader;
use crate::experiment::Experiment;
use crate::objective::Goal;
use codebench_model::{Record, Status};

/// Best-so-far values of one run, larger is better; `None` before the first good trial.
pub(crate) fn best_so_far(records: &[Record], measure: &Measure) -> Vec<Option<f64>> {
    let mut leader = Leader::default();
    let mut value = None;
    let mut values = Vec::with_capacity(records.len());
    for record in records {
        leader.add(record);
        if leader.best().is_some_and(|(trial, _)| trial == record.trial) {
            value = of(record, measure).or(value);
        }
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
