//! What a module states about itself, once.

use super::TileSize;
use crate::primitive::{Activation, PrimitiveKind};
use serde::{Deserialize, Serialize};

/// Events that a module or a memory may charge.
pub const MAX_EVENTS: usize = 8;

/// What energy is spent on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Multiply-accumulates.
    Mac,
    /// Reads of an on-chip buffer.
    BufferRead,
    /// Writes of an on-chip buffer.
    BufferWrite,
    /// Moving data between memory and buffers.
    Dma,
    /// Main memory.
    Memory,
    /// Operations of the vector modules.
    Vector,
    /// Everything else: control, im2col, FIFOs, sparsity.
    Control,
}

impl Cause {
    /// Every cause with its name in files and reports.
    pub const ALL: [(Cause, &'static str); 7] = [
        (Cause::Mac, "mac"),
        (Cause::BufferRead, "buffer_read"),
        (Cause::BufferWrite, "buffer_write"),
        (Cause::Dma, "dma"),
        (Cause::Memory, "memory"),
        (Cause::Vector, "vector"),
        (Cause::Control, "control"),
    ];
}

/// Something countable that costs energy each time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct EventFacts {
    /// Such as `busy_cycle` or `row_activate`.
    pub name: String,
    /// What the energy is spent on.
    pub cause: Cause,
    /// Energy of one event, pJ; finite and not negative.
    pub energy_pj: f64,
}

impl EventFacts {
    /// An event of `energy_pj`.
    pub fn new(name: &str, cause: Cause, energy_pj: f64) -> Self {
        EventFacts { name: name.into(), cause, energy_pj }
    }

    /// One busy cycle of a module that draws `dynamic_mw` at `clock_khz`: `dynamic_mw * 10^6 / clock_khz` pJ.
    pub fn busy_cycle(cause: Cause, dynamic_mw: f64, clock_khz: u64) -> Self {
        EventFacts::new("busy_cycle", cause, dynamic_mw * 1e6 / clock_khz as f64)
    }
}

/// Facts of an `accel-module`: functions of its parameters, the clock and the word.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct ModuleFacts {
    /// Area, mm2.
    pub area_mm2: f64,
    /// Leakage power, mW.
    pub leakage_mw: f64,
    /// Primitives that it can run (roles compute and vector).
    pub primitives: Vec<PrimitiveKind>,
    /// Functions of the primitive `activation` that it can run.
    pub activations: Vec<Activation>,
    /// Multiply-accumulates per cycle at best, for utilisation and roofline; 0 if it does none.
    pub peak_macs_per_cycle: u64,
    /// The tile that suits it; 0 in an extent is no wish (role compute).
    pub preferred_tile: TileSize,
    /// Capacity, bytes (buffers).
    pub capacity_bytes: u64,
    /// Bytes read per cycle at best (buffers and DMA).
    pub read_bytes_per_cycle: u64,
    /// Bytes written per cycle at best (buffers and DMA).
    pub write_bytes_per_cycle: u64,
    /// Whether a zero activation costs no MAC (role compute). An accelerator whose compute module says so needs a mask buffer and a
    /// module of the role pre_sparsity; an array with means of its own says no here and reads the densities of its work.
    pub skips_zero_activations: bool,
    /// Whether a zero weight costs no MAC (role compute); the same holds.
    pub skips_zero_weights: bool,
    /// At most [`MAX_EVENTS`] events, in the order of [`TileCost::events`](super::TileCost::events).
    pub events: Vec<EventFacts>,
}
