//! How fast the way between memory and buffers is.

use super::super::super::engine::module_cost;
use super::super::super::error::{CycleError, LayerRef};
use super::super::super::machine::Machine;
use codebench_model::{TileWork, TransferCost, TransferProfile};

/// Bytes per tick and ticks to the first byte.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rate {
    pub(crate) bytes_per_tick: f64,
    pub(crate) latency: f64,
}

impl Rate {
    /// What a long transfer over all channels reaches.
    pub(crate) fn measure(machine: &Machine) -> Result<Rate, CycleError> {
        let facts = &machine.memory.facts;
        let layer = LayerRef { index: 0, primitive: "transfer", name: None };
        let pages = 16;
        let bytes = facts.row_bytes.saturating_mul(pages);
        let profile = TransferProfile {
            direction: 0,
            bytes,
            runs: 1,
            run_bytes: bytes,
            row_conflicts: pages,
            banks: pages.min(facts.ranks * facts.banks_per_rank),
            ..TransferProfile::default()
        };
        let mut cost = [TransferCost::default()];
        machine.memory.cost(&[profile], &mut cost, &layer)?;
        let ticks = |cycles: u64| cycles as f64 * machine.context.clock_khz as f64 / facts.clock_khz as f64;
        let all = bytes.saturating_mul(facts.channels);
        let mut busy = ticks(cost[0].bus_mem_cycles).max(1.0);
        let mut latency = ticks(cost[0].first_byte_mem_cycles);
        for dma in &machine.roles.dma {
            let work = TileWork { read_bytes: all, ..TileWork::default() };
            let cost = module_cost(machine, *dma, &work, &layer)?;
            busy = busy.max(cost.busy_cycles as f64);
            latency += cost.fill_cycles as f64;
        }
        Ok(Rate { bytes_per_tick: all as f64 / busy, latency })
    }
}
