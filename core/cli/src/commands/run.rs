//! `codebench run`: an experiment from its file to its report.

use crate::numbers::whole;
use crate::progress::Progress;
use crate::readable::readable;
use crate::{Failure, OrFail, built_in, interrupt, plugins, summary};
use clap::Args;
use codebench_search::{Counts, Experiment, Outcome, RunOptions, SearchError, StoreError, Study};
use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

/// Arguments of `codebench run`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  codebench run examples/quickstart.toml
  codebench run examples/quickstart.toml --out runs/second --threads 2
  codebench run examples/quickstart.toml --resume      go on with a run that was stopped

The folder of a run holds study.sqlite (every trial), and at the end report.html, records.csv and wall.csv.
Ctrl-C ends the run after the evaluations that are running; --resume goes on and ends with the same records.")]
pub struct Arguments {
    /// The experiment file
    #[arg(value_name = "EXPERIMENT.toml")]
    pub experiment: PathBuf,
    /// Folder for the results [default: runs/NAME, the experiment's name]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Go on with the run in the folder, if there is one
    #[arg(long)]
    pub resume: bool,
    /// Number of threads; never changes a result [default: what the experiment says, else one per core]
    #[arg(long, value_name = "N", value_parser = whole::<u16>(1..=1024), allow_hyphen_values = true)]
    pub threads: Option<u16>,
}

pub(super) fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    let started = Instant::now();
    let catalog = plugins::catalog_for(built_in()?, &arguments.experiment)?;
    let experiment = Experiment::read(&arguments.experiment, &catalog).usage()?;
    let folder =
        arguments.out.clone().unwrap_or_else(|| PathBuf::from("runs").join(folder_name(&experiment.name)));
    let options = RunOptions {
        out: folder,
        resume: arguments.resume,
        threads: arguments.threads.map(usize::from),
        cancel: interrupt::flag()?,
    };
    let study = Study::open(experiment, &catalog, options).map_err(judge)?;
    let mut progress = Progress::new();
    let result = study.run(&mut progress);
    progress.finish();
    let summary = result.map_err(judge)?;
    out.write_all(readable(&summary::text(&summary, started.elapsed())).as_bytes())?;
    out.flush()?;
    match summary.outcome {
        Outcome::Interrupted => Err(Failure::Interrupted),
        _ => succeeded(summary.counts),
    }
}

/// A run without a single result fails if a part of it did: every candidate infeasible is an answer, failures are none.
fn succeeded(counts: Counts) -> Result<(), Failure> {
    if counts.ok > 0 || counts.failed == 0 {
        return Ok(());
    }
    Err(Failure::Failed(anyhow::anyhow!(
        "no trial has a result: {} of {} failed; records.csv has the reason of each, and a trial that failed is not run again, \
         so mend the cause and start anew in another folder (--out)",
        counts.failed,
        counts.total()
    )))
}

/// A name that is one folder on every system.
pub(super) fn folder_name(name: &str) -> String {
    let safe = |c: char| if c.is_alphanumeric() || matches!(c, '-' | '_') { c } else { '-' };
    let text: String = name.chars().map(safe).collect();
    if text.is_empty() { "experiment".into() } else { text }
}

/// Whether the user can mend it by other arguments or another file.
pub(super) fn judge(error: SearchError) -> Failure {
    match error {
        SearchError::Store(StoreError::Exists { .. })
        | SearchError::Experiment(_)
        | SearchError::Plugin { .. }
        | SearchError::Inconsistent(_)
        | SearchError::Changed { .. }
        | SearchError::Retuned { .. }
        | SearchError::Shrunk { .. } => Failure::Usage(error.into()),
        SearchError::Store(_)
        | SearchError::Output { .. }
        | SearchError::Replay { .. }
        | SearchError::Strategy { .. }
        | SearchError::StrategyLost { .. } => Failure::Failed(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_fails_if_nothing_but_failures_came_of_it() {
        let status = |ok, infeasible, failed| {
            succeeded(Counts { ok, infeasible, failed }).err().map(|failure| failure.status())
        };
        assert_eq!([status(0, 0, 0), status(1, 0, 7), status(0, 4, 0)], [None; 3]);
        assert_eq!([status(0, 0, 1), status(0, 3, 1)], [Some(1); 2]);
    }

    #[test]
    fn folders_are_safe_names() {
        assert_eq!(folder_name("quickstart"), "quickstart");
        assert_eq!(folder_name("../a b"), "---a-b");
        assert_eq!(folder_name(""), "experiment");
    }
}
