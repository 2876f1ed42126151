//! The suite of `evaluator`.

use crate::check::{Check, Finding, Verdict, ensure, failed, skipped, warning};
use crate::common::is_name;
use crate::rows;
use crate::subject::{Shown, Subject};
use codebench_api::{ErrorKind, Evaluator, PluginError, Reads};
use codebench_model::{DataSource, Job, Metrics, Parameters, Purpose};
use codebench_space::Rng;
use std::collections::BTreeMap;

pub(crate) const CHECKS: &[Check] = &[
    Check {
        name: "metrics",
        promise: "Metrics are finite, well named and declared; per-layer values stand for the layers.",
        run: metrics,
    },
    Check {
        name: "determinism",
        promise: "A fresh instance gives the same metrics; wall-clock values stand apart.",
        run: determinism,
    },
    Check {
        name: "reads",
        promise: "Only declared fields of the job change an answer: not the trial, not what is undeclared.",
        run: reads,
    },
    Check {
        name: "missing",
        promise: "A job that lacks what is read is refused with a message; an unknown data set is refused by name.",
        run: missing,
    },
    Check {
        name: "purity",
        promise: "Neither the order of jobs nor repetition changes an answer.",
        run: purity,
    },
    Check { name: "threads", promise: "Several threads at once get the answers of one.", run: threads },
];

/// Small jobs, each with a CNN, an accelerator, data, a recipe, and one more that is a final one.
fn jobs(subject: &Subject<'_>) -> Result<Vec<Job>, Finding> {
    if !subject.options.jobs.is_empty() {
        return Ok(subject.options.jobs.clone());
    }
    let mut jobs: Vec<Job> = match serde_json::from_str(include_str!("../data/jobs.json")) {
        Ok(jobs) => jobs,
        Err(e) => return failed(format!("the jobs of the suite do not read: {e}")),
    };
    let last = jobs.first().cloned().map(|job| Job { purpose: Purpose::Final, ..job });
    jobs.extend(last);
    Ok(jobs)
}

/// What is promised to repeat.
type Answer = Result<Metrics, PluginError>;

fn evaluate(evaluator: &dyn Evaluator, job: &Job) -> Answer {
    evaluator.evaluate(job).map(|metrics| Metrics { wall: BTreeMap::new(), ..metrics })
}

fn make(subject: &Subject<'_>, parameters: &Parameters) -> Result<Box<dyn Evaluator>, Finding> {
    match subject.catalog.evaluator(subject.id(), parameters) {
        Ok(evaluator) => Ok(evaluator),
        Err(e) => failed(format!("with {} it cannot be made: {e}", Shown(parameters))),
    }
}

/// Runs `check` on instances and the jobs that they answer; skips where they answer none.
fn each(
    subject: &Subject<'_>,
    rng: &mut Rng,
    mut check: impl FnMut(&dyn Evaluator, &Parameters, &[Job]) -> Verdict,
) -> Verdict {
    let jobs = jobs(subject)?;
    let mut answered = false;
    let mut last = String::new();
    for parameters in subject.variants(rng, 2)? {
        let evaluator = match subject.catalog.evaluator(subject.id(), &parameters) {
            Ok(evaluator) => evaluator,
            Err(e) if e.kind == ErrorKind::Invalid && answered => continue,
            Err(e) => return failed(format!("with {} it cannot be made: {e}", Shown(&parameters))),
        };
        let reads = evaluator.reads();
        let mut able = Vec::new();
        for job in jobs.iter().map(|job| reads.declared(job)) {
            match evaluator.evaluate(&job) {
                Ok(_) => able.push(job),
                Err(e) if matches!(e.kind, ErrorKind::Contract) => {
                    return failed(format!("a job is answered with a broken contract: {e}"));
                }
                Err(e) => last = e.message,
            }
        }
        if !able.is_empty() {
            answered = true;
            check(evaluator.as_ref(), &parameters, &able)?;
        }
    }
    if answered {
        return Ok(());
    }
    skipped(format!(
        "none of the jobs is answered; give one of your own with --job FILE.json, or parameters with --set NAME=VALUE (last: {last})"
    ))
}

fn metrics(subject: &Subject<'_>, rng: &mut Rng) -> Verdict {
    let declared = &subject.entry.info.metrics;
    let mut lacking = None;
    each(subject, rng, |evaluator, _, jobs| {
        for job in jobs {
            let metrics = match evaluator.evaluate(job) {
                Ok(metrics) => metrics,
                Err(e) => return failed(format!("a job that was answered is refused: {e}")),
            };
            for (name, value) in &metrics.values {
                ensure(is_name(name), || {
                    format!("metric `{name}`: write lower case letters, digits and underscores")
                })?;
                ensure(value.is_finite(), || format!("metric `{name}` = {value} is not finite"))?;
                ensure(declared.is_empty() || declared.contains(name), || {
                    format!("metric `{name}` is not declared: add it to .metrics(&[...]), or declare none")
                })?;
            }
            let layers = job.workload.as_ref().map(|w| w.layers.len());
            for (name, values) in &metrics.per_layer {
                ensure(values.iter().all(|v| v.is_finite()), || {
                    format!("per-layer metric `{name}` is not finite")
                })?;
                ensure(layers.is_none_or(|layers| layers == values.len()), || {
                    format!("per-layer metric `{name}` has {} values for {layers:?} layers", values.len())
                })?;
            }
            let absent =
                declared.iter().find(|m| !metrics.values.contains_key(*m) && !m.starts_with("test_"));
            lacking = lacking.take().or(absent.cloned());
        }
        Ok(())
    })?;
    match lacking {
        Some(name) => warning(format!("metric `{name}` is declared, but not every job that succeeds has it")),
        None => Ok(()),
    }
}

fn determinism(subject: &Subject<'_>, rng: &mut Rng) -> Verdict {
    each(subject, rng, |evaluator, parameters, jobs| {
        let fresh = make(subject, parameters)?;
        for job in jobs {
            same(&evaluate(fresh.as_ref(), job), &evaluate(evaluator, job), "from a fresh instance")?;
        }
        Ok(())
    })
}

fn same(is: &Answer, should: &Answer, how: &str) -> Verdict {
    let (is, should) = match (is, should) {
        (Ok(is), Ok(should)) => (is, should),
        (Err(is), Err(should)) => {
            return ensure(is == should, || format!("{how}, the error is {is} instead of {should}"));
        }
        _ => return failed(format!("{how}, the answer is {is:?} instead of {should:?}")),
    };
    let odd = should.values.iter().find(|(name, value)| is.values.get(*name) != Some(*value));
    if let Some((name, value)) = odd {
        return failed(format!("{how}, metric `{name}` is {:?} instead of {value}", is.values.get(name)));
    }
    ensure(is == should, || format!("{how}, the answer is {is:?} instead of {should:?}"))
}

fn reads(subject: &Subject<'_>, rng: &mut Rng) -> Verdict {
    let all = jobs(subject)?;
    each(subject, rng, |evaluator, _, jobs| {
        let reads = evaluator.reads();
        ensure(evaluator.reads() == reads, || "a second call of reads() gives others".into())?;
        for job in jobs {
            let expected = evaluate(evaluator, job);
            let other = Job { trial: job.trial + 17, ..job.clone() };
            same(&evaluate(evaluator, &other), &expected, "as another trial")?;
            let Some(full) = all.iter().find(|full| reads.declared(full) == *job) else { continue };
            same(
                &evaluate(evaluator, full),
                &expected,
                "with fields of the job that reads() does not declare",
            )?;
            let stray = Metrics { values: BTreeMap::from([("stray".into(), 1.0)]), ..Metrics::default() };
            let mut upstream = job.upstream.clone();
            upstream.insert("somebody-else".into(), stray);
            let seed = if reads.seed { job.seed } else { job.seed.wrapping_add(1) };
            let disturbed = Job { upstream, seed, ..job.clone() };
            same(
                &evaluate(evaluator, &disturbed),
                &expected,
                "with upstream metrics or a seed that reads() does not declare",
            )?;
        }
        Ok(())
    })
}

/// A part of the job by name, whether it is read, and how it is taken away.
type Part = (&'static str, fn(&Reads) -> bool, fn(&mut Job));

const PARTS: [Part; 6] = [
    ("candidate", |r| r.candidate, |j| (j.candidate.0, j.values) = Default::default()),
    ("CNN", |r| r.cnn, |j| (j.cnn, j.workload) = (None, None)),
    ("published operations", |r| r.published, |j| j.published = None),
    ("accelerator", |r| r.accelerator, |j| j.accelerator = None),
    ("data set", |r| r.data, |j| j.data = None),
    ("recipe", |r| r.recipe, |j| j.recipe = None),
];

fn missing(subject: &Subject<'_>, rng: &mut Rng) -> Verdict {
    let jobs = jobs(subject)?;
    for parameters in subject.variants(rng, 1)? {
        let evaluator = make(subject, &parameters)?;
        let reads = evaluator.reads();
        for job in jobs.iter().take(1).map(|job| reads.declared(job)) {
            for (what, _, remove) in PARTS.iter().filter(|(_, read, _)| read(&reads)) {
                let mut job = job.clone();
                remove(&mut job);
                // An evaluator may do without; what it refuses, it refuses with a message.
                if let Err(e) = evaluator.evaluate(&job) {
                    let fair = !matches!(e.kind, ErrorKind::Contract) && !e.message.trim().is_empty();
                    ensure(fair, || {
                        format!("a job without {what} is refused as {:?} with {:?}", e.kind, e.message)
                    })?;
                }
            }
        }
        let unknown = DataSource { id: "no-such-data-set".into(), parameters: Parameters::new() };
        match (evaluator.data_shape(&unknown), reads.data) {
            (None, false) | (Some(Ok(_)), true) => {}
            (Some(Err(e)), true) => ensure(e.message.contains(&unknown.id), || {
                format!(
                    "an unknown data set is refused with {:?}, which does not quote `{}`",
                    e.message, unknown.id
                )
            })?,
            (None, true) => {
                return warning(
                    "reads() declares data, but data_shape() is None: no CNN can be fitted to it",
                );
            }
            (Some(_), false) => return failed("data_shape() answers, but reads() does not declare data"),
        }
    }
    Ok(())
}

fn purity(subject: &Subject<'_>, rng: &mut Rng) -> Verdict {
    each(subject, rng, |evaluator, _, jobs| {
        let expected: Vec<Answer> = jobs.iter().map(|job| evaluate(evaluator, job)).collect();
        for (job, expected) in jobs.iter().zip(&expected).rev() {
            same(&evaluate(evaluator, job), expected, "in another order of jobs")?;
        }
        Ok(())
    })
}

fn threads(subject: &Subject<'_>, rng: &mut Rng) -> Verdict {
    let parameters = subject.base(rng)?;
    let evaluator = make(subject, &parameters)?;
    let reads = evaluator.reads();
    let job = jobs(subject)?
        .into_iter()
        .map(|job| reads.declared(&job))
        .find(|job| evaluator.evaluate(job).is_ok());
    let Some(job) = job else {
        return skipped("none of the jobs is answered; give one of your own with --job FILE.json");
    };
    rows::threads(&|| Ok(evaluate(evaluator.as_ref(), &job)), "metrics")
}
