//! What the host keeps beside a guest: its limits, and what it said.

use super::WasmLimits;
use super::bindings::codebench::plugin::log;
use crate::text::{is_control, start};
use std::io::Write;
use std::sync::Arc;
use wasmtime::component::Linker;
use wasmtime::{ResourceLimiter, Result, StoreContextMut, Trap, bail};

/// Instances, memories and tables of one store, so many of each. A packed core module makes about five instances.
const MOST_INSTANCES: usize = 32;
const MOST_MEMORIES: usize = 8;
const MOST_TABLES: usize = 32;

/// Lines beyond `log_lines` that a call may write in vain, before it is stopped.
const MOST_IN_VAIN: u64 = 1_000;

/// State of one store.
pub(super) struct Guest {
    limits: Arc<WasmLimits>,
    /// Name before each line of the log.
    name: Arc<str>,
    memory_bytes: u64,
    table_elements: u64,
    /// Lines of the log, of the instance and of this call.
    lines: u64,
    lines_of_call: u64,
    /// The last error that the guest logged in this call: why it panicked.
    pub(super) last_words: Option<String>,
    /// The limit that it hit.
    pub(super) exceeded: Option<String>,
}

impl Guest {
    pub(super) fn new(limits: Arc<WasmLimits>, name: Arc<str>) -> Self {
        Guest {
            limits,
            name,
            memory_bytes: 0,
            table_elements: 0,
            lines: 0,
            lines_of_call: 0,
            last_words: None,
            exceeded: None,
        }
    }

    /// Before a call.
    pub(super) fn begin(&mut self) {
        self.lines_of_call = 0;
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

    fn instances(&self) -> usize {
        MOST_INSTANCES
    }

    fn memories(&self) -> usize {
        MOST_MEMORIES
    }

    fn tables(&self) -> usize {
        MOST_TABLES
    }
}

/// Gives the import `log` of contract 0.1.0.
pub(super) fn link_log(linker: &mut Linker<Guest>) -> Result<()> {
    linker.instance("codebench:plugin/log@0.1.0")?.func_wrap("write", write)
}

/// What a guest says costs it as many instructions as it has bytes, and a call that goes on beyond its lines is stopped: the host
/// reads each of them.
fn write(mut store: StoreContextMut<'_, Guest>, (level, message): (log::Level, String)) -> Result<()> {
    // Without fuel, time bounds the call.
    if let Ok(fuel) = store.get_fuel() {
        let Some(left) = fuel.checked_sub(message.len() as u64) else {
            store.set_fuel(0)?;
            return Err(Trap::OutOfFuel.into());
        };
        store.set_fuel(left)?;
    }
    store.data_mut().write(level, &message)
}

impl Guest {
    /// To standard error, one line a message, without control characters; what is beyond the limits is dropped.
    fn write(&mut self, level: log::Level, message: &str) -> Result<()> {
        self.lines_of_call += 1;
        if self.lines_of_call > self.limits.log_lines.saturating_add(MOST_IN_VAIN) {
            self.exceeded = Some(format!(
                "it wrote {} lines to the log in one call, the limit is {}, and {MOST_IN_VAIN} more that nobody sees: it must \
                 say less",
                self.lines_of_call, self.limits.log_lines
            ));
            bail!("log limit");
        }
        let limit = usize::try_from(self.limits.log_line_bytes).unwrap_or(usize::MAX);
        let line = one_line(message, limit);
        if level == log::Level::Error {
            self.last_words = Some(line.clone());
        }
        self.lines += 1;
        let text = match self.lines.checked_sub(self.limits.log_lines) {
            None | Some(0) => line,
            Some(1) => format!("(silent from here on: the limit is {} lines)", self.limits.log_lines),
            _ => return Ok(()),
        };
        let level = match level {
            log::Level::Debug => "debug",
            log::Level::Info => "info",
            log::Level::Warning => "warning",
            log::Level::Error => "error",
        };
        // A closed standard error is no reason to fail.
        let _ = writeln!(std::io::stderr().lock(), "[{} {level}] {text}", self.name);
        Ok(())
    }
}

/// At most `limit` bytes of `text`: white space of lines becomes a blank, other control characters are spelt out.
pub(super) fn one_line(text: &str, limit: usize) -> String {
    let start = start(text, limit);
    let mut line = String::with_capacity(start.len());
    for c in start.chars() {
        match c {
            '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' => line.push(' '),
            c if is_control(c) => line.extend(c.escape_debug()),
            c => line.push(c),
        }
    }
    if start.len() < text.len() {
        line.push_str(" ...");
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_at_characters_and_hold_no_controls() {
        assert_eq!(one_line("a\nb\u{1b}c", 10), "a b\\u{1b}c");
        assert_eq!(one_line("äöü", 3), "ä ...");
        assert_eq!(one_line("", 0), "");
    }
}
