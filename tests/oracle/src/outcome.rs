//! What a simulation answers with.

use crate::{Accelerator, Coverage};
use codebench_model::MAX_EVENTS;

/// What a task does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TaskKind {
    /// Writes an evicted storage to memory.
    WriteBack,
    /// Loads a storage whole.
    Promotion,
    /// Loads a region of a tile.
    Load,
    /// Computes a tile.
    Compute,
    /// Stores a tile.
    Store,
}

/// One task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaskRecord {
    /// What it does.
    pub kind: TaskKind,
    /// Fused layer.
    pub layer: usize,
    /// Number of the tile over all layers, in program order.
    pub tile: usize,
    /// Number among the tasks of this kind in the tile.
    pub index: usize,
    /// Storage moved; none for weights and a compute.
    pub storage: Option<usize>,
    /// Whether masks are moved.
    pub mask: bool,
    /// Bytes moved; 0 for a compute.
    pub bytes: u64,
    /// First tick.
    pub start: u64,
    /// First tick after it.
    pub end: u64,
}

/// Totals of one layer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LayerTotals {
    /// Latest end minus the latest end of all layers before.
    pub cycles: u64,
    /// Counts of each module's events, in file order.
    pub module_events: Vec<[u64; MAX_EVENTS]>,
    /// Counts of the memory's events.
    pub memory_events: [u64; MAX_EVENTS],
    /// Refreshes.
    pub refreshes: u64,
    /// Bytes read from memory.
    pub memory_read_bytes: u64,
    /// Bytes written to memory.
    pub memory_write_bytes: u64,
    /// Bytes read and written of the activation, weight and mask buffer, by computes and transfers.
    pub buffer_bytes: [u64; 6],
    /// Multiply-accumulates.
    pub macs: u64,
    /// Those left after skipped zeros.
    pub effective_macs: u64,
}

/// A simulated inference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Every task, tile after tile in the order of [`TaskKind`].
    pub tasks: Vec<TaskRecord>,
    /// Addresses that each task moves, in runs.
    pub runs: Vec<Vec<std::ops::Range<u64>>>,
    /// Latest end.
    pub total_cycles: u64,
    /// One row per layer.
    pub layers: Vec<LayerTotals>,
    /// What the case exercised.
    pub coverage: Coverage,
}

impl Outcome {
    /// Sum over modules and events, each count times its energy.
    pub fn dynamic_energy_pj(&self, accelerator: &Accelerator) -> f64 {
        let count = |of: &dyn Fn(&LayerTotals) -> u64| self.layers.iter().map(of).sum::<u64>() as f64;
        let mut energy = 0.0;
        for (number, (_, module)) in accelerator.modules.iter().enumerate() {
            for (event, facts) in module.facts().events.iter().enumerate() {
                energy += count(&|layer| layer.module_events[number][event]) * facts.energy_pj;
            }
        }
        let memory = accelerator.memory.facts();
        for (event, facts) in memory.events.iter().enumerate() {
            energy += count(&|layer| layer.memory_events[event]) * facts.energy_pj;
        }
        energy + count(&|layer| layer.refreshes) * memory.refresh_event.map_or(0.0, |event| event.energy_pj)
    }
}

/// Why there is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum Failure {
    #[error("layer {layer}: no module runs {what}")]
    NoModule { layer: usize, what: String },
    #[error("layer {layer} needs {need} bytes of the activation buffer of {capacity}")]
    ActivationBuffer { layer: usize, need: u64, capacity: u64 },
    #[error("layer {layer} needs {need} bytes of the mask buffer of {capacity}")]
    MaskBuffer { layer: usize, need: u64, capacity: u64 },
    #[error("layer {layer} needs {need} bytes of the weight buffer of {capacity}")]
    WeightBuffer { layer: usize, need: u64, capacity: u64 },
    #[error("{need} bytes are needed of the memory of {capacity}")]
    Memory { need: u64, capacity: u64 },
    #[error("no progress at tick {tick}: {waiting}")]
    Deadlock { tick: u64, waiting: String },
    #[error("a module refused its work: {0}")]
    Refused(String),
    #[error("layer {layer} of the workload: a slice of a flattened tensor is not whole channels")]
    Slice { layer: usize },
}
