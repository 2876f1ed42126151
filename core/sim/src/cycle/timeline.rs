//! What a simulation did: every layer's time, traffic and events, and every task if asked for.

use codebench_model::MAX_EVENTS;
use codebench_model::hardware::TaskRecord;

/// What made a tile wait, beside the modules of its pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stall {
    /// Activations that were not there yet: loads, or results of earlier layers.
    Activations,
    /// Weights that were not there yet.
    Weights,
    /// Space for the output.
    BufferSpace,
    /// The turnaround of the memory's bus, within the wait for a load.
    Turnaround,
}

impl Stall {
    /// Every cause with its name in reports.
    pub const ALL: [(Stall, &'static str); 4] = [
        (Stall::Activations, "activations"),
        (Stall::Weights, "weights"),
        (Stall::BufferSpace, "buffer_space"),
        (Stall::Turnaround, "memory_turnaround"),
    ];
}

/// Bytes moved between memory and buffers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub struct MemoryBytes {
    pub activations_read: u64,
    pub weights_read: u64,
    pub masks_read: u64,
    pub activations_written: u64,
    pub masks_written: u64,
}

/// One fused layer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LayerTimeline {
    /// Its latest end minus the latest end of all layers before it, at least 0.
    pub cycles: u64,
    /// Its tiles.
    pub tiles: u64,
    /// Multiply-accumulates of the batch.
    pub macs: u64,
    /// Those that are left after the zeros that the array skips.
    pub effective_macs: u64,
    /// Cycles for which its main module was busy.
    pub main_busy_cycles: u64,
    /// Cycles for which its pipelines were occupied.
    pub busy_cycles: u64,
    /// Cycles for which its tiles waited, by cause, as [`Stall::ALL`].
    pub stall_cycles: [u64; 4],
    /// Events of each module, in the order of [`Machine::modules`](super::Machine::modules).
    pub events: Vec<[u64; MAX_EVENTS]>,
    /// Events of the memory.
    pub memory_events: [u64; MAX_EVENTS],
    /// Refreshes.
    pub refreshes: u64,
    /// Bytes between memory and buffers.
    pub memory_bytes: MemoryBytes,
    /// Bytes read and written between activation, weight and mask buffer and the modules.
    pub buffer_bytes: [u64; 6],
    /// Most bytes in use in activation, weight and mask buffer while it ran.
    pub peak_bytes: [u64; 3],
    /// Index of its main module.
    pub main_module: usize,
}

/// A module or channel that is occupied for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Occupation {
    /// Who: a module of the machine, or a channel of the memory.
    pub unit: Unit,
    /// From.
    pub start: u64,
    /// To.
    pub end: u64,
    /// Index in [`Record::tasks`].
    pub task: usize,
}

/// Something that is occupied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Index in [`Machine::modules`](super::Machine::modules).
    Module(usize),
    /// A channel of the memory.
    Channel(usize),
}

/// Everything that happened.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Record {
    /// Tasks in the order in which they start.
    pub tasks: Vec<TaskRecord>,
    /// Who was occupied.
    pub occupations: Vec<Occupation>,
}

/// A simulation's answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Timeline {
    /// Layers of the fused workload.
    pub layers: Vec<LayerTimeline>,
    /// Layer of the workload that does the main work of each.
    pub main_layers: Vec<usize>,
    /// The latest end of a task.
    pub total_cycles: u64,
    /// Tasks that were followed one by one; the others were advanced in closed form.
    pub stepped_tasks: u64,
    /// All tasks, if a record was asked for.
    pub record: Option<Record>,
}
