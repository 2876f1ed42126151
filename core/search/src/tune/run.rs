//! Running a tuning: virtual workers say what is evaluated, threads evaluate it, the store remembers every answer.
//!
//! Decisions are made in virtual time, from the answer of the assignment that is due next; other answers may come earlier and
//! wait. So records are the same with any number of threads. To resume is to decide everything again, with the answers that are
//! stored.

use super::file::Tuning;
use super::halving::{Assignment, Halving, Told};
use super::outcome::{self, Rung, RungRecord, TuneSummary};
use super::setup::Setup;
use super::space::{Configuration, Sampler};
use crate::canonical;
use crate::error::SearchError;
use crate::objective::Goal;
use crate::store::{Evaluation, Founding, Store, StoreError};
use crate::study::evaluate::{answer, locked, unpoisoned};
use crate::study::memo;
use crate::{Outcome, RunOptions};
use codebench_api::{Catalog, PluginError};
use codebench_model::{Job, ParameterValue, Parameters, Purpose, Recipe, Status};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// The artifact by which an evaluator names what a longer training can go on from.
const CHECKPOINT: &str = "checkpoint";

/// Told after every rung that a configuration reaches, with the epochs of all assignments so far.
pub type Watch<'a> = &'a mut (dyn FnMut(&RungRecord, u64) + Send);

/// Tunes recipes, and writes `records.csv`, `wall.csv` and `best-recipe.toml` into the folder.
///
/// # Errors
/// Parts that do not fit together, a store that cannot be used, a changed file. A failed evaluation is a record, not an error.
pub fn tune(
    tuning: &Tuning,
    catalog: &Catalog,
    options: &RunOptions,
    watch: Watch<'_>,
) -> Result<TuneSummary, SearchError> {
    let setup = Setup::new(tuning, catalog, &options.out, options.threads)?;
    let mut store = open(tuning, &setup, options)?;
    let plan = tuning.plan();
    let workers = usize::try_from(plan.workers).unwrap_or(usize::MAX);
    let run = Run {
        tuning,
        setup: &setup,
        rungs: plan.rungs.clone(),
        cancel: &options.cancel,
        changed: Condvar::new(),
        state: Mutex::new(State {
            halving: Halving::new(plan),
            sampler: Sampler::new(&tuning.space, &tuning.recipe, tuning.seed),
            store: &mut store,
            watch,
            open: BTreeMap::new(),
            at_work: 0,
            checkpoints: BTreeMap::new(),
            records: Vec::new(),
            broken: None,
        }),
    };
    setup.executor.run(workers, &|_| run.work()).map_err(broken_executor)?;
    let interrupted = run.is_cancelled();
    let State { mut records, checkpoints, broken, .. } = unpoisoned(run.state.into_inner());
    if let Some(error) = broken {
        return Err(error);
    }
    records.sort_by_key(|record| record.number);
    let rungs: Vec<Rung> = outcome::rungs(&run.rungs, &records, tuning.goal);
    let best = rungs.iter().rev().find_map(|rung| rung.best.clone());
    let mut summary = TuneSummary {
        name: tuning.name.clone(),
        outcome: if interrupted { Outcome::Interrupted } else { Outcome::Completed },
        metric: tuning.metric.clone(),
        rungs,
        epochs: records.iter().map(|record| record.trained_epochs).sum(),
        best,
        measured: BTreeMap::new(),
        final_failure: None,
        records,
        files: Vec::new(),
    };
    if !interrupted {
        if let Some(best) = &summary.best {
            let checkpoint = checkpoints.get(&best.configuration).cloned().flatten();
            let measured = measure(&setup, &mut store, best, checkpoint)?;
            summary.final_failure = measured.reason;
            summary.measured = measured.metrics.values;
        }
        summary.files = outcome::write(&summary, tuning, &store, &options.out)?;
    }
    Ok(summary)
}

/// The store of the folder, which must be of the same file.
fn open(tuning: &Tuning, setup: &Setup, options: &RunOptions) -> Result<Store, SearchError> {
    let identity = tuning.identity();
    let contents = canonical::to_text(&canonical::to_value(&setup.contents));
    let plugins = canonical::to_text(&canonical::to_value(&setup.plugins));
    let facts = [
        ("name", tuning.name.clone()),
        ("identity", identity.clone()),
        ("sha256", canonical::sha256(&identity)),
        ("canonical", canonical::to_text(&canonical::to_value(tuning))),
        ("text", tuning.text.clone()),
        ("contents", contents.clone()),
        ("tuned with", plugins.clone()),
    ];
    let store =
        Store::open(&options.out, options.resume, &Founding { facts: &facts, plugins: &setup.plugins })?;
    let parse = |text: &str| serde_json::from_str(text).unwrap_or(Value::Null);
    let mut differences = Vec::new();
    for (fact, new) in [("identity", &identity), ("contents", &contents), ("tuned with", &plugins)] {
        let old = store.fact(fact)?.unwrap_or_default();
        if old != *new {
            differences.extend(canonical::differences(&parse(&old), &parse(new), 12));
        }
    }
    if differences.is_empty() { Ok(store) } else { Err(SearchError::Retuned { differences }) }
}

/// The best configuration once more, on the test split where there is one.
fn measure(
    setup: &Setup,
    store: &mut Store,
    best: &RungRecord,
    checkpoint: Option<String>,
) -> Result<Evaluation, SearchError> {
    let job = Job {
        purpose: Purpose::Final,
        ..job(setup, best.configuration, &best.values, best.recipe.clone(), checkpoint)
    };
    let job = setup.prepared.reads.declared(&job);
    let key = memo::key(&job, &setup.prepared);
    if let Some(known) = store.evaluation(&key)? {
        return Ok(known);
    }
    let (evaluation, wall) = answer(&setup.prepared, &job, &key, "final");
    store.commit_evaluation(&evaluation, &wall)?;
    Ok(evaluation)
}

fn job(
    setup: &Setup,
    configuration: u64,
    values: &BTreeMap<String, Value>,
    recipe: Recipe,
    resume_from: Option<String>,
) -> Job {
    let mut named: Parameters = values.iter().map(|(name, value)| (name.clone(), parameter(value))).collect();
    let epochs = i64::try_from(recipe.epochs).unwrap_or(i64::MAX);
    named.insert("epochs".into(), ParameterValue::Integer(epochs));
    Job { trial: configuration, values: named, recipe: Some(recipe), resume_from, ..setup.job.clone() }
}

/// A field's value as a table would have it; lists as JSON writes them.
fn parameter(value: &Value) -> ParameterValue {
    serde_json::from_value(value.clone()).unwrap_or_else(|_| ParameterValue::Text(canonical::to_text(value)))
}

fn broken_executor(error: PluginError) -> SearchError {
    SearchError::Plugin { role: "[executor]".into(), error }
}

/// An assignment on its way.
struct Open {
    assignment: Assignment,
    configuration: Configuration,
    /// That of the rung.
    recipe: Recipe,
    /// What the evaluator may see.
    job: Job,
    key: String,
    /// Whether a thread has taken it.
    taken: bool,
    answer: Option<Evaluation>,
}

struct State<'a> {
    halving: Halving,
    sampler: Sampler<'a>,
    store: &'a mut Store,
    watch: Watch<'a>,
    open: BTreeMap<u64, Open>,
    /// Threads that evaluate.
    at_work: usize,
    /// What each configuration can go on from.
    checkpoints: BTreeMap<u64, Option<String>>,
    records: Vec<RungRecord>,
    broken: Option<SearchError>,
}

impl State<'_> {
    /// Number, epochs, job and memo key of an assignment that nobody evaluates yet.
    fn take(&mut self) -> Option<(u64, u64, Job, String)> {
        let open = self.open.values_mut().find(|open| open.answer.is_none() && !open.taken)?;
        open.taken = true;
        Some((open.assignment.number, open.recipe.epochs, open.job.clone(), open.key.clone()))
    }
}

/// One tuning, shared by the threads.
struct Run<'a> {
    tuning: &'a Tuning,
    setup: &'a Setup,
    rungs: Vec<u64>,
    cancel: &'a AtomicBool,
    changed: Condvar,
    state: Mutex<State<'a>>,
}

impl<'a> Run<'a> {
    fn is_cancelled(&self) -> bool {
        self.cancel.load(Ordering::Relaxed)
    }

    /// Evaluates until nothing is left to do. One thread alone does all of it.
    fn work(&self) {
        let mut state = locked(&self.state);
        loop {
            if let Err(error) = self.advance(&mut state) {
                state.broken.get_or_insert(error.into());
            }
            if self.is_cancelled() || state.broken.is_some() {
                break;
            }
            match state.take() {
                Some((number, epochs, job, key)) => {
                    let purpose = format!("{epochs} epochs");
                    state.at_work += 1;
                    drop(state);
                    let (evaluation, wall) = answer(&self.setup.prepared, &job, &key, &purpose);
                    state = locked(&self.state);
                    state.at_work -= 1;
                    self.keep(&mut state, number, evaluation, &wall);
                    self.changed.notify_all();
                }
                None if state.at_work == 0 => break,
                None => state = wait(&self.changed, state),
            }
        }
        drop(state);
        self.changed.notify_all();
    }

    fn keep(
        &self,
        state: &mut State<'a>,
        number: u64,
        evaluation: Evaluation,
        wall: &[crate::store::WallRow],
    ) {
        match state.store.commit_evaluation(&evaluation, wall) {
            Err(error) => drop(state.broken.get_or_insert(error.into())),
            Ok(()) => {
                if let Some(open) = state.open.get_mut(&number) {
                    open.answer = Some(evaluation);
                }
            }
        }
    }

    /// Lets virtual time pass as far as answers are known.
    fn advance(&self, state: &mut State<'a>) -> Result<(), StoreError> {
        loop {
            loop {
                let State { halving, sampler, .. } = state;
                let Some(assignment) = halving.ask(|number| sampler.get(number).is_some()) else { break };
                self.start(state, assignment)?;
            }
            let Some(due) = state.halving.due() else { return Ok(()) };
            let Some(open) = state.open.remove(&due.number) else { return Ok(()) };
            let Some(evaluation) = &open.answer else {
                state.open.insert(due.number, open);
                return Ok(());
            };
            let value = self.value(evaluation);
            let checkpoint = evaluation.metrics.artifacts.get(CHECKPOINT).cloned();
            state.halving.tell(Told {
                value: value.as_ref().ok().map(|value| self.larger_is_better(*value)),
                resumes: checkpoint.is_some(),
            });
            state.checkpoints.insert(due.configuration, checkpoint);
            let record = record(&open, evaluation, value);
            (state.watch)(&record, state.halving.spent());
            state.records.push(record);
        }
    }

    /// Puts an assignment among the open ones, with the stored answer if there is one.
    fn start(&self, state: &mut State<'a>, assignment: Assignment) -> Result<(), StoreError> {
        let Some(configuration) = state.sampler.get(assignment.configuration).cloned() else { return Ok(()) };
        let epochs = self.rungs.get(assignment.rung).copied().unwrap_or_default();
        let recipe = configuration.recipe.stopped_after(epochs);
        let checkpoint = state.checkpoints.get(&assignment.configuration).cloned().flatten();
        let job =
            job(self.setup, assignment.configuration, &configuration.values, recipe.clone(), checkpoint);
        let job = self.setup.prepared.reads.declared(&job);
        let key = memo::key(&job, &self.setup.prepared);
        let answer = state.store.evaluation(&key)?;
        let open = Open { assignment, configuration, recipe, job, key, taken: false, answer };
        state.open.insert(assignment.number, open);
        Ok(())
    }

    fn larger_is_better(&self, value: f64) -> f64 {
        match self.tuning.goal {
            Goal::Maximise => value,
            Goal::Minimise => -value,
        }
    }

    /// The metric of an answer, or how and why there is none.
    fn value(&self, evaluation: &Evaluation) -> Result<f64, (Status, String)> {
        if evaluation.status != Status::Ok {
            let reason = evaluation.reason.as_deref().unwrap_or("no reason given");
            return Err((evaluation.status, reason.to_owned()));
        }
        let metric = &self.tuning.metric;
        evaluation.metrics.values.get(metric).copied().ok_or_else(|| {
            let known: Vec<&str> = evaluation.metrics.values.keys().map(String::as_str).collect();
            (Status::Failed, format!("the evaluator gave no metric `{metric}`, only {}", known.join(", ")))
        })
    }
}

fn record(open: &Open, evaluation: &Evaluation, value: Result<f64, (Status, String)>) -> RungRecord {
    let Open { assignment, configuration, recipe, .. } = open;
    let (status, reason, value) = match value {
        Ok(value) => (Status::Ok, None, Some(value)),
        Err((status, reason)) => (status, Some(reason), None),
    };
    RungRecord {
        number: assignment.number,
        configuration: assignment.configuration,
        rung: assignment.rung,
        epochs: recipe.epochs,
        trained_epochs: assignment.epochs,
        start: assignment.start,
        status,
        reason,
        value,
        values: configuration.values.clone(),
        recipe: recipe.clone(),
        metrics: evaluation.metrics.values.clone(),
    }
}

fn wait<'g, T>(changed: &Condvar, guard: MutexGuard<'g, T>) -> MutexGuard<'g, T> {
    changed.wait(guard).unwrap_or_else(PoisonError::into_inner)
}
