//! `report.html`.

use crate::experiment::Experiment;
use crate::store::{FinalRecord, PluginRow};
use crate::summary::Summary;
use codebench_model::{Record, Workload};
use codebench_space::Candidate;

/// Everything that the report shows.
pub(crate) struct Report<'a> {
    pub(crate) experiment: &'a Experiment,
    pub(crate) records: &'a [Record],
    pub(crate) summary: &'a Summary,
    /// The best candidate, decoded, and its CNN.
    pub(crate) candidate: Option<&'a Candidate>,
    pub(crate) workload: Option<&'a Workload>,
    pub(crate) measured: Option<&'a FinalRecord>,
    pub(crate) plugins: &'a [PluginRow],
}

/// The whole page.
pub(crate) fn html(_report: &Report<'_>) -> String {
    String::new()
}
