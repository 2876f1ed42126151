//! `codebench tune`: the best recipe for one CNN, by successive halving or random search.

use super::run::{folder_name, judge};
use crate::numbers::whole;
use crate::progress::clock;
use crate::readable::readable;
use crate::table::Table;
use crate::{Failure, OrFail, built_in, interrupt, plugins};
use clap::Args;
use codebench_search::tune::{Rung, RungRecord, TuneSummary, Tuning, tune};
use codebench_search::{Outcome, RunOptions};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::time::Instant;

/// Arguments of `codebench tune`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  codebench tune examples/tune.toml
  codebench tune examples/tune.toml --out runs/second --threads 2
  codebench tune examples/tune.toml --resume      go on with a tuning that was stopped

The folder holds study.sqlite (every answer) and checkpoints, and at the end records.csv, wall.csv and best-recipe.toml, whose
table [recipe] an experiment takes as it is. Ctrl-C ends the tuning after the evaluations that are running; --resume goes on and ends
with the same records. The book's page on tuning explains the file.")]
pub struct Arguments {
    /// The tuning file
    #[arg(value_name = "TUNE.toml")]
    pub file: PathBuf,
    /// Folder for the results [default: runs/NAME, the tuning's name]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Go on with the tuning in the folder, if there is one
    #[arg(long)]
    pub resume: bool,
    /// Number of threads; never changes a result [default: what the file says, else one per core]
    #[arg(long, value_name = "N", value_parser = whole::<u16>(1..=1024), allow_hyphen_values = true)]
    pub threads: Option<u16>,
}

pub(super) fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    let started = Instant::now();
    let catalog = plugins::catalog_for(built_in()?, &arguments.file)?;
    let tuning = Tuning::read(&arguments.file, &catalog).usage()?;
    let options = RunOptions {
        out: arguments.out.clone().unwrap_or_else(|| PathBuf::from("runs").join(folder_name(&tuning.name))),
        resume: arguments.resume,
        threads: arguments.threads.map(usize::from),
        cancel: interrupt::flag()?,
    };
    let shown = Shown::new(&tuning);
    let result = tune(&tuning, &catalog, &options, &mut |record, spent| shown.record(record, spent));
    shown.finish();
    let summary = result.map_err(judge)?;
    write(&summary, started, out)?;
    out.flush()?;
    match summary.outcome {
        Outcome::Interrupted => Err(Failure::Interrupted),
        _ if summary.best.is_none() => Err(Failure::Failed(anyhow::anyhow!(
            "no recipe has a result; records.csv has the reason of each, and what failed is not trained again, so mend the cause and \
             start anew in another folder (--out)"
        ))),
        _ => Ok(()),
    }
}

fn write(summary: &TuneSummary, started: Instant, out: &mut dyn Write) -> Result<(), Failure> {
    let configurations = summary.rungs.first().map_or(0, |rung| rung.reached);
    let time = clock(started.elapsed());
    writeln!(
        out,
        "{}: {configurations} recipes, {} epochs in {time}",
        readable(&summary.name),
        summary.epochs
    )?;
    if summary.outcome == Outcome::Interrupted {
        writeln!(out, "Stopped. The same command with --resume goes on.")?;
    }
    let best = format!("best {}", summary.metric);
    let mut table = Table::new(&["epochs", "recipes", "failed", "promoted", &best, "recipe"]);
    for Rung { epochs, reached, failed, promoted, best } in &summary.rungs {
        let value = best.as_ref().and_then(|record| record.value);
        table.row([
            epochs.to_string(),
            reached.to_string(),
            failed.to_string(),
            promoted.to_string(),
            value.map_or_else(String::new, |value| format!("{value:.5}")),
            best.as_ref().map_or_else(String::new, |record| record.configuration.to_string()),
        ]);
    }
    table.write(out)?;
    if let (Some(best), Some(recipe)) = (&summary.best, summary.recipe_table()) {
        writeln!(
            out,
            "\nBest recipe: {}, {} {:.5} after {} epochs",
            best.configuration,
            summary.metric,
            best.value.unwrap_or(f64::NAN),
            best.epochs
        )?;
        for (name, value) in summary.measured.iter().filter(|(name, _)| name.starts_with("test_")) {
            writeln!(out, "  {name} {value:.5}")?;
        }
        if let Some(reason) = &summary.final_failure {
            writeln!(out, "  The final measurement failed: {reason}")?;
        }
        writeln!(out, "\n{recipe}")?;
    }
    for file in &summary.files {
        writeln!(out, "wrote {}", file.display())?;
    }
    Ok(())
}

/// Records on standard error: a bar on a terminal, a line each elsewhere.
struct Shown {
    bar: Option<ProgressBar>,
    metric: String,
}

impl Shown {
    fn new(tuning: &Tuning) -> Shown {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{spinner} {msg}");
            ProgressBar::no_length().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
        });
        Shown { bar, metric: tuning.metric.clone() }
    }

    fn record(&self, record: &RungRecord, spent: u64) {
        let RungRecord { configuration, epochs, .. } = record;
        let what = match (record.value, &record.reason) {
            (Some(value), _) => format!("{} {value:.5}", self.metric),
            (None, reason) => {
                let reason = reason.as_deref().unwrap_or("no reason given");
                format!("{}: {}", record.status.name(), reason.lines().next().unwrap_or_default())
            }
        };
        let text = format!("recipe {configuration} after {epochs} epochs: {what} ({spent} epochs in all)");
        match &self.bar {
            Some(bar) => {
                bar.set_message(text);
                bar.tick();
            }
            // A closed standard error stops no tuning.
            None => drop(writeln!(std::io::stderr(), "{text}")),
        }
    }

    fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
