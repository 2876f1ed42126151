//! Facts and rows of a `memory`.

use super::{EventFacts, MAX_EVENTS};
use bytemuck::{Pod, Zeroable};
use serde::{Deserialize, Serialize};

/// Facts of a `memory`: functions of its parameters. Durations are in cycles of the memory's clock.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct MemoryFacts {
    /// The memory's clock.
    pub clock_khz: u64,
    /// Independent channels.
    pub channels: u64,
    /// Ranks per channel.
    pub ranks: u64,
    /// Banks per rank.
    pub banks_per_rank: u64,
    /// Bytes of a row of one bank.
    pub row_bytes: u64,
    /// Bytes of one burst.
    pub burst_bytes: u64,
    /// Consecutive addresses that stay on one channel, bytes.
    pub interleave_bytes: u64,
    /// Capacity, bytes.
    pub capacity_bytes: u64,
    /// Bus turnaround from reading to writing.
    pub read_to_write_mem_cycles: u64,
    /// Bus turnaround from writing to reading.
    pub write_to_read_mem_cycles: u64,
    /// Occupied cycles of a channel between two refreshes; 0 if it needs none.
    pub refresh_every_mem_cycles: u64,
    /// Cycles of one refresh.
    pub refresh_mem_cycles: u64,
    /// Area, mm2; 0 off chip.
    pub area_mm2: f64,
    /// Leakage power, mW.
    pub leakage_mw: f64,
    /// Power drawn whenever the accelerator is on, mW.
    pub background_mw: f64,
    /// At most [`MAX_EVENTS`] events, in the order of [`TransferCost::events`].
    pub events: Vec<EventFacts>,
    /// The event that the engine charges per refresh.
    pub refresh_event: Option<EventFacts>,
}

/// What one transfer asks of one channel.
#[repr(C)]
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Pod, Zeroable, Serialize, Deserialize,
)]
#[serde(default)]
pub struct TransferProfile {
    /// 0 read, 1 write.
    pub direction: u64,
    /// Bytes on this channel.
    pub bytes: u64,
    /// Contiguous runs on this channel.
    pub runs: u64,
    /// Length of a run, `ceil(bytes / runs)`; the last may be shorter.
    pub run_bytes: u64,
    /// Visits of a row that was open.
    pub row_hits: u64,
    /// Visits of a row in a bank that had none open.
    pub row_activates: u64,
    /// Visits of a row in a bank that had another one open.
    pub row_conflicts: u64,
    /// Distinct banks visited: how many activates may overlap.
    pub banks: u64,
}

/// What it costs on that channel.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Pod, Zeroable, Serialize, Deserialize)]
#[serde(default)]
pub struct TransferCost {
    /// Memory cycles for which the channel is occupied.
    pub bus_mem_cycles: u64,
    /// Memory cycles before the first byte, during which other transfers may use the channel.
    pub first_byte_mem_cycles: u64,
    /// Counts of the events in [`MemoryFacts::events`], in their order; 0 beyond.
    pub events: [u64; MAX_EVENTS],
}
