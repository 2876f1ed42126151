//! The best trials so far, kept up to date one record at a time.

use crate::objective::{compromise, dominates};
use codebench_model::{Record, Status};

/// The trials that no other trial dominates; trials that satisfy the constraints come before all that do not.
#[derive(Debug, Clone, Default)]
pub struct Leader {
    front: Vec<(u64, Vec<f64>)>,
    /// Violation of the one leading trial while none satisfies the constraints.
    violation: f64,
}

impl Leader {
    /// The leader among `records`, given in order of trials.
    pub fn of<'a>(records: impl IntoIterator<Item = &'a Record>) -> Leader {
        let mut leader = Leader::default();
        records.into_iter().for_each(|record| leader.add(record));
        leader
    }

    /// Takes one more record into account.
    pub fn add(&mut self, record: &Record) {
        if record.status != Status::Ok {
            return;
        }
        let entry = (record.trial, record.objectives.clone());
        if self.front.is_empty() || record.violation < self.violation {
            self.front = vec![entry];
            self.violation = record.violation;
            return;
        }
        let beaten = self.front.iter().any(|(_, other)| dominates(other, &record.objectives));
        if self.violation == 0.0 && record.violation == 0.0 && !beaten {
            self.front.retain(|(_, other)| !dominates(&record.objectives, other));
            self.front.push(entry);
        }
    }

    /// Trials of the front, ascending; a single one for one objective, unless several are equal.
    pub fn front(&self) -> Vec<u64> {
        let mut trials: Vec<u64> = self.front.iter().map(|(trial, _)| *trial).collect();
        trials.sort_unstable();
        trials
    }

    /// The best trial: the front's point nearest to the ideal one, the earliest of equals.
    pub fn best(&self) -> Option<(u64, &[f64])> {
        let points: Vec<Vec<f64>> = self.front.iter().map(|(_, objectives)| objectives.clone()).collect();
        let all: Vec<usize> = (0..points.len()).collect();
        let best = compromise(&points, &all)?;
        self.front.get(best).map(|(trial, objectives)| (*trial, objectives.as_slice()))
    }

    /// Whether the best trial satisfies the constraints.
    pub fn is_feasible(&self) -> bool {
        !self.front.is_empty() && self.violation == 0.0
    }
}
