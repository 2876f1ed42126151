//! What came of the checks, as data and as text.

use codebench_api::{Entry, Form, Kind};
use serde::{Deserialize, Serialize};
use std::fmt;

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// The plugin keeps the promise, as far as it was tried.
    Passed,
    /// It does not.
    Failed,
    /// It panicked or trapped, or its process ended or hung.
    Crashed,
    /// The check does not apply, or lacks what it needs.
    Skipped,
    /// Worth a look, but no breach of the contract.
    Warning,
}

impl Status {
    /// Every status.
    pub const ALL: [Status; 5] =
        [Status::Passed, Status::Failed, Status::Crashed, Status::Skipped, Status::Warning];

    /// Whether the contract is broken.
    pub fn is_breach(self) -> bool {
        matches!(self, Status::Failed | Status::Crashed)
    }

    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Status::Passed => "passed",
            Status::Failed => "failed",
            Status::Crashed => "crashed",
            Status::Skipped => "skipped",
            Status::Warning => "warning",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What came of one check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Name of the check.
    pub check: String,
    /// What the check demands, in one sentence.
    pub promise: String,
    /// How it ended.
    pub status: Status,
    /// Why, unless it passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Wall-clock seconds it took.
    pub wall_s: f64,
}

/// What came of all checks of one plugin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The plugin.
    pub id: String,
    /// Its version.
    pub version: String,
    /// Its kind.
    pub kind: Kind,
    /// How it came.
    pub form: Form,
    /// Where it came from.
    pub source: String,
    /// Draws the same inputs again.
    pub seed: u64,
    /// In the order in which they ran.
    pub outcomes: Vec<Outcome>,
}

impl Report {
    /// A report without outcomes.
    pub fn new(entry: &Entry, seed: u64) -> Report {
        Report {
            id: entry.info.id.clone(),
            version: entry.info.version.clone(),
            kind: entry.kind(),
            form: entry.form,
            source: entry.source.clone(),
            seed,
            outcomes: Vec::new(),
        }
    }

    /// Whether no check failed or crashed.
    pub fn ok(&self) -> bool {
        !self.outcomes.iter().any(|o| o.status.is_breach())
    }

    /// Number of checks that ended so.
    pub fn count(&self, status: Status) -> usize {
        self.outcomes.iter().filter(|o| o.status == status).count()
    }
}

/// The text that `codebench plugin check` prints: a line per check, then the numbers.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {}, kind {}, {}, from {}", self.id, self.version, self.kind, self.form, self.source)?;
        let width = self.outcomes.iter().map(|o| o.check.len()).max().unwrap_or(0);
        for outcome in &self.outcomes {
            let what = outcome.message.as_deref().unwrap_or(&outcome.promise);
            let mut lines = what.lines();
            let first = lines.next().unwrap_or_default();
            writeln!(f, "  {:7}  {:width$}  {first}", outcome.status, outcome.check)?;
            for line in lines {
                writeln!(f, "  {:7}  {:width$}  {line}", "", "")?;
            }
        }
        let counts: Vec<String> = Status::ALL
            .into_iter()
            .map(|s| (s, self.count(s)))
            .filter(|(status, count)| *count > 0 || *status == Status::Failed)
            .map(|(status, count)| format!("{count} {status}"))
            .collect();
        writeln!(f, "{} (seed {})", counts.join(", "), self.seed)
    }
}
