//! Comparing strategies on one experiment: every strategy on the same seeds with the same budget, each run a study with a store of
//! its own. Everything that is reported is read from the stores.

mod chart;
mod curve;
mod files;
mod result;
mod statistics;

pub use result::{Comparison, Pair, RunResult, StrategyResult};

use crate::error::SearchError;
use crate::experiment::{Experiment, PluginUse};
use crate::objective::{Goal, MetricName};
use crate::observer::Silent;
use crate::store::Store;
use crate::study::same::Basis;
use crate::study::{RunOptions, Study};
use codebench_api::{Catalog, Kind};
use codebench_model::wording::hint;
use codebench_model::{ParameterValue, Parameters};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// What strategies are compared by.
#[derive(Debug, Clone, PartialEq)]
pub struct Measure {
    /// The metric of the best trial so far; `None` is the objective itself.
    pub metric: Option<MetricName>,
    /// Which way it goes.
    pub goal: Goal,
    /// The best value that there is, from which regret is counted; `None` is the best in the records.
    pub optimum: Option<f64>,
    /// A value to reach.
    pub target: Option<f64>,
}

/// How strategies are compared; `threads` and `cancel` change no result.
#[derive(Debug, Clone)]
pub struct CompareOptions {
    /// The strategies as the user called them, with their plugins.
    pub strategies: Vec<(String, PluginUse)>,
    /// Seeds: the experiment's and those after it.
    pub seeds: u64,
    /// What they are compared by.
    pub measure: Measure,
    /// Folder of all stores and files.
    pub out: PathBuf,
    /// Go on with what is in the folder.
    pub resume: bool,
    /// Runs at a time; `None` is one per core.
    pub threads: Option<usize>,
    /// Once true, no further run starts and those that are running end early.
    pub cancel: Arc<AtomicBool>,
}

/// Watches a comparison: runs finished, runs in all.
pub type Progress<'a> = dyn Fn(usize, usize) + Sync + 'a;

/// A strategy as written on the command line: `tpe`, `codebench/tpe` or `tpe:candidates=100:share=0.2`.
///
/// # Errors
/// An unknown strategy or parameter, or a value out of its range.
pub fn strategy(text: &str, catalog: &Catalog) -> Result<(String, PluginUse), SearchError> {
    let mut parts = text.split(':');
    let name = parts.next().unwrap_or("");
    let id = if name.contains('/') { name.to_owned() } else { format!("codebench/{name}") };
    let refuse = |error| SearchError::Plugin { role: format!("strategy `{text}`"), error };
    let entry = catalog.get(&id).map_err(refuse)?;
    if entry.kind() != Kind::Strategy {
        let message =
            format!("strategy `{text}`: plugin `{id}` is of kind {}: name a strategy", entry.kind());
        return Err(SearchError::Inconsistent(message));
    }
    let mut given = Parameters::new();
    for part in parts {
        let Some((name, value)) = part.split_once('=') else {
            let message = format!(
                "strategy `{text}`: {part:?} is no `parameter=value`: write it so, separated by colons"
            );
            return Err(SearchError::Inconsistent(message));
        };
        let described = entry.info.parameters.iter().find(|described| described.name == name);
        let value =
            described.map_or_else(|| ParameterValue::of_word(value), |described| described.read(value));
        given.insert(name.to_owned(), value);
    }
    let parameters = catalog.complete(&id, &given).map_err(refuse)?;
    Ok((text.to_owned(), PluginUse { plugin: id, parameters }))
}

/// Runs what is not there yet, then compares and writes `comparison.txt`, `comparison.svg`, `curves.csv`, `runs.csv` and `pairs.csv`.
/// `None` if it was cancelled: `resume` goes on.
///
/// # Errors
/// An experiment without one number to compare by, a metric that no evaluator or no trial has, an optimum or target that is not finite,
/// strategies called alike, or a run that ends with an error: then no further run starts.
pub fn compare(
    experiment: &Experiment,
    catalog: &Catalog,
    options: &CompareOptions,
    progress: &Progress<'_>,
) -> Result<Option<Comparison>, SearchError> {
    check(experiment, catalog, options)?;
    let basis = Basis::of(experiment, catalog)?;
    let runs: Vec<(usize, u64)> =
        (0..options.strategies.len()).flat_map(|s| (0..options.seeds).map(move |k| (s, k))).collect();
    let finished = AtomicUsize::new(0);
    let has_failed = AtomicBool::new(false);
    let work = |(s, k): (usize, u64)| -> Result<Option<RunResult>, SearchError> {
        if has_failed.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let of_run = Experiment {
            seed: experiment.seed.wrapping_add(k),
            strategy: options.strategies[s].1.clone(),
            ..experiment.clone()
        };
        let folder =
            options.out.join(folder_name(&options.strategies[s].0)).join(format!("seed-{}", of_run.seed));
        let result = run(of_run, catalog, options, &basis, &folder);
        let result = result.inspect_err(|_| has_failed.store(true, Ordering::Relaxed))?;
        progress(finished.fetch_add(1, Ordering::Relaxed) + 1, runs.len());
        Ok(result.map(|(records, seconds)| RunResult::new(&records, seconds, options, s, k)))
    };
    let results: Option<Vec<RunResult>> = in_turn(&runs, options.threads, work)?
        .into_iter()
        .collect::<Result<Vec<_>, _>>()?
        .into_iter()
        .collect();
    let Some(results) = results else { return Ok(None) };
    check_measured(&options.measure, &results)?;
    let comparison = Comparison::new(experiment, options, results);
    files::write(&comparison, &options.out)?;
    Ok(Some(comparison))
}

/// What `work` makes of each item, in order; each thread takes the next item when it is done with one.
///
/// These are no threads of a pool that steals work: each run waits for a pool of its own, and a thread that took up another run
/// while it waits would nest as many runs on its stack as there are seeds.
fn in_turn<I: Copy + Sync, T: Send>(
    items: &[I],
    threads: Option<usize>,
    work: impl Fn(I) -> T + Sync,
) -> Result<Vec<T>, SearchError> {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    let threads = threads.filter(|threads| *threads > 0).unwrap_or_else(cores).min(items.len());
    let next = AtomicUsize::new(0);
    let results: Vec<Mutex<Option<T>>> = items.iter().map(|_| Mutex::new(None)).collect();
    let loop_over = || {
        while let index = next.fetch_add(1, Ordering::Relaxed)
            && let (Some(item), Some(result)) = (items.get(index), results.get(index))
        {
            *result.lock().unwrap_or_else(PoisonError::into_inner) = Some(work(*item));
        }
    };
    std::thread::scope(|scope| -> std::io::Result<()> {
        for index in 0..threads {
            std::thread::Builder::new().name(format!("compare-{index}")).spawn_scoped(scope, loop_over)?;
        }
        Ok(())
    })
    .map_err(|e| {
        SearchError::Inconsistent(format!("cannot start {threads} threads: {e}; give fewer with --threads"))
    })?;
    Ok(results.into_iter().filter_map(|r| r.into_inner().unwrap_or_else(PoisonError::into_inner)).collect())
}

fn check(experiment: &Experiment, catalog: &Catalog, options: &CompareOptions) -> Result<(), SearchError> {
    if options.measure.metric.is_none() && !curve::is_scalar(experiment) {
        return Err(SearchError::Inconsistent(
            "the experiment has several objectives, of which none is the one to compare by: name a metric with --metric".into(),
        ));
    }
    if let Some(metric) = &options.measure.metric {
        check_metric(metric, experiment, catalog)?;
    }
    for (name, value) in [("optimum", options.measure.optimum), ("target", options.measure.target)] {
        if let Some(value) = value.filter(|value| !value.is_finite()) {
            let message = format!("--{name} {value}: give a finite number, or leave it out");
            return Err(SearchError::Inconsistent(message));
        }
    }
    let mut folders = BTreeMap::new();
    for (name, _) in &options.strategies {
        if let Some(other) = folders.insert(folder_name(name), name) {
            let message = format!("strategies `{other}` and `{name}` would share a folder: give each once");
            return Err(SearchError::Inconsistent(message));
        }
    }
    Ok(())
}

/// The metric is one that its evaluator gives, where that says which; unlike an objective, it may be of the test split.
fn check_metric(metric: &MetricName, experiment: &Experiment, catalog: &Catalog) -> Result<(), SearchError> {
    let Some(evaluator) = experiment.evaluators.iter().find(|e| e.id == metric.evaluator) else {
        let known: Vec<&str> = experiment.evaluators.iter().map(|e| e.id.as_str()).collect();
        let message =
            format!("metric `{metric}` is of no evaluator of the experiment: it has {}", known.join(", "));
        return Err(SearchError::Inconsistent(message));
    };
    let id = &evaluator.plugin;
    let entry = catalog
        .get(id)
        .map_err(|error| SearchError::Plugin { role: format!("evaluator `{}`", evaluator.id), error })?;
    let known: Vec<&str> = entry.info.metrics.iter().map(String::as_str).collect();
    if !known.is_empty() && !known.contains(&metric.metric.as_str()) {
        let hint = hint(&metric.metric, &known);
        let message = format!("--metric {metric}: plugin `{id}` gives no metric `{}`{hint}", metric.metric);
        return Err(SearchError::Inconsistent(message));
    }
    Ok(())
}

/// Some trial has the metric, if any succeeded.
fn check_measured(measure: &Measure, runs: &[RunResult]) -> Result<(), SearchError> {
    let succeeded: usize = runs.iter().map(|run| run.values.len() - run.infeasible - run.failed).sum();
    let is_measured = runs.iter().any(|run| run.values.iter().any(Option::is_some));
    match &measure.metric {
        Some(metric) if succeeded > 0 && !is_measured => Err(SearchError::Inconsistent(format!(
            "--metric {metric}: none of the {succeeded} trials that succeeded has it; name one of the columns of records.csv in a \
             run's folder"
        ))),
        _ => Ok(()),
    }
}

/// Records of a finished run, and seconds that its strategy took; `None` if it was cancelled.
type Stored = Option<(Vec<codebench_model::Record>, f64)>;

fn run(
    experiment: Experiment,
    catalog: &Catalog,
    options: &CompareOptions,
    basis: &Basis,
    folder: &Path,
) -> Result<Stored, SearchError> {
    if options.cancel.load(Ordering::Relaxed) {
        return Ok(None);
    }
    if options.resume
        && let Some(stored) = stored(&experiment, catalog, basis, folder)?
    {
        return Ok(Some(stored));
    }
    let of_study = RunOptions {
        out: folder.to_owned(),
        resume: options.resume,
        threads: Some(1),
        cancel: options.cancel.clone(),
    };
    Study::open(experiment.clone(), catalog, of_study)?.run(&mut Silent)?;
    stored(&experiment, catalog, basis, folder)
}

/// What a store of exactly this experiment, its plugins and its data holds once it is complete.
fn stored(
    experiment: &Experiment,
    catalog: &Catalog,
    basis: &Basis,
    folder: &Path,
) -> Result<Stored, SearchError> {
    let Some(store) = Store::existing(folder)? else { return Ok(None) };
    if store.fact("identity")?.as_deref() != Some(experiment.identity().as_str()) {
        // The study says what differs.
        return Ok(None);
    }
    basis.check(&store, experiment, catalog)?;
    let records = store.records()?;
    let ended = store.batches()?.last().is_some_and(|(_, end)| end.is_some());
    let asked = store.asks()?.len();
    let complete = records.len() == asked && (ended || records.len() as u64 >= experiment.budget.trials);
    let seconds =
        store.wall()?.iter().filter(|row| row.evaluator == crate::study::STRATEGY).map(|row| row.value).sum();
    Ok(complete.then_some((records, seconds)))
}

/// A folder's name made of a strategy as it was written.
fn folder_name(text: &str) -> String {
    let text = text.strip_prefix("codebench/").unwrap_or(text);
    text.chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' })
        .collect()
}
