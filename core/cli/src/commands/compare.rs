//! `codebench compare`: several strategies on the same seeds of one experiment.

use super::run::{folder_name, judge};
use crate::numbers::whole;
use crate::{Failure, OrFail, built_in, interrupt, plugins};
use anyhow::anyhow;
use clap::Args;
use codebench_search::Experiment;
use codebench_search::compare::{CompareOptions, Measure, compare, strategy};
use codebench_search::objective::{Aim, Goal, MetricName};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::Write;
use std::path::PathBuf;

/// Arguments of `codebench compare`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  codebench compare examples/table.toml --strategies random,tpe,local-search --seeds 50
  codebench compare examples/table.toml --strategies random,tpe:candidates=100,acme/mine --metric table.test_accuracy
  codebench compare examples/nasbench201.toml --strategies random,boshnas --seeds 300 \\
      --metric table.test_accuracy --optimum 94.373 --target 94.0 --out runs/figures --resume

Every strategy runs every seed (the experiment's and those after it) with the experiment's budget and batch. The folder holds one
store per run, and at the end comparison.txt, comparison.svg, curves.csv, runs.csv and pairs.csv, which are made of nothing but
the stores. Ctrl-C ends it cleanly; --resume goes on.")]
pub struct Arguments {
    /// The experiment file; its own strategy is not used
    #[arg(value_name = "EXPERIMENT.toml")]
    pub experiment: PathBuf,
    /// Strategies, separated by commas: an id, where `codebench/` may be left out, with parameters after colons
    #[arg(long, value_name = "A,B,...", required = true, value_delimiter = ',')]
    pub strategies: Vec<String>,
    /// Number of seeds
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = whole::<u64>(1..=100_000), allow_hyphen_values = true)]
    pub seeds: u64,
    /// Folder for stores and results [default: runs/NAME-comparison]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Go on with the comparison in the folder, if there is one
    #[arg(long)]
    pub resume: bool,
    /// Metric of the best trial so far, such as table.test_accuracy [default: the objective]
    #[arg(long, value_name = "EVALUATOR.METRIC")]
    pub metric: Option<String>,
    /// Smaller values of --metric are better [default: as the objective says, else larger]
    #[arg(long, requires = "metric")]
    pub minimise: bool,
    /// Best value that there is, from which regret is counted [default: the best of all runs]
    #[arg(long, value_name = "X", allow_hyphen_values = true)]
    pub optimum: Option<f64>,
    /// Value to reach: the table shows after how many queries
    #[arg(long, value_name = "X", allow_hyphen_values = true)]
    pub target: Option<f64>,
    /// Number of runs at a time; never changes a result [default: one per core]
    #[arg(long, value_name = "N", value_parser = whole::<u16>(1..=1024), allow_hyphen_values = true)]
    pub threads: Option<u16>,
}

pub(super) fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    let catalog = plugins::catalog_for(built_in()?, &arguments.experiment)?;
    let experiment = Experiment::read(&arguments.experiment, &catalog).usage()?;
    let strategies = arguments.strategies.iter().map(|text| strategy(text.trim(), &catalog));
    let name = format!("{}-comparison", folder_name(&experiment.name));
    let options = CompareOptions {
        strategies: strategies.collect::<Result<_, _>>().map_err(judge)?,
        seeds: arguments.seeds,
        measure: measure(arguments, &experiment)?,
        out: arguments.out.clone().unwrap_or_else(|| PathBuf::from("runs").join(name)),
        resume: arguments.resume,
        threads: arguments.threads.map(usize::from),
        cancel: interrupt::flag()?,
    };
    let bar = ProgressBar::new(0);
    bar.set_style(ProgressStyle::with_template("{wide_bar} {pos}/{len} runs, {eta} left").failure()?);
    let progress = |done: usize, all: usize| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
    };
    let result = compare(&experiment, &catalog, &options, &progress);
    bar.finish_and_clear();
    let Some(comparison) = result.map_err(judge)? else { return Err(Failure::Interrupted) };
    out.write_all(comparison.text().as_bytes())?;
    writeln!(out, "\nwrote {}", options.out.join("comparison.svg").display())?;
    Ok(out.flush()?)
}

fn measure(arguments: &Arguments, experiment: &Experiment) -> Result<Measure, Failure> {
    let metric = match &arguments.metric {
        None => None,
        Some(text) => match text.split_once('.') {
            Some((evaluator, metric)) => {
                Some(MetricName { evaluator: evaluator.to_owned(), metric: metric.to_owned() })
            }
            None => {
                let message = "--metric {text}: write EVALUATOR.METRIC, such as table.test_accuracy";
                return Err(Failure::Usage(anyhow!(message.replace("{text}", text))));
            }
        },
    };
    let minimised = |name: &MetricName| match &experiment.objective.aim {
        Aim::WeightedSum(terms) => terms.iter().any(|t| t.metric == *name && t.goal == Goal::Minimise),
        Aim::Pareto(axes) => axes.iter().any(|a| a.metric == *name && a.goal == Goal::Minimise),
    };
    let is_minimised = arguments.minimise || metric.as_ref().is_some_and(minimised);
    let goal = if is_minimised { Goal::Minimise } else { Goal::Maximise };
    Ok(Measure { metric, goal, optimum: arguments.optimum, target: arguments.target })
}
