use crate::{Case, all_noticed, info, outcome, passes};
use codebench_api::{Entry, Evaluator, Kind, Maker, PluginError, Reads};
use codebench_conformance::Status::{Crashed, Failed, Skipped, Warning};
use codebench_model::{DataShape, DataSource, Job, Metrics, TensorShape};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What a fault may depend on.
struct Seen {
    calls: AtomicU64,
    running: AtomicU64,
    instance: u64,
}

type Evaluate = fn(&Job, Metrics, &Seen) -> Result<Metrics, PluginError>;
type Data = fn(&DataSource) -> Option<Result<DataShape, PluginError>>;

struct Fake {
    reads: Reads,
    evaluate: Evaluate,
    data: Data,
    seen: Seen,
}

static INSTANCES: AtomicU64 = AtomicU64::new(0);

impl Evaluator for Fake {
    fn reads(&self) -> Reads {
        self.reads.clone()
    }

    fn evaluate(&self, job: &Job) -> Result<Metrics, PluginError> {
        self.seen.running.fetch_add(1, Ordering::SeqCst);
        let sound = match &job.workload {
            Some(workload) => {
                let mut metrics = Metrics::default();
                metrics.values.insert("layers".into(), workload.layers.len() as f64);
                metrics
                    .per_layer
                    .insert("macs".into(), workload.layers.iter().map(|l| l.macs as f64).collect());
                metrics.wall.insert("call".into(), self.seen.calls.fetch_add(1, Ordering::SeqCst) as f64);
                Ok(metrics)
            }
            None => Err(PluginError::invalid("the candidate has no CNN: add [space.cnn]")),
        };
        let answer = sound.and_then(|m| (self.evaluate)(job, m, &self.seen));
        self.seen.running.fetch_sub(1, Ordering::SeqCst);
        answer
    }

    fn data_shape(&self, data: &DataSource) -> Option<Result<DataShape, PluginError>> {
        (self.data)(data)
    }
}

fn fake(metrics: &[&str], reads: Reads, data: Data, evaluate: Evaluate) -> Entry {
    let make = move |_: &codebench_api::Configuration<'_>| {
        let zero = || AtomicU64::new(0);
        let seen =
            Seen { calls: zero(), running: zero(), instance: INSTANCES.fetch_add(1, Ordering::Relaxed) };
        Ok(Box::new(Fake { reads: reads.clone(), evaluate, data, seen }) as Box<dyn Evaluator>)
    };
    crate::entry(info().metrics(metrics), Maker::Evaluator(Arc::new(make)))
}

fn cnn() -> Reads {
    Reads { cnn: true, ..Reads::default() }
}

fn evaluate(change: Evaluate) -> Entry {
    fake(&["layers"], cnn(), |_| None, change)
}

fn value(mut metrics: Metrics, name: &str, value: f64) -> Result<Metrics, PluginError> {
    metrics.values.insert(name.into(), value);
    Ok(metrics)
}

#[test]
fn a_sound_evaluator_passes() {
    passes(evaluate(|_, m, _| Ok(m)));
    let digits: Data = |source| {
        Some(match source.id.as_str() {
            "digits" => {
                Ok(DataShape { input: TensorShape::new(1, 8, 8), classes: 10, digest: String::new() })
            }
            other => Err(PluginError::invalid(format!("unknown data set `{other}`"))),
        })
    };
    passes(fake(&[], Reads { data: true, ..cnn() }, digits, |_, m, _| Ok(m)));
}

#[test]
fn every_check_can_fail() {
    let data = Reads { data: true, ..cnn() };
    let cases: Vec<Case> = vec![
        (evaluate(|_, m, _| value(m, "layers", f64::NAN)), "metrics", Failed, "`layers` = NaN"),
        (evaluate(|_, m, _| value(m, "depth", 1.0)), "metrics", Failed, "`depth` is not declared"),
        (fake(&[], cnn(), |_| None, |_, m, _| value(m, "Depth!", 1.0)), "metrics", Failed, "metric `Depth!`"),
        (
            fake(&["layers", "other"], cnn(), |_| None, |_, m, _| Ok(m)),
            "metrics",
            Warning,
            "`other` is declared",
        ),
        (
            evaluate(|_, mut m, _| {
                m.per_layer.insert("macs".into(), vec![1.0]);
                Ok(m)
            }),
            "metrics",
            Failed,
            "has 1 values",
        ),
        (evaluate(|_, _, _| Err(PluginError::contract("broken"))), "metrics", Failed, "broken contract"),
        (evaluate(|_, _, _| Err(PluginError::infeasible("never"))), "metrics", Skipped, "--job"),
        (
            evaluate(|_, m, s| value(m, "layers", s.instance as f64)),
            "determinism",
            Failed,
            "from a fresh instance",
        ),
        (evaluate(|j, m, _| value(m, "layers", j.trial as f64)), "reads", Failed, "as another trial"),
        (
            evaluate(|j, m, _| value(m, "layers", f64::from(u8::from(j.accelerator.is_some())))),
            "reads",
            Failed,
            "does not declare",
        ),
        (
            evaluate(|j, m, _| value(m, "layers", j.upstream.len() as f64)),
            "reads",
            Failed,
            "upstream metrics",
        ),
        (evaluate(|j, m, _| value(m, "layers", j.seed as f64)), "reads", Failed, "does not declare"),
        (fake(&[], data.clone(), |_| None, |_, m, _| Ok(m)), "missing", Warning, "data_shape() is None"),
        (
            fake(&[], data.clone(), |_| Some(Err(PluginError::invalid("no"))), |_, m, _| Ok(m)),
            "missing",
            Failed,
            "does not quote `no-such-data-set`",
        ),
        (
            fake(&[], cnn(), |_| Some(Err(PluginError::invalid("no"))), |_, m, _| Ok(m)),
            "missing",
            Failed,
            "does not declare data",
        ),
        (
            fake(
                &[],
                Reads { recipe: true, ..cnn() },
                |_| None,
                |j, m, _| {
                    assert!(j.recipe.is_some());
                    Ok(m)
                },
            ),
            "missing",
            Crashed,
            "panicked",
        ),
        (
            fake(
                &[],
                Reads { recipe: true, ..cnn() },
                |_| None,
                |j, m, _| match j.recipe {
                    Some(_) => Ok(m),
                    None => Err(PluginError::invalid("")),
                },
            ),
            "missing",
            Failed,
            "without recipe",
        ),
        (
            evaluate(|_, m, s| value(m, "layers", s.calls.load(Ordering::SeqCst) as f64)),
            "purity",
            Failed,
            "in another order of jobs",
        ),
        (
            evaluate(|_, m, s| {
                std::thread::sleep(std::time::Duration::from_millis(1));
                value(m, "layers", s.running.load(Ordering::SeqCst) as f64)
            }),
            "threads",
            Failed,
            "several threads",
        ),
    ];
    all_noticed(Kind::Evaluator, cases);
}

#[test]
fn a_plugin_that_answers_no_job_is_skipped() {
    let nothing = evaluate(|_, _, _| Err(PluginError::infeasible("never")));
    assert_eq!(outcome(nothing, "threads").status, Skipped);
}
