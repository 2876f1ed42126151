//! The suites of `executor` and `published-constants`.

use crate::check::{Check, Verdict, ensure, failed};
use crate::rows;
use crate::subject::{Shown, Subject};
use codebench_api::Executor;
use codebench_space::Rng;
use serde_json::Value;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

pub(crate) const CHECKS: &[Check] = &[
    Check { name: "once", promise: "Every task runs exactly once, whatever their number.", run: once },
    Check { name: "waits", promise: "A run returns when all its tasks have returned.", run: waits },
    Check {
        name: "repeats",
        promise: "An executor runs batch after batch; an empty batch is no error.",
        run: repeats,
    },
    Check { name: "scale", promise: "65,536 tasks take time in proportion to their number.", run: scale },
];

pub(crate) const CONSTANTS: &[Check] = &[Check {
    name: "constants",
    promise: "Every constant is finite and not negative, and the same at every call.",
    run: constants,
}];

fn each(subject: &Subject<'_>, rng: &mut Rng, check: impl Fn(&dyn Executor) -> Verdict) -> Verdict {
    let instances =
        subject.instances(subject.drawn(rng, 2)?, |p| subject.catalog.executor(subject.id(), p))?;
    for (parameters, executor) in instances {
        check(executor.as_ref()).map_err(|finding| match finding {
            crate::check::Finding::Failed(m) => {
                crate::check::Finding::Failed(format!("{m}\nwith {}", Shown(&parameters)))
            }
            other => other,
        })?;
    }
    Ok(())
}

/// Runs `count` tasks and says how often each ran.
fn run(executor: &dyn Executor, count: usize, pause: Duration) -> Result<Vec<u32>, crate::check::Finding> {
    let runs: Vec<AtomicU32> = (0..count).map(|_| AtomicU32::new(0)).collect();
    let strays = AtomicUsize::new(0);
    let task = |i: usize| {
        if !pause.is_zero() {
            std::thread::sleep(pause);
        }
        match runs.get(i) {
            Some(run) => drop(run.fetch_add(1, Ordering::SeqCst)),
            None => drop(strays.fetch_add(1, Ordering::SeqCst)),
        }
    };
    if let Err(e) = executor.run(count, &task) {
        return failed(format!("{count} tasks are refused: {e}"));
    }
    // What runs after the return is not seen.
    let seen = runs.iter().map(|r| r.load(Ordering::SeqCst)).collect();
    let strays = strays.load(Ordering::SeqCst);
    ensure(strays == 0, || format!("{strays} tasks beyond the {count} asked for were run"))?;
    Ok(seen)
}

fn all_once(count: usize, runs: &[u32]) -> Verdict {
    let odd = runs.iter().position(|r| *r != 1);
    ensure(odd.is_none(), || {
        let i = odd.unwrap_or_default();
        format!("of {count} tasks, task {i} had run {} times when the run returned", runs[i])
    })
}

fn once(subject: &Subject<'_>, rng: &mut Rng) -> Verdict {
    each(subject, rng, |executor| {
        for count in [1, 2, 3, 7, 64, 1000] {
            all_once(count, &run(executor, count, Duration::ZERO)?)?;
        }
        Ok(())
    })
}

fn waits(subject: &Subject<'_>, rng: &mut Rng) -> Verdict {
    each(subject, rng, |executor| all_once(5, &run(executor, 5, Duration::from_millis(20))?))
}

fn repeats(subject: &Subject<'_>, rng: &mut Rng) -> Verdict {
    each(subject, rng, |executor| {
        for count in [0, 3, 0, 5] {
            all_once(count, &run(executor, count, Duration::ZERO)?)?;
        }
        Ok(())
    })
}

fn scale(subject: &Subject<'_>, rng: &mut Rng) -> Verdict {
    each(subject, rng, |executor| {
        rows::linear(&[4096, rows::MOST_ROWS], "tasks", |count| {
            let (runs, time) = rows::timed(|| run(executor, count, Duration::ZERO))?;
            all_once(count, &runs)?;
            Ok(time)
        })
    })
}

fn constants(subject: &Subject<'_>, _: &mut Rng) -> Verdict {
    let read = || match &subject.entry.maker {
        codebench_api::Maker::PublishedConstants(make) => serde_json::to_value(make()),
        _ => Ok(Value::Null),
    };
    match (read(), read()) {
        (Ok(first), Ok(second)) => {
            ensure(first == second, || "a second call gives other constants".into())?;
            finite("constants", &first)
        }
        (Err(e), _) | (_, Err(e)) => failed(format!("the constants are not JSON: {e}")),
    }
}

/// JSON knows no infinity: a number that is not finite reads as null.
fn finite(path: &str, value: &Value) -> Verdict {
    match value {
        Value::Null => failed(format!("{path} is not finite")),
        Value::Number(n) => {
            ensure(n.as_f64().is_some_and(|x| x >= 0.0), || format!("{path} = {n} is negative"))
        }
        Value::Array(values) => {
            values.iter().enumerate().try_for_each(|(i, v)| finite(&format!("{path}[{i}]"), v))
        }
        Value::Object(fields) => fields.iter().try_for_each(|(k, v)| finite(&format!("{path}.{k}"), v)),
        Value::Bool(_) | Value::String(_) => Ok(()),
    }
}
