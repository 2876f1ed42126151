//! Evaluating trials: evaluator after evaluator, every distinct memo key once.

use super::donor::Donors;
use super::setup::{Prepared, Setup};
use super::strategist::guarded;
use super::{Study, memo};
use crate::error::SearchError;
use crate::observer::{Evaluated, Observer};
use crate::store::{Asked, Evaluation, Store, StoreError, WallRow};
use codebench_api::{ErrorKind, PluginError};
use codebench_model::{Job, Limits, Metrics, Purpose, Record, Status};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

/// A trial on its way through the evaluators.
pub(super) struct Running {
    job: Job,
    asked: Asked,
    pub(super) metrics: BTreeMap<String, Metrics>,
    /// Memo keys by evaluator.
    pub(super) keys: BTreeMap<String, String>,
    /// How it ended before its last evaluator.
    pub(super) ended: Option<(Status, String)>,
}

/// One evaluation that the memo does not answer.
struct Pending {
    key: String,
    job: Job,
}

impl Study<'_> {
    /// Records of `asked`, in order; `None` if the run was cancelled.
    pub(super) fn evaluate_batch(
        &mut self,
        asked: &[Asked],
        observer: &mut dyn Observer,
    ) -> Result<Option<Vec<Record>>, SearchError> {
        let Some(trials) = self.evaluate(asked, Purpose::Search, observer)? else { return Ok(None) };
        Ok(Some(trials.into_iter().map(|trial| self.record(trial)).collect()))
    }

    /// `asked` after all evaluators; `None` if the run was cancelled.
    pub(super) fn evaluate(
        &mut self,
        asked: &[Asked],
        purpose: Purpose,
        observer: &mut dyn Observer,
    ) -> Result<Option<Vec<Running>>, SearchError> {
        let mut trials = self.setup.build(asked, purpose)?;
        if let Some(donors) =
            asked.first().and_then(|first| Donors::of(&self.setup, &self.records, first.batch))
        {
            for trial in &mut trials {
                trial.job.donor = trial.job.cnn.as_ref().and_then(|cnn| donors.nearest(cnn));
            }
        }
        for index in 0..self.setup.evaluators.len() {
            if !self.stage(index, &mut trials, observer)? {
                return Ok(None);
            }
        }
        Ok(Some(trials))
    }

    /// Passes `trials` through one evaluator; false if the run was cancelled.
    fn stage(
        &mut self,
        index: usize,
        trials: &mut [Running],
        observer: &mut dyn Observer,
    ) -> Result<bool, SearchError> {
        let Some(prepared) = self.setup.evaluators.get(index) else { return Ok(true) };
        let mut known: BTreeMap<String, Evaluation> = BTreeMap::new();
        let mut pending: Vec<Pending> = Vec::new();
        let mut wanted = BTreeSet::new();
        for trial in trials.iter_mut().filter(|t| t.ended.is_none()) {
            let job = prepared.reads.declared(&trial.job);
            let key = memo::key(&job, prepared);
            trial.keys.insert(prepared.id.clone(), key.clone());
            if wanted.insert(key.clone()) {
                match self.store.evaluation(&key)? {
                    Some(evaluation) => drop(known.insert(key, evaluation)),
                    None => pending.push(Pending { key, job }),
                }
            }
        }
        let new: BTreeSet<u64> = pending.iter().map(|p| p.job.trial).collect();
        let answered = trials.iter().filter(|t| t.ended.is_none() && !new.contains(&t.asked.trial));
        answered.for_each(|t| observer.evaluated(&evaluated(prepared, t.asked.trial, true)));
        let stage = Stage {
            prepared,
            pending: &pending,
            cancel: &self.cancel,
            store: Mutex::new(&mut self.store),
            observer: Mutex::new(observer),
            done: Mutex::new(Vec::new()),
            broken: Mutex::new(None),
        };
        self.setup.executor.run(pending.len(), &|i| stage.task(i)).map_err(broken_executor)?;
        let (done, broken) = (unpoisoned(stage.done.into_inner()), unpoisoned(stage.broken.into_inner()));
        if let Some(error) = broken {
            return Err(error.into());
        }
        if done.len() < pending.len() {
            if self.cancelled() {
                return Ok(false);
            }
            return Err(broken_executor(PluginError::contract("it did not run every task")));
        }
        known.extend(done.into_iter().map(|evaluation| (evaluation.key.clone(), evaluation)));
        apply(prepared, trials, &known);
        Ok(true)
    }

    fn record(&self, trial: Running) -> Record {
        let (mut status, mut reason) = match trial.ended {
            Some((status, reason)) => (status, Some(reason)),
            None => (Status::Ok, None),
        };
        let (mut objectives, mut violation) = (Vec::new(), 0.0);
        if status == Status::Ok {
            match self.setup.experiment.objective.score(&trial.metrics) {
                Ok(score) => (objectives, violation) = (score.objectives, score.violation),
                Err(e) => (status, reason) = (Status::Failed, Some(e.to_string())),
            }
        }
        Record {
            trial: trial.asked.trial,
            batch: trial.asked.batch,
            genotype: trial.asked.genotype,
            status,
            reason,
            metrics: trial.metrics,
            objectives,
            violation,
            evaluator_keys: trial.keys,
        }
    }
}

impl Setup {
    /// Decodes and lowers the candidates.
    fn build(&self, asked: &[Asked], purpose: Purpose) -> Result<Vec<Running>, SearchError> {
        let slots: Vec<OnceLock<Running>> = asked.iter().map(|_| OnceLock::new()).collect();
        let task = |i: usize| {
            if let (Some(asked), Some(slot)) = (asked.get(i), slots.get(i)) {
                slot.get_or_init(|| self.running(asked, purpose));
            }
        };
        self.executor.run(asked.len(), &task).map_err(broken_executor)?;
        let trials: Option<Vec<Running>> = slots.into_iter().map(OnceLock::into_inner).collect();
        trials.ok_or_else(|| broken_executor(PluginError::contract("it did not run every task")))
    }

    fn running(&self, asked: &Asked, purpose: Purpose) -> Running {
        let (candidate, lowered, ended) = match guarded(|| self.lowered(&asked.genotype)) {
            Ok((candidate, lowered)) => (Some(candidate), lowered, None),
            Err(e) if e.kind == ErrorKind::Infeasible => (None, None, Some((Status::Infeasible, e.message))),
            Err(e) => (None, None, Some((Status::Failed, e.message))),
        };
        let (workload, published) = lowered.map(|l| (l.workload, l.published)).unzip();
        let (cnn, accelerator, values) =
            candidate.map(|c| (c.cnn, c.accelerator, c.values)).unwrap_or_default();
        let job = Job {
            v: Job::VERSION,
            trial: asked.trial,
            purpose,
            candidate: asked.genotype.clone(),
            values,
            cnn,
            workload,
            published,
            accelerator,
            data: self.experiment.data.clone(),
            recipe: self.experiment.recipe.clone(),
            resume_from: None,
            donor: None,
            seed: self.experiment.seed,
            limits: Limits::default(),
            upstream: BTreeMap::new(),
        };
        Running { job, asked: asked.clone(), metrics: BTreeMap::new(), keys: BTreeMap::new(), ended }
    }
}

/// Gives every trial the answer under its key.
fn apply(prepared: &Prepared, trials: &mut [Running], known: &BTreeMap<String, Evaluation>) {
    for trial in trials.iter_mut().filter(|t| t.ended.is_none()) {
        let Some(evaluation) = trial.keys.get(&prepared.id).and_then(|key| known.get(key)) else { continue };
        match evaluation.status {
            Status::Ok => {
                trial.metrics.insert(prepared.id.clone(), evaluation.metrics.clone());
                trial.job.upstream.insert(prepared.id.clone(), evaluation.metrics.clone());
            }
            status => {
                let reason = evaluation.reason.as_deref().unwrap_or("no reason given");
                trial.ended = Some((status, format!("evaluator `{}`: {reason}", prepared.id)));
            }
        }
    }
}

/// One evaluator over one batch, shared by the threads.
struct Stage<'a> {
    prepared: &'a Prepared,
    pending: &'a [Pending],
    cancel: &'a AtomicBool,
    store: Mutex<&'a mut Store>,
    observer: Mutex<&'a mut dyn Observer>,
    done: Mutex<Vec<Evaluation>>,
    /// The first error of the store: nothing more is started after it.
    broken: Mutex<Option<StoreError>>,
}

impl Stage<'_> {
    fn task(&self, index: usize) {
        let Some(pending) = self.pending.get(index) else { return };
        if self.cancel.load(Ordering::Relaxed) || locked(&self.broken).is_some() {
            return;
        }
        let purpose = if pending.job.purpose == Purpose::Final { "final" } else { "search" };
        let (evaluation, wall) = answer(self.prepared, &pending.job, &pending.key, purpose);
        if let Err(error) = locked(&self.store).commit_evaluation(&evaluation, &wall) {
            locked(&self.broken).get_or_insert(error);
            return;
        }
        locked(&self.done).push(evaluation);
        locked(&self.observer).evaluated(&evaluated(self.prepared, pending.job.trial, false));
    }
}

/// What the evaluator answers to `job`, and the time that it took; a panic and an answer that cannot be kept are failures.
pub(crate) fn answer(prepared: &Prepared, job: &Job, key: &str, purpose: &str) -> (Evaluation, Vec<WallRow>) {
    let start = Instant::now();
    let answer =
        guarded(|| prepared.evaluator.evaluate(job)).and_then(|metrics| match memo::unfit(&metrics) {
            None => Ok(metrics),
            Some(reason) => Err(PluginError::contract(reason)),
        });
    let seconds = start.elapsed().as_secs_f64();
    let (status, reason, metrics) = match answer {
        Ok(metrics) => (Status::Ok, None, metrics),
        Err(e) if e.kind == ErrorKind::Infeasible => {
            (Status::Infeasible, Some(e.message), Metrics::default())
        }
        Err(e) => (Status::Failed, Some(e.message), Metrics::default()),
    };
    let row = |name: &str, value: f64| WallRow {
        trial: job.trial,
        evaluator: prepared.id.clone(),
        purpose: purpose.into(),
        name: name.into(),
        value,
    };
    // SQLite stores no NaN.
    let measured = metrics.wall.iter().filter(|(_, x)| x.is_finite()).map(|(name, x)| row(name, *x));
    let wall = measured.chain([row("evaluation_s", seconds)]).collect();
    let evaluation = Evaluation {
        key: key.to_owned(),
        evaluator: prepared.id.clone(),
        plugin: prepared.plugin.clone(),
        version: prepared.version.clone(),
        status,
        reason,
        metrics: memo::timeless(metrics),
    };
    (evaluation, wall)
}

fn evaluated(prepared: &Prepared, trial: u64, reused: bool) -> Evaluated {
    Evaluated { trial, evaluator: prepared.id.clone(), reused }
}

/// A panic while the lock was held left data that is still whole: each holder only adds one finished thing.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    unpoisoned(mutex.lock())
}

pub(crate) fn unpoisoned<T>(result: Result<T, PoisonError<T>>) -> T {
    result.unwrap_or_else(PoisonError::into_inner)
}

fn broken_executor(error: PluginError) -> SearchError {
    SearchError::Plugin { role: "[executor]".into(), error }
}
