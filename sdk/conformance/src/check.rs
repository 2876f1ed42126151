//! What a check is, the list of them by kind, and how one is run.

use crate::outcome::{Outcome, Status};
use crate::subject::{Options, Subject};
use crate::{cnn_op, common, engine, evaluator, executor, hardware, strategy, surrogate};
use codebench_api::{Catalog, Kind, PluginError};
use codebench_space::Rng;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

/// Why a check did not simply pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Finding {
    Failed(String),
    Skipped(String),
    Warning(String),
}

/// What a check answers.
pub(crate) type Verdict = Result<(), Finding>;

pub(crate) fn failed<T>(message: impl Into<String>) -> Result<T, Finding> {
    Err(Finding::Failed(message.into()))
}

pub(crate) fn skipped<T>(message: impl Into<String>) -> Result<T, Finding> {
    Err(Finding::Skipped(message.into()))
}

pub(crate) fn warning<T>(message: impl Into<String>) -> Result<T, Finding> {
    Err(Finding::Warning(message.into()))
}

/// A failure with `message` unless `holds`.
pub(crate) fn ensure(holds: bool, message: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { failed(message()) }
}

/// One promise of a kind's contract.
#[derive(Clone, Copy)]
pub struct Check {
    /// Unique within a kind, such as `determinism`.
    pub name: &'static str,
    /// What it demands, in one sentence.
    pub promise: &'static str,
    pub(crate) run: fn(&Subject<'_>, &mut Rng) -> Verdict,
}

/// The checks of plugins of one kind, in the order in which they run: those of the description come first.
pub fn checks(kind: Kind) -> Vec<Check> {
    let suite: &[Check] = match kind {
        Kind::AccelModule => hardware::module::CHECKS,
        Kind::Memory => hardware::memory::CHECKS,
        Kind::CnnOp => cnn_op::CHECKS,
        Kind::Surrogate => surrogate::CHECKS,
        Kind::Strategy => strategy::CHECKS,
        Kind::Evaluator => evaluator::CHECKS,
        Kind::Engine => engine::CHECKS,
        Kind::Executor => executor::CHECKS,
        Kind::PublishedConstants => executor::CONSTANTS,
    };
    common::CHECKS.iter().chain(suite).copied().collect()
}

/// Runs one check on plugin `id`; a panic, or the error that tells of a panic or a trap, is an outcome.
///
/// # Errors
/// [`ErrorKind::NotFound`](codebench_api::ErrorKind::NotFound) if the catalogue has no such plugin.
pub fn run_check(
    catalog: &Catalog,
    id: &str,
    check: Check,
    options: &Options,
) -> Result<Outcome, PluginError> {
    let subject = Subject::new(catalog, catalog.get(id)?, options);
    let mut rng = Rng::new(options.seed, stream(check.name));
    let start = Instant::now();
    let verdict = catch_unwind(AssertUnwindSafe(|| (check.run)(&subject, &mut rng)));
    let (status, message) = match verdict {
        Ok(Ok(())) => (Status::Passed, None),
        // Behind a boundary a panic or a trap arrives as an error, which the check quotes.
        Ok(Err(Finding::Failed(message))) if PluginError::tells_of_a_crash(&message) => {
            (Status::Crashed, Some(message))
        }
        Ok(Err(Finding::Failed(message))) => (Status::Failed, Some(message)),
        Ok(Err(Finding::Skipped(message))) => (Status::Skipped, Some(message)),
        Ok(Err(Finding::Warning(message))) => (Status::Warning, Some(message)),
        Err(panic) => (Status::Crashed, Some(format!("panicked: {}", text_of(panic.as_ref())))),
    };
    Ok(Outcome {
        check: check.name.into(),
        promise: check.promise.into(),
        status,
        message,
        wall_s: start.elapsed().as_secs_f64(),
    })
}

/// What a panic says.
pub(crate) fn text_of(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message")
}

/// The random stream of a check: its inputs do not depend on which checks ran before it (FNV-1a of the name).
fn stream(name: &str) -> u64 {
    name.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
