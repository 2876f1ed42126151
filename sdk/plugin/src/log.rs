//! Lines for the user: a plugin answers with values and errors, and says beside them what may help to understand it.

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// For the plugin's author.
    Debug,
    /// Worth knowing.
    Info,
    /// Probably not what the user wants.
    Warning,
    /// What goes wrong. In the sandbox, the last one before a trap is quoted in the call's error.
    Error,
}

/// Writes one line to the user's standard error; line breaks become blanks. In the sandbox this is the plugin's only import: the host puts the file's name before
/// the line and bounds number and length, by the limits `log_lines` and `log_line_bytes`. Answers must not depend on it. Not for hot
/// calls: a line costs far more than a row.
///
/// ```
/// use codebench_sdk::log::{self, Level};
/// log::write(Level::Warning, "14 of the 16 ranks are never used");
/// ```
pub fn write(level: Level, message: &str) {
    #[cfg(target_family = "wasm")]
    {
        use crate::wasm::bindings::codebench::plugin::log;
        let level = match level {
            Level::Debug => log::Level::Debug,
            Level::Info => log::Level::Info,
            Level::Warning => log::Level::Warning,
            Level::Error => log::Level::Error,
        };
        log::write(level, message);
    }
    #[cfg(not(target_family = "wasm"))]
    {
        use std::io::Write;
        let level = match level {
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warning => "warning",
            Level::Error => "error",
        };
        // A closed standard error is no reason to fail.
        let _ = writeln!(std::io::stderr().lock(), "[{level}] {}", message.replace(['\n', '\r'], " "));
    }
}
