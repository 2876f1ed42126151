//! Accelerators built from modules, for the `cycle` fidelity: the description that a user writes, the facts that a
//! module states, and the rows of its hot calls.
//!
//! Rows ([`TileWork`], [`TileCost`], [`TransferProfile`], [`TransferCost`]) are `repr(C)` structures of `u64` only, so that
//! a slice of them is a slice of numbers: the same bytes built in, across a native boundary and inside a sandbox.
//! [`ROW_LAYOUT`] is their version.

mod description;
mod facts;
mod fused;
mod memory;
mod role;
mod tile;

pub use description::{
    AcceleratorDescription, Count, DescribedModule, LoopPolicy, TilePolicy, TileSize, WordFormat,
};
pub use facts::{Cause, EventFacts, MAX_EVENTS, ModuleFacts};
pub use fused::{
    Densities, FusedLayer, FusedOp, FusedWorkload, LayerPlan, LoopOrder, Segment, Storage, TaskKind,
    TaskRecord, View,
};
pub use memory::{MemoryFacts, TransferCost, TransferProfile};
pub use role::Role;
pub use tile::{TileCost, TileWork};

/// Version of the layout of all rows; an argument of every hot call that crosses a boundary.
pub const ROW_LAYOUT: u32 = 1;
/// Version of the layout of a surrogate's matrices of f64, row-major; an argument of every such call.
pub const MATRIX_LAYOUT: u32 = 1;

/// What an `accel-module` or a `memory` is configured for, beside its parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct HardwareContext {
    /// The accelerator's clock.
    pub clock_khz: u64,
    /// Bits of a word.
    pub word_bits: u64,
}

impl Default for HardwareContext {
    /// The paper's: 700 MHz and 4 + 16 bits.
    fn default() -> Self {
        HardwareContext { clock_khz: 700_000, word_bits: 20 }
    }
}
