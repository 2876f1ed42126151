//! What a study stores of one trial.

use crate::job::Metrics;
use crate::space::Genotype;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How a trial ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Evaluated; objectives are present.
    Ok,
    /// The candidate cannot be built or run; a result, not an error.
    Infeasible,
    /// An evaluator failed; the reason says which and why.
    Failed,
}

impl Status {
    /// Every status with its name in files.
    pub const ALL: [(Status, &'static str); 3] =
        [(Status::Ok, "ok"), (Status::Infeasible, "infeasible"), (Status::Failed, "failed")];

    /// The name in files.
    pub fn name(self) -> &'static str {
        match self {
            Status::Ok => "ok",
            Status::Infeasible => "infeasible",
            Status::Failed => "failed",
        }
    }

    /// The status called `name`.
    pub fn from_name(name: &str) -> Option<Status> {
        Self::ALL.into_iter().find(|(_, known)| *known == name).map(|(status, _)| status)
    }
}

/// One trial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Record {
    /// Number in the study, from 0.
    pub trial: u64,
    /// Batch in which it was asked, from 0.
    pub batch: u64,
    /// The repaired genotype: the trial's identity.
    pub genotype: Genotype,
    /// How it ended.
    pub status: Status,
    /// Why it is not [`Status::Ok`].
    pub reason: Option<String>,
    /// Metrics by evaluator id.
    pub metrics: BTreeMap<String, Metrics>,
    /// Objectives, larger is better; empty unless [`Status::Ok`].
    pub objectives: Vec<f64>,
    /// Total violation of the constraints, 0 when feasible.
    #[serde(default)]
    pub violation: f64,
    /// Memo key of each evaluator.
    pub evaluator_keys: BTreeMap<String, String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_called_as_serde_writes_it() {
        for (status, name) in Status::ALL {
            assert_eq!((status.name(), Status::from_name(name)), (name, Some(status)));
            assert_eq!(serde_json::to_value(status).unwrap(), name);
        }
        assert_eq!(Status::from_name("good"), None);
    }
}
