//! What the `cycle` fidelity reports beside cycles, energy and area.

use crate::hardware::{LoopOrder, Role, TileSize};
use serde::{Deserialize, Serialize};

/// Energy by what it is spent on, J.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct EnergyByCause {
    pub mac_j: f64,
    pub buffer_read_j: f64,
    pub buffer_write_j: f64,
    pub dma_j: f64,
    pub memory_j: f64,
    pub vector_j: f64,
    pub control_j: f64,
    pub leakage_j: f64,
}

/// Cycles for which tiles waited, by what they waited for last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct StallCycles {
    pub activations: u64,
    pub weights: u64,
    pub buffer_space: u64,
    pub memory_turnaround: u64,
}

/// Bytes moved, by level. Bytes of buffers count both what modules and what transfers read and write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct BytesMoved {
    pub memory_activations_read: u64,
    pub memory_weights_read: u64,
    pub memory_masks_read: u64,
    pub memory_activations_written: u64,
    pub memory_masks_written: u64,
    pub activation_buffer_read: u64,
    pub activation_buffer_written: u64,
    pub weight_buffer_read: u64,
    pub weight_buffer_written: u64,
    pub mask_buffer_read: u64,
    pub mask_buffer_written: u64,
}

impl BytesMoved {
    /// Bytes between memory and buffers.
    pub fn memory(&self) -> u64 {
        [
            self.memory_activations_read,
            self.memory_weights_read,
            self.memory_masks_read,
            self.memory_activations_written,
            self.memory_masks_written,
        ]
        .iter()
        .fold(0, |sum, bytes| sum.saturating_add(*bytes))
    }
}

/// The most bytes in use at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct PeakBytes {
    pub activation_buffer: u64,
    pub weight_buffer: u64,
    pub mask_buffer: u64,
}

/// Where a network or layer lies under the roofline.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Roofline {
    /// Multiply-accumulates done per byte of memory; 0 where none is moved.
    pub macs_per_byte: f64,
    /// What the array could do at that intensity.
    pub attainable_macs_per_cycle: f64,
    /// What it did.
    pub achieved_macs_per_cycle: f64,
    /// Whether the memory, not the array, is the lower roof.
    pub memory_bound: bool,
}

/// One module, the memory included.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ModuleCosts {
    /// What it is for.
    pub role: Role,
    /// Id of its plugin.
    pub plugin: String,
    /// Area, mm2.
    pub area_mm2: f64,
    /// Leakage power, of a memory with its background power, mW.
    pub leakage_mw: f64,
    /// Dynamic energy of the batch, J.
    pub dynamic_energy_j: f64,
    /// Leakage energy of the batch, J.
    pub leakage_energy_j: f64,
}

/// One layer after fusion.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LayerCosts {
    /// Name of the layer that does the main work.
    pub name: String,
    /// Its operation.
    pub op: String,
    /// Names of the layers fused into it.
    pub fused: Vec<String>,
    /// Its tile.
    pub tile: TileSize,
    /// Nesting of the loops over tiles.
    pub order: LoopOrder,
    /// Tiles.
    pub tiles: u64,
    /// Its latest end minus the latest end of the layers before it; layers sum to the total.
    pub cycles: u64,
    /// Cycles for which its main module worked.
    pub main_busy_cycles: u64,
    /// Multiply-accumulates of the batch as the graph counts them.
    pub macs: u64,
    /// Those that are left after the zeros that the array skips.
    pub effective_macs: u64,
    /// Effective multiply-accumulates over what the array could do in these cycles.
    pub utilisation: f64,
    /// Energy by cause; leakage is that of its cycles.
    pub energy: EnergyByCause,
    /// Dynamic energy of each module, in the order of [`CycleCosts::modules`], J.
    pub module_energy_j: Vec<f64>,
    /// Waiting.
    pub stall_cycles: StallCycles,
    /// Traffic.
    pub bytes: BytesMoved,
    /// Roofline.
    pub roofline: Roofline,
    /// Buffer use while it ran.
    pub peak_bytes: PeakBytes,
}

/// What the `cycle` fidelity reports beside cycles, energy and area.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CycleCosts {
    /// Name of the accelerator.
    pub accelerator: String,
    /// Clock, kHz.
    pub clock_khz: u64,
    /// Images per inference.
    pub batch: u64,
    /// Bits of a word.
    pub word_bits: u64,
    /// Multiply-accumulates of the batch that are left after the zeros that the array skips.
    pub effective_macs: u64,
    /// Multiply-accumulates per cycle at best.
    pub peak_macs_per_cycle: u64,
    /// Bytes per cycle between memory and buffers at best.
    pub memory_bytes_per_cycle: f64,
    /// Effective multiply-accumulates over what the array could do in the total cycles.
    pub utilisation: f64,
    /// Energy by cause.
    pub energy: EnergyByCause,
    /// Every module in file order.
    pub modules: Vec<ModuleCosts>,
    /// Waiting.
    pub stall_cycles: StallCycles,
    /// Traffic.
    pub bytes: BytesMoved,
    /// Roofline.
    pub roofline: Roofline,
    /// Capacities of the buffers.
    pub capacity_bytes: PeakBytes,
    /// The most that was in use.
    pub peak_bytes: PeakBytes,
    /// Refreshes of the memory.
    pub refreshes: u64,
    /// Every layer; left out of the answers to jobs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<LayerCosts>,
}
