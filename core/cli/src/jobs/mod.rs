//! `codebench simulate --jobs`: one JSON object a line in, one a line out, in order, in parallel, streaming.
//!
//! A reader thread cuts its input into lines and hands over what has arrived, so that a program that writes one line
//! and waits gets its answer, and a file is worked on in large batches. Memory is bounded: lines have a longest length,
//! few batches are in flight, and the memory of lowered CNNs is limited. Every line has exactly one answer, which
//! depends on that line alone.

mod cache;
mod job;
mod lines;

use crate::simulators::Simulators;
use crate::{Failure, OrFail};
use cache::Cache;
use codebench_cnn::Language;
use codebench_model::SimulationFault;
use codebench_sim::cycle::Sparsity;
use lines::{Batch, Line};
use rayon::prelude::*;
use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, sync_channel};

pub use lines::LONGEST_LINE;

/// Batches between the reader and the workers.
const IN_FLIGHT: usize = 4;
/// A round of work takes what is waiting up to this many bytes.
const ROUND_BYTES: usize = 2 << 20;

/// How a run went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// Lines answered.
    pub lines: u64,
    /// Lines among them that were refused.
    pub refused: u64,
}

/// Answers every line of `reader` on `writer`.
///
/// Uses `threads` worker threads (0: one per processor); their number never changes an answer.
///
/// # Errors
/// Input that cannot be read, output that cannot be written, threads that cannot be started. A line that is refused is no
/// error: its answer says why.
pub fn run(
    reader: impl Read + Send + 'static,
    writer: &mut dyn Write,
    language: &Language,
    simulators: &Simulators,
    threads: usize,
) -> Result<Summary, Failure> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().failure()?;
    let (sender, receiver) = sync_channel(IN_FLIGHT);
    // Not joined: when the writer fails, the reader may wait for input that never comes.
    std::thread::Builder::new().name("lines".into()).spawn(move || lines::read(reader, &sender)).failure()?;
    let worker = Worker { language, simulators, cache: Cache::default() };
    let mut summary = Summary::default();
    let mut answers = Vec::new();
    while let Some(round) = next_round(&receiver) {
        let mut failure = None;
        let mut lines: Vec<Line<'_>> = Vec::new();
        for batch in &round {
            match batch {
                Ok(batch) => lines.extend(batch.lines()),
                Err(error) => failure = Some(error.to_string()),
            }
        }
        pool.install(|| lines.par_iter().map(|line| worker.answer(*line)).collect_into_vec(&mut answers));
        for answer in &answers {
            summary.lines += 1;
            summary.refused += u64::from(!answer.ok);
            writer.write_all(&answer.text)?;
        }
        writer.flush()?;
        if let Some(error) = failure {
            return Err(anyhow::Error::msg(error).context("cannot read the jobs")).failure();
        }
    }
    Ok(summary)
}

/// Waits for a batch, then takes what else is there; `None` at the end.
fn next_round(receiver: &Receiver<io::Result<Batch>>) -> Option<Vec<io::Result<Batch>>> {
    let mut round = vec![receiver.recv().ok()?];
    let size = |batch: &io::Result<Batch>| batch.as_ref().map_or(0, Batch::size);
    let mut bytes: usize = round.iter().map(size).sum();
    while bytes < ROUND_BYTES
        && let Ok(batch) = receiver.try_recv()
    {
        bytes += size(&batch);
        round.push(batch);
    }
    Some(round)
}

/// Answers lines, from any thread.
struct Worker<'a> {
    language: &'a Language,
    simulators: &'a Simulators,
    cache: Cache,
}

/// One line of output.
struct Answer {
    text: Vec<u8>,
    ok: bool,
}

impl Worker<'_> {
    fn answer(&self, line: Line<'_>) -> Answer {
        let Line::Text(bytes) = line else {
            let message = format!("the line is longer than {LONGEST_LINE} bytes: give one job per line");
            return refuse("null", &fault("line_too_long", message));
        };
        // A panic is a defect; it costs this line and not the run.
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.simulate(bytes)));
        result.unwrap_or_else(|_| {
            refuse("null", &fault("internal", "an internal error; please report this line"))
        })
    }

    fn simulate(&self, line: &[u8]) -> Answer {
        let fields = match job::fields(line) {
            Ok(fields) => fields,
            Err(fault) => return refuse("null", &fault),
        };
        let id = fields.id();
        let report = fields.job().and_then(|job| {
            let prepared = self.simulators.prepare(job.fidelity, &job.accelerator)?;
            let lowered = self.cache.lower(&job, self.language)?;
            let mut report = self.simulators.simulate(&prepared, &lowered, &Sparsity::Paper)?;
            if let Some(costs) = &mut report.cycle {
                costs.layers.clear();
            }
            Ok(report)
        });
        match report {
            Ok(report) => answer(id, "ok", &report, true),
            Err(fault) => refuse(id, &fault),
        }
    }
}

fn refuse(id: &str, fault: &SimulationFault) -> Answer {
    answer(id, "error", fault, false)
}

fn answer(id: &str, field: &str, value: &impl serde::Serialize, ok: bool) -> Answer {
    let mut text = Vec::with_capacity(512);
    text.extend_from_slice(b"{\"id\":");
    text.extend_from_slice(id.as_bytes());
    text.extend_from_slice(b",\"");
    text.extend_from_slice(field.as_bytes());
    text.extend_from_slice(b"\":");
    // Plain data into memory: cannot fail.
    let _ = serde_json::to_writer(&mut text, value);
    text.extend_from_slice(b"}\n");
    Answer { text, ok }
}

fn fault(code: &str, message: impl Into<String>) -> SimulationFault {
    SimulationFault { code: code.to_owned(), message: message.into() }
}
