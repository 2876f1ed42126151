//! A record as a trace that Chrome and Perfetto read.

use super::error::CycleError;
use super::machine::Machine;
use super::timeline::{Record, Unit};
use codebench_model::Workload;
use codebench_model::hardware::TaskKind;
use serde::Serialize;
use std::io::{self, Write};

/// One event of the trace-event format: a duration (`X`) or a name (`M`).
#[derive(Serialize)]
struct Event<'a> {
    name: &'a str,
    ph: &'a str,
    pid: u32,
    tid: usize,
    /// Microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    ts: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dur: Option<f64>,
    args: Arguments<'a>,
}

#[derive(Serialize, Default)]
struct Arguments<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    layer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    task: Option<TaskKind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tile: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_cycle: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cycles: Option<u64>,
}

/// Writes the record of a simulation in the JSON trace-event format: a thread per module and per channel of the memory, a
/// duration for each task that occupies it. Times are microseconds; the arguments hold cycles.
///
/// `main_layers` says which layer of the workload each fused layer stands for.
///
/// # Errors
/// Output that cannot be written.
pub fn write_trace(
    machine: &Machine,
    workload: &Workload,
    main_layers: &[usize],
    record: &Record,
    out: &mut dyn Write,
) -> io::Result<()> {
    let modules = machine.modules.len();
    let mut lines = Lines { out, first: true };
    lines.out.write_all(b"{\"displayTimeUnit\":\"ns\",\"traceEvents\":[")?;
    let mut names = vec![("process_name", 0, machine.name.clone())];
    for (index, module) in machine.modules.iter().enumerate() {
        names.push(("thread_name", index + 1, format!("{} {}", module.role, module.plugin)));
    }
    for channel in 0..machine.memory.facts.channels as usize {
        let text = format!("memory {} channel {channel}", machine.memory.plugin);
        names.push(("thread_name", modules + 1 + channel, text));
    }
    for (name, tid, value) in &names {
        let args = Arguments { name: Some(value), ..Arguments::default() };
        lines.write(&Event { name, ph: "M", pid: 1, tid: *tid, ts: None, dur: None, args })?;
    }
    let microseconds = |cycles: u64| cycles as f64 * 1e3 / machine.context.clock_khz as f64;
    for occupation in &record.occupations {
        let Some(task) = record.tasks.get(occupation.task) else { continue };
        let layer = main_layers.get(task.layer).and_then(|l| workload.layers.get(*l)).map_or("", |l| &l.name);
        let cycles = occupation.end - occupation.start;
        let tid = match occupation.unit {
            Unit::Module(index) => index + 1,
            Unit::Channel(index) => modules + 1 + index,
        };
        lines.write(&Event {
            name: layer,
            ph: "X",
            pid: 1,
            tid,
            ts: Some(microseconds(occupation.start)),
            dur: Some(microseconds(cycles)),
            args: Arguments {
                name: None,
                layer: Some(layer),
                task: Some(task.kind),
                tile: Some(task.tile),
                start_cycle: Some(occupation.start),
                cycles: Some(cycles),
            },
        })?;
    }
    lines.out.write_all(b"\n]}\n")
}

struct Lines<'a> {
    out: &'a mut dyn Write,
    first: bool,
}

impl Lines<'_> {
    fn write(&mut self, event: &Event<'_>) -> io::Result<()> {
        self.out.write_all(if self.first { b"\n" } else { b",\n" })?;
        self.first = false;
        serde_json::to_writer(&mut *self.out, event).map_err(io::Error::from)
    }
}

/// Most tasks, and most occupations of modules and channels by them, in a record.
const MOST_RECORDED: usize = 20_000_000;

/// Refuses a record that no viewer would open.
pub(super) fn check(record: &Record) -> Result<(), CycleError> {
    if record.tasks.len().max(record.occupations.len()) <= MOST_RECORDED {
        return Ok(());
    }
    let quantity = "the record of all tasks, and of what they occupy,".into();
    Err(CycleError::TooLarge { quantity, limit: "20 million entries" })
}
