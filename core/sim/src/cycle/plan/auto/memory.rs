//! How fast the way between memory and buffers is.

use super::super::super::engine::module_cost;
use super::super::super::error::{CycleError, LayerRef};
use super::super::super::machine::Machine;
use codebench_model::{TileWork, TransferCost, TransferProfile};

/// Bytes per tick and ticks to the first byte.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rate {
    pub(super) bytes_per_tick: f64,
    pub(super) latency: f64,
}

/// Rows that a probe moves on each channel.
const PROBE_ROWS: u64 = 16;

/// Memory cycles of the bus and to the first byte for a long run on one channel.
fn probe(machine: &Machine, direction: u64, open: bool) -> Result<TransferCost, CycleError> {
    let facts = &machine.memory.facts;
    let bytes = facts.row_bytes.saturating_mul(PROBE_ROWS);
    let profile = TransferProfile {
        direction,
        bytes,
        runs: 1,
        run_bytes: bytes,
        row_hits: if open { PROBE_ROWS } else { 0 },
        row_conflicts: if open { 0 } else { PROBE_ROWS },
        banks: PROBE_ROWS.min(facts.ranks * facts.banks_per_rank),
        ..TransferProfile::default()
    };
    let mut cost = [TransferCost::default()];
    let layer = LayerRef { index: 0, primitive: "transfer", name: None };
    machine.memory.cost(&[profile], &mut cost, &layer)?;
    Ok(cost[0])
}

/// Bytes of a probe on all channels.
fn probe_bytes(machine: &Machine) -> u64 {
    let facts = &machine.memory.facts;
    facts.row_bytes.saturating_mul(PROBE_ROWS).saturating_mul(facts.channels)
}

fn ticks(machine: &Machine, cycles: u64) -> f64 {
    cycles as f64 * machine.context.clock_khz as f64 / machine.memory.facts.clock_khz as f64
}

/// The roof over all transfers, bytes per tick: 16 rows on each channel, all found open, in the faster direction, or what the
/// slowest DMA module states, whichever is less.
pub(crate) fn peak_bytes_per_tick(machine: &Machine) -> Result<f64, CycleError> {
    let mut best = 0.0_f64;
    for direction in 0..2 {
        let busy = ticks(machine, probe(machine, direction, true)?.bus_mem_cycles);
        let carried = machine.roles.dma.iter().map(|dma| {
            let facts = &machine.modules[*dma].facts;
            [facts.read_bytes_per_cycle, facts.write_bytes_per_cycle][direction as usize]
        });
        let dma = carried.min().unwrap_or(u64::MAX) as f64;
        best = best.max(if busy > 0.0 { dma.min(probe_bytes(machine) as f64 / busy) } else { dma });
    }
    Ok(best)
}

impl Rate {
    /// What a long read over all channels reaches that finds no row open.
    pub(super) fn measure(machine: &Machine) -> Result<Rate, CycleError> {
        let layer = LayerRef { index: 0, primitive: "transfer", name: None };
        let all = probe_bytes(machine);
        let cost = probe(machine, 0, false)?;
        let mut busy = ticks(machine, cost.bus_mem_cycles).max(1.0);
        let mut latency = ticks(machine, cost.first_byte_mem_cycles);
        for dma in &machine.roles.dma {
            let work = TileWork { read_bytes: all, ..TileWork::default() };
            let cost = module_cost(machine, *dma, &work, &layer)?;
            busy = busy.max(cost.busy_cycles as f64);
            latency += cost.fill_cycles as f64;
        }
        Ok(Rate { bytes_per_tick: all as f64 / busy, latency })
    }
}
