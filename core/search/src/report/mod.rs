//! `report.html`: one page without network, scripts or time of day, the same bytes for the same study.

mod charts;
mod choices;
mod context;
pub(crate) mod scale;
pub(crate) mod svg;

use crate::experiment::Experiment;
use crate::store::{FinalRecord, PluginRow};
use crate::summary::Summary;
use codebench_model::{Record, Workload};
use codebench_space::Candidate;

const TEMPLATE: &str = include_str!("template.html");
const STYLE: &str = include_str!("style.css");

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
///
/// # Errors
/// A template that does not fit its context, which the tests exclude.
pub(crate) fn html(report: &Report<'_>) -> Result<String, minijinja::Error> {
    let mut environment = minijinja::Environment::new();
    // Every text is escaped unless the template says that it is markup of this module.
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::Html);
    environment.add_template("report", TEMPLATE)?;
    environment.get_template("report")?.render(minijinja::value::Serde(context::of(report, STYLE)))
}
