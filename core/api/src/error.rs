//! The one error that crosses a plugin boundary.

use serde::{Deserialize, Serialize};

/// What went wrong, for the host to act on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The arguments or parameters are wrong: the user can mend them.
    Invalid,
    /// The candidate cannot be built or run; a result of the search.
    Infeasible,
    /// The plugin asked for is not there.
    NotFound,
    /// The call failed for a reason of its own (diverged, out of memory, I/O).
    Failed,
    /// A limit of time, fuel or memory was reached.
    Limit,
    /// The plugin broke its contract (wrong count, not finite, panic).
    Contract,
}

/// Quotes the value, then the allowed range, then the remedy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct PluginError {
    /// What kind of error.
    pub kind: ErrorKind,
    /// One or more sentences for the user.
    pub message: String,
}

macro_rules! constructors {
    ($($name:ident $kind:ident $doc:literal;)*) => {
        impl PluginError {
            $(#[doc = $doc]
            pub fn $name(message: impl Into<String>) -> Self {
                PluginError { kind: ErrorKind::$kind, message: message.into() }
            })*
        }
    };
}

constructors! {
    invalid Invalid "Wrong arguments or parameters.";
    infeasible Infeasible "A candidate that cannot be built or run.";
    not_found NotFound "A plugin that is not there.";
    failed Failed "A failure of the call itself.";
    limit Limit "A limit that was reached.";
    contract Contract "A broken contract.";
}

/// How the message of a panic begins, behind what names the plugin and the call.
const PANICKED: &str = "the plugin panicked: ";
/// How the message of a trap begins, behind the same.
const TRAPPED: &str = "it trapped (";

impl PluginError {
    /// A panic in a plugin, with what it said.
    pub fn panicked(said: &str) -> Self {
        PluginError::contract(format!("{PANICKED}{said}"))
    }

    /// A trap in the sandbox, and what the plugin said before it.
    pub fn trapped(trap: impl std::fmt::Display, said: &str) -> Self {
        PluginError::contract(format!("{TRAPPED}{trap}){said}"))
    }

    /// Whether `text` quotes the error of a panic or a trap: the plugin has crashed, and gave no answer.
    pub fn tells_of_a_crash(text: &str) -> bool {
        text.contains(PANICKED) || text.contains(TRAPPED)
    }
}

impl From<codebench_model::ParameterError> for PluginError {
    fn from(error: codebench_model::ParameterError) -> Self {
        PluginError::invalid(error.to_string())
    }
}
