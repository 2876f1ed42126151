use crate::{Case, all_noticed, info, passes};
use codebench_api::{Entry, Executor, Kind, Maker, PluginError};
use codebench_conformance::Status::{Crashed, Failed};
use std::sync::Arc;

pub(crate) type Task<'a> = &'a (dyn Fn(usize) + Sync);
pub(crate) type Run = fn(usize, Task<'_>) -> Result<(), PluginError>;

struct Fake(Run);

impl Executor for Fake {
    fn run(&self, count: usize, task: Task<'_>) -> Result<(), PluginError> {
        self.0(count, task)
    }
}

pub(crate) fn sound(count: usize, task: Task<'_>) -> Result<(), PluginError> {
    (0..count).for_each(task);
    Ok(())
}

pub(crate) fn entry(run: Run) -> Entry {
    crate::entry(info(), Maker::Executor(Arc::new(move |_| Ok(Box::new(Fake(run))))))
}

#[test]
fn a_sound_executor_passes() {
    passes(entry(sound));
}

#[test]
fn every_check_can_fail() {
    let cases: Vec<Case> = vec![
        (entry(|n, task| sound(n.saturating_sub(1), task)), "once", Failed, "had run 0 times"),
        (entry(|n, task| sound(n, task).and_then(|()| sound(n, task))), "once", Failed, "had run 2 times"),
        (entry(|n, task| sound(n + 1, task)), "once", Failed, "beyond the 1 asked for"),
        (entry(|n, _| Err(PluginError::failed(format!("{n} are too many")))), "once", Failed, "are refused"),
        (
            entry(|n, task| {
                assert!(n < 1000);
                sound(n, task)
            }),
            "once",
            Crashed,
            "panicked: assertion",
        ),
        (entry(|n, task| sound(n.min(3), task)), "waits", Failed, "task 3 had run 0 times"),
        (
            entry(|n, task| match n {
                0 => Err(PluginError::invalid("nothing to do")),
                n => sound(n, task),
            }),
            "repeats",
            Failed,
            "0 tasks are refused",
        ),
        (entry(|n, task| sound(n.min(5000), task)), "scale", Failed, "task 5000 had run 0 times"),
    ];
    all_noticed(Kind::Executor, cases);
}
