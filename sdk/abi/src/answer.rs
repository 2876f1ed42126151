//! Errors and panics on their way across.

use abi_stable::StableAbi;
use abi_stable::std_types::{RErr, ROk, RResult, RString};
use codebench_api::{ErrorKind, PluginError};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What every function of the boundary answers.
pub(crate) type Answer<T> = RResult<T, AbiError>;

/// A [`PluginError`].
#[repr(C)]
#[derive(Debug, Clone, StableAbi)]
pub(crate) struct AbiError {
    /// Position of the kind in [`KINDS`].
    kind: u8,
    message: RString,
}

const KINDS: [ErrorKind; 6] = [
    ErrorKind::Invalid,
    ErrorKind::Infeasible,
    ErrorKind::NotFound,
    ErrorKind::Failed,
    ErrorKind::Limit,
    ErrorKind::Contract,
];

impl From<PluginError> for AbiError {
    fn from(error: PluginError) -> Self {
        let kind = KINDS.iter().position(|k| *k == error.kind).unwrap_or(usize::MAX);
        AbiError { kind: u8::try_from(kind).unwrap_or(u8::MAX), message: error.message.into() }
    }
}

impl From<AbiError> for PluginError {
    fn from(error: AbiError) -> Self {
        let kind = KINDS.get(usize::from(error.kind)).copied().unwrap_or(ErrorKind::Failed);
        PluginError { kind, message: error.message.into_string() }
    }
}

/// Runs `call`; a panic becomes an error of kind [`ErrorKind::Contract`].
pub(crate) fn guard<T>(call: impl FnOnce() -> Result<T, PluginError>) -> Answer<T> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(answer)) => ROk(answer),
        Ok(Err(error)) => RErr(error.into()),
        Err(payload) => {
            let error = PluginError::panicked(message_of(payload.as_ref()));
            // Dropping what a plugin threw could panic again.
            std::mem::forget(payload);
            RErr(error.into())
        }
    }
}

fn message_of(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("no message")
}

/// The answer of a call as the traits give it.
pub(crate) fn received<T>(answer: Answer<T>) -> Result<T, PluginError> {
    answer.into_result().map_err(PluginError::from)
}

/// Refuses a layout that this side does not know.
pub(crate) fn check_layout(layout: u32, known: u32) -> Result<(), PluginError> {
    if layout == known {
        return Ok(());
    }
    Err(PluginError::contract(format!(
        "rows of layout {layout} were given, but layout {known} is known here"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_and_panics_cross() {
        for kind in KINDS {
            let error = PluginError { kind, message: "m".into() };
            assert_eq!(received::<()>(RErr(error.clone().into())), Err(error));
        }
        let caught = |call: fn()| {
            received(guard(|| {
                call();
                Ok(())
            }))
            .unwrap_err()
        };
        assert_eq!(caught(|| panic!("no {}", "rows")), PluginError::contract("the plugin panicked: no rows"));
        assert_eq!(caught(|| panic!("static")).message, "the plugin panicked: static");
        assert_eq!(caught(|| std::panic::panic_any(1)).message, "the plugin panicked: no message");
    }
}
