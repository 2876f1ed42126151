//! The study: asks a strategy for candidates, has them evaluated, tells it the outcomes, and stores all of it.
//!
//! The state of the strategy is a function of the seed and the logged calls. Asked trials are committed before they are
//! evaluated, every evaluation and every record is one transaction, and batches come from the experiment; so a study
//! gives the same records with any number of threads and after any kill.

mod donor;
pub(crate) mod evaluate;
mod finish;
mod grown;
pub(crate) mod memo;
pub(crate) mod plugins;
mod propose;
pub(crate) mod same;
pub(crate) mod setup;
pub(crate) mod strategist;
#[cfg(test)]
mod tests;

use crate::canonical;
use crate::error::SearchError;
use crate::experiment::Experiment;
use crate::leader::Leader;
use crate::observer::{Best, Observer, Started, TrialFinished};
use crate::store::{Asked, BatchEnd, CallKind, Founding, LoggedCall, PluginRow, Store, WallRow};
use crate::summary::{Outcome, Summary};
use codebench_api::{Catalog, StrategyContext, Tell};
use codebench_model::{Genotype, Record, Status};
use same::check_same;
use setup::Setup;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use strategist::Strategist;

/// Whose wall-clock values are those of the strategy; no evaluator can be called so.
pub(crate) const STRATEGY: &str = "[strategy]";

/// How a study runs; nothing here changes a result.
#[derive(Debug, Clone, Default)]
pub struct RunOptions {
    /// Folder of the store and of everything that is written at the end.
    pub out: PathBuf,
    /// Go on with the store in the folder, if there is one.
    pub resume: bool,
    /// Number of threads instead of the experiment's.
    pub threads: Option<usize>,
    /// Once true, the study ends after the evaluations that are running.
    pub cancel: Arc<AtomicBool>,
}

/// An open study.
pub struct Study<'c> {
    setup: Setup,
    out: PathBuf,
    cancel: Arc<AtomicBool>,
    strategist: Strategist<'c>,
    store: Store,
    plugins: Vec<PluginRow>,
    /// Every asked trial in order, and every asked genotype.
    asks: Vec<Asked>,
    seen: BTreeSet<Genotype>,
    records: BTreeMap<u64, Record>,
    leader: Leader,
    batches: Vec<(u64, Option<BatchEnd>)>,
}

impl<'c> Study<'c> {
    /// Makes every plugin of the experiment, opens or creates the store, and brings the strategy to where it was.
    ///
    /// # Errors
    /// Parts of the experiment that do not fit together, a store that cannot be used, or a changed experiment.
    pub fn open(
        experiment: Experiment,
        catalog: &'c Catalog,
        options: RunOptions,
    ) -> Result<Self, SearchError> {
        let setup = Setup::new(experiment, catalog, options.threads)?;
        let experiment = &setup.experiment;
        let plugins = plugins::rows(experiment, &setup.language, catalog);
        let facts = [
            ("name", experiment.name.clone()),
            ("identity", experiment.identity()),
            ("sha256", experiment.sha256()),
            ("canonical", experiment.canonical()),
            ("text", experiment.text.clone()),
            ("contents", canonical::to_text(&canonical::to_value(&setup.contents))),
        ];
        let founding = Founding { facts: &facts, plugins: &plugins };
        let mut store = Store::open(&options.out, options.resume, &founding)?;
        check_same(&store, experiment, &plugins, &setup.contents)?;
        let asks = store.asks()?;
        check_asks(&store, experiment, &asks)?;
        check_budget(&mut store, experiment, asks.len() as u64)?;
        let records: BTreeMap<u64, Record> = store.records()?.into_iter().map(|r| (r.trial, r)).collect();
        let batches = store.batches()?;
        let log = store.calls()?;
        let told = outcomes(&log, &asks, &records);
        let context = StrategyContext {
            space: experiment.space.clone(),
            seed: experiment.seed,
            objectives: experiment.objective.len(),
        };
        let strategist = Strategist::replayed(catalog, experiment.strategy.clone(), context, log, told)
            .map_err(|e| setup::located(experiment, "strategy.plugin", e))?;
        let seen = asks.iter().map(|a| a.genotype.clone()).collect();
        Ok(Study {
            setup,
            out: options.out,
            cancel: options.cancel,
            strategist,
            store,
            plugins,
            asks,
            seen,
            leader: Leader::of(records.values()),
            records,
            batches,
        })
    }

    /// Runs until the budget is spent, nothing is left to ask, or the run is cancelled; then measures the best
    /// candidate and writes `records.csv`, `wall.csv` and `report.html`.
    ///
    /// # Errors
    /// A store that cannot be written, or a strategy that failed three times in a row. A failed evaluation is a record,
    /// not an error.
    pub fn run(mut self, observer: &mut dyn Observer) -> Result<Summary, SearchError> {
        observer.started(&self.start());
        for note in [self.setup.unread_data(), self.grown()].into_iter().flatten() {
            observer.note(&note);
        }
        let mut next = 0;
        let outcome = loop {
            if self.cancelled() {
                break Outcome::Interrupted;
            }
            if next == self.batches.len() {
                let spent = self.asks.len() as u64 >= self.setup.experiment.budget.trials;
                match self.batches.last().and_then(|(_, end)| *end) {
                    _ if spent => break Outcome::Completed,
                    Some(BatchEnd::Exhausted) => break Outcome::Exhausted,
                    Some(BatchEnd::StrategyDone) => break Outcome::StrategyDone,
                    None => self.propose(next as u64, observer)?,
                }
            }
            if !self.finish_batch(next as u64, observer)? {
                break Outcome::Interrupted;
            }
            next += 1;
        };
        self.finish(outcome, observer)
    }

    fn start(&self) -> Started {
        Started {
            name: self.setup.experiment.name.clone(),
            trials: self.setup.experiment.budget.trials,
            recorded: self.records.len() as u64,
            evaluators: self.setup.evaluators.len() as u64,
            space_size: self.setup.points.count().to_string(),
            best: self.best_so_far(),
        }
    }

    fn cancelled(&self) -> bool {
        self.cancel.load(Ordering::Relaxed)
    }

    /// Evaluates what the batch lacks, records it and tells it; false if the run was cancelled before.
    fn finish_batch(&mut self, batch: u64, observer: &mut dyn Observer) -> Result<bool, SearchError> {
        let of_batch = of_batch(&self.asks, batch).iter();
        let open: Vec<Asked> = of_batch.filter(|a| !self.records.contains_key(&a.trial)).cloned().collect();
        if !open.is_empty() {
            let Some(records) = self.evaluate_batch(&open, observer)? else { return Ok(false) };
            for record in records {
                self.store.commit_record(&record)?;
                self.leader.add(&record);
                self.records.insert(record.trial, record.clone());
                observer.trial_finished(&TrialFinished {
                    trial: record.trial,
                    genotype: record.genotype,
                    status: record.status,
                    reason: record.reason,
                    objectives: record.objectives,
                    recorded: self.records.len() as u64,
                    best: self.best_so_far(),
                });
            }
        }
        let told = tells(&self.asks, &self.records, batch);
        if !self.strategist.has_told(batch) && !told.is_empty() {
            let start = self.strategist.calls();
            let clock = Instant::now();
            self.strategist.tell(batch, told)?;
            let seconds = clock.elapsed().as_secs_f64();
            self.store.commit_calls(self.strategist.calls_since(start))?;
            self.note_time(batch, "tell_s", seconds)?;
            note_failures(self.strategist.calls_since(start), observer);
        }
        self.strategist.check()?;
        Ok(true)
    }

    /// Keeps how long the strategy took over a batch, at the batch's first trial.
    fn note_time(&mut self, batch: u64, name: &str, seconds: f64) -> Result<(), SearchError> {
        let Some(first) = of_batch(&self.asks, batch).first() else { return Ok(()) };
        let row = WallRow {
            trial: first.trial,
            evaluator: STRATEGY.into(),
            purpose: "search".into(),
            name: name.into(),
            value: seconds,
        };
        Ok(self.store.commit_wall(&[row])?)
    }

    fn best_so_far(&self) -> Option<Best> {
        self.leader.best().map(|(trial, objectives)| Best { trial, objectives: objectives.to_vec() })
    }
}

fn note_failures(calls: &[LoggedCall], observer: &mut dyn Observer) {
    for call in calls {
        if let Some(error) = &call.error {
            let what = if call.kind == CallKind::Ask { "ask" } else { "tell" };
            observer.note(&format!("the strategy failed in {what} of batch {}: {error}", call.batch));
        }
    }
}

fn tell(record: &Record) -> Tell {
    Tell {
        trial: record.trial,
        genotype: record.genotype.clone(),
        status: record.status,
        objectives: if record.status == Status::Ok { record.objectives.clone() } else { Vec::new() },
        violation: record.violation,
    }
}

/// Trials of a batch: trials are asked batch by batch, so their batches ascend.
fn of_batch(asks: &[Asked], batch: u64) -> &[Asked] {
    let start = asks.partition_point(|a| a.batch < batch);
    let end = asks.partition_point(|a| a.batch <= batch);
    asks.get(start..end).unwrap_or_default()
}

/// Outcomes of a batch in ask order.
fn tells(asks: &[Asked], records: &BTreeMap<u64, Record>, batch: u64) -> Vec<Tell> {
    of_batch(asks, batch).iter().filter_map(|a| records.get(&a.trial)).map(tell).collect()
}

/// Outcomes of every batch that the log tells.
fn outcomes(log: &[LoggedCall], asks: &[Asked], records: &BTreeMap<u64, Record>) -> BTreeMap<u64, Vec<Tell>> {
    let told: BTreeSet<u64> = log.iter().filter(|c| c.kind == CallKind::Tell).map(|c| c.batch).collect();
    let mut outcomes: BTreeMap<u64, Vec<Tell>> = BTreeMap::new();
    for asked in asks.iter().filter(|a| told.contains(&a.batch)) {
        if let Some(record) = records.get(&asked.trial) {
            outcomes.entry(asked.batch).or_default().push(tell(record));
        }
    }
    outcomes
}

/// Refuses a store whose trials are not of the experiment's space: it was changed from outside.
fn check_asks(store: &Store, experiment: &Experiment, asks: &[Asked]) -> Result<(), SearchError> {
    for asked in asks {
        if let Err(e) = codebench_space::check(&experiment.space, &asked.genotype) {
            return Err(store.damaged(format!("trial {}: {e}", asked.trial)).into());
        }
    }
    Ok(())
}

/// The budget may grow, and never below what is asked already.
fn check_budget(store: &mut Store, experiment: &Experiment, asked: u64) -> Result<(), SearchError> {
    let trials = experiment.budget.trials;
    if trials < asked {
        return Err(SearchError::Shrunk { trials, asked });
    }
    let canonical = experiment.canonical();
    if store.fact("canonical")?.as_deref() != Some(canonical.as_str()) {
        store.set_fact("canonical", &canonical)?;
        store.set_fact("text", &experiment.text)?;
    }
    Ok(())
}
