//! What the host keeps beside a guest: its limits, and what it said.

use super::WasmLimits;
use super::bindings::codebench::plugin::log;
use std::io::Write;
use std::sync::Arc;
use wasmtime::{ResourceLimiter, Result, bail};

/// State of one store.
pub(super) struct Guest {
    limits: Arc<WasmLimits>,
    /// Name before each line of the log.
    name: Arc<str>,
    memory_bytes: u64,
    table_elements: u64,
    lines: u64,
    /// The last error that the guest logged in this call: why it panicked.
    pub(super) last_words: Option<String>,
    /// The limit that it hit.
    pub(super) exceeded: Option<String>,
}

impl Guest {
    pub(super) fn new(limits: Arc<WasmLimits>, name: Arc<str>) -> Self {
        Guest { limits, name, memory_bytes: 0, table_elements: 0, lines: 0, last_words: None, exceeded: None }
    }

    /// Before a call.
    pub(super) fn begin(&mut self) {
        self.last_words = None;
        self.exceeded = None;
    }
}

/// Limits hold for the sum over all memories, or tables, of the store; what is beyond is a trap, so that a guest that does
/// not check for failure cannot go on.
impl ResourceLimiter for Guest {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> Result<bool> {
        let total = self.memory_bytes.saturating_add((desired.saturating_sub(current)) as u64);
        if total > self.limits.memory_bytes {
            let limit = self.limits.memory_bytes;
            self.exceeded = Some(format!(
                "it wanted {total} bytes of memory, the limit is {limit}: raise `memory_bytes` if the plugin needs it"
            ));
            bail!("memory limit");
        }
        self.memory_bytes = total;
        Ok(true)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> Result<bool> {
        let total = self.table_elements.saturating_add((desired.saturating_sub(current)) as u64);
        if total > self.limits.table_elements {
            let limit = self.limits.table_elements;
            self.exceeded = Some(format!(
                "it wanted tables of {total} elements, the limit is {limit}: raise `table_elements` if the plugin needs it"
            ));
            bail!("table limit");
        }
        self.table_elements = total;
        Ok(true)
    }
}

impl log::Host for Guest {
    /// To standard error, one line a message, without control characters; what is beyond the limits is dropped.
    fn write(&mut self, level: log::Level, message: String) {
        let limit = usize::try_from(self.limits.log_line_bytes).unwrap_or(usize::MAX);
        let line = one_line(&message, limit);
        if level == log::Level::Error {
            self.last_words = Some(line.clone());
        }
        self.lines += 1;
        let text = match self.lines.checked_sub(self.limits.log_lines) {
            None | Some(0) => line,
            Some(1) => format!("(silent from here on: the limit is {} lines)", self.limits.log_lines),
            _ => return,
        };
        let level = match level {
            log::Level::Debug => "debug",
            log::Level::Info => "info",
            log::Level::Warning => "warning",
            log::Level::Error => "error",
        };
        // A closed standard error is no reason to fail.
        let _ = writeln!(std::io::stderr().lock(), "[{} {level}] {text}", self.name);
    }
}

/// At most `limit` bytes of `text`, control characters replaced.
pub(super) fn one_line(text: &str, limit: usize) -> String {
    let end = (0..=limit.min(text.len())).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
    let mut line: String = text[..end].chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if end < text.len() {
        line.push_str(" ...");
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_at_characters_and_hold_no_controls() {
        assert_eq!(one_line("a\nb\u{1b}c", 10), "a b c");
        assert_eq!(one_line("äöü", 3), "ä ...");
        assert_eq!(one_line("", 0), "");
    }
}
