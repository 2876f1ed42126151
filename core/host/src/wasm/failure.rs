//! Whatever goes wrong in a guest, as the one error of the plugin boundary.

use super::WasmLimits;
use super::bindings::codebench::plugin::types;
use super::engine::STACK_BYTES;
use super::guest::{Guest, one_line};
use super::sandbox::ERROR_BYTES;
use crate::text::{MESSAGE_BYTES, message, printable};
use codebench_api::{ErrorKind, PluginError};
use wasmtime::{Error, Trap};

/// The error of a call that did not return.
/// `answer_bytes` is what the call may answer.
pub(super) fn of_call(error: &Error, guest: &Guest, limits: &WasmLimits, answer_bytes: usize) -> PluginError {
    if let Some(exceeded) = &guest.exceeded {
        return PluginError::limit(exceeded.clone());
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => PluginError::limit(format!(
            "it used up its fuel of {} instructions: raise `fuel` if the plugin needs more",
            limits.fuel
        )),
        Some(Trap::Interrupt) => PluginError::limit(format!(
            "it took longer than {} s: raise `wall_s` if the plugin needs more",
            limits.wall_s.unwrap_or_default()
        )),
        Some(Trap::StackOverflow) => PluginError::limit(format!(
            "its stack grew beyond {STACK_BYTES} bytes, which is fixed: it must recurse less deeply"
        )),
        Some(trap) => {
            let said = guest.last_words.as_ref().map(|w| format!("; it said: {w}")).unwrap_or_default();
            PluginError::trapped(trap, &said)
        }
        None => of_answer(error, limits, answer_bytes),
    }
}

/// The error of an answer, or an import, that wasmtime refuses; its errors carry no types.
fn of_answer(error: &Error, limits: &WasmLimits, answer_bytes: usize) -> PluginError {
    let cause = error.root_cause().to_string();
    if let Some(import) = cause.strip_prefix("unknown import: `").and_then(|rest| rest.split('`').next()) {
        return PluginError::contract(format!(
            "it called `{import}`, which the sandbox does not give: a plugin computes from its arguments only"
        ));
    }
    if cause.starts_with("resource limit exceeded") {
        return PluginError::limit(format!(
            "it is made of more parts than the sandbox holds, which is fixed ({}): build it smaller",
            one_line(&cause, MESSAGE_BYTES)
        ));
    }
    if cause.starts_with("too much data is being copied") {
        let limit = limits.result_bytes;
        return match answer_bytes as u64 {
            0 => PluginError::contract(format!("its error is larger than {ERROR_BYTES} bytes: shorten it")),
            asked if asked <= limit => PluginError::contract(format!(
                "its answer is larger than the {asked} bytes that were asked for: answer what is asked, and no more"
            )),
            _ => PluginError::limit(format!(
                "its answer is larger than {limit} bytes: raise `result_bytes` if the plugin needs more"
            )),
        };
    }
    PluginError::contract(format!("its answer cannot be read: {}", one_line(&cause, MESSAGE_BYTES)))
}

/// The error that a guest answered with: as it is, so that it is the same in every form, but with control characters spelt out and
/// not longer than a few thousand bytes.
pub(super) fn of_guest(error: types::Error) -> PluginError {
    let kind = match error.kind {
        types::ErrorKind::Invalid => ErrorKind::Invalid,
        types::ErrorKind::Infeasible => ErrorKind::Infeasible,
        types::ErrorKind::NotFound => ErrorKind::NotFound,
        types::ErrorKind::Failed => ErrorKind::Failed,
        types::ErrorKind::Limit => ErrorKind::Limit,
        types::ErrorKind::Contract => ErrorKind::Contract,
    };
    PluginError { kind, message: message(&error.message) }
}

/// The same error, saying which plugin and which call.
pub(super) fn located(error: PluginError, id: &str, call: &str) -> PluginError {
    PluginError { kind: error.kind, message: format!("plugin `{id}`, {call}: {}", printable(&error.message)) }
}
