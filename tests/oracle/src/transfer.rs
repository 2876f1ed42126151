//! Section 7 of the cycle model: what a transfer asks of the channels, byte by byte.

use crate::layout::Run;
use crate::{Deviation, Model};
use codebench_model::{TransferCost, TransferProfile};
use std::collections::{BTreeMap, BTreeSet};

/// The share of one channel in a transfer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Share {
    pub(crate) bytes: u64,
    pub(crate) runs: u64,
    /// Bank and row of each visit.
    pub(crate) visits: Vec<(u64, u64)>,
}

/// Channel, bank and row of a byte.
fn place(model: &Model<'_>, address: u64) -> (u64, u64, u64) {
    let memory = &model.memory;
    let unit = memory.interleave_bytes;
    let channel = address / unit % memory.channels;
    let local = address / (unit * memory.channels) * unit + address % unit;
    let page = local / memory.row_bytes;
    let banks = memory.ranks * memory.banks_per_rank;
    (channel, page % banks, page / banks)
}

/// The share of every channel that has one.
pub(crate) fn shares(model: &Model<'_>, runs: &[Run]) -> BTreeMap<u64, Share> {
    let mut shares: BTreeMap<u64, Share> = BTreeMap::new();
    for run in runs {
        let mut of_run = BTreeSet::new();
        for address in run.clone() {
            let (channel, bank, row) = place(model, address);
            let share = shares.entry(channel).or_default();
            share.bytes += 1;
            if of_run.insert(channel) {
                share.runs += 1;
            }
            if share.visits.last() != Some(&(bank, row)) {
                share.visits.push((bank, row));
            }
        }
    }
    shares
}

/// Channels between transfers.
pub(crate) struct Channels {
    free: Vec<u64>,
    last_direction: Vec<Option<u64>>,
    open: BTreeMap<(u64, u64), u64>,
}

/// What a started transfer costs.
pub(crate) struct Moved {
    pub(crate) complete: u64,
    pub(crate) events: TransferCost,
    /// Channel and memory cycles for which it is occupied.
    pub(crate) bus: Vec<(u64, u64)>,
    pub(crate) turned: bool,
}

impl Channels {
    pub(crate) fn new(model: &Model<'_>) -> Self {
        let count = model.memory.channels as usize;
        Channels { free: vec![0; count], last_direction: vec![None; count], open: BTreeMap::new() }
    }

    pub(crate) fn are_free(&self, shares: &BTreeMap<u64, Share>, tick: u64) -> bool {
        shares.keys().all(|&channel| self.free[channel as usize] <= tick)
    }

    pub(crate) fn all_free(&self, tick: u64) -> bool {
        self.free.iter().all(|&free| free <= tick)
    }

    fn profile(&mut self, model: &Model<'_>, channel: u64, share: &Share, direction: u64) -> TransferProfile {
        let mut profile = TransferProfile {
            direction,
            bytes: share.bytes,
            runs: share.runs,
            run_bytes: share.bytes.div_ceil(share.runs),
            ..TransferProfile::default()
        };
        if model.deviates(Deviation::OpenRowForgotten) {
            self.open.retain(|(c, _), _| *c != channel);
        }
        let mut banks = BTreeSet::new();
        for &(bank, row) in &share.visits {
            banks.insert(bank);
            match self.open.insert((channel, bank), row) {
                None => profile.row_activates += 1,
                Some(open) if open == row => profile.row_hits += 1,
                Some(_) => profile.row_conflicts += 1,
            }
        }
        profile.banks = banks.len() as u64;
        profile
    }

    /// Starts a transfer at a tick.
    pub(crate) fn start(
        &mut self,
        model: &Model<'_>,
        shares: &BTreeMap<u64, Share>,
        direction: u64,
        tick: u64,
    ) -> Result<Moved, String> {
        let mut moved =
            Moved { complete: tick, events: TransferCost::default(), bus: Vec::new(), turned: false };
        for (&channel, share) in shares {
            let profile = self.profile(model, channel, share, direction);
            let mut cost = [TransferCost::default()];
            model.problem.accelerator.memory.cost(&[profile], &mut cost).map_err(|e| e.to_string())?;
            let [cost] = cost;
            let turn = self.turnaround(model, channel, direction);
            moved.turned |= turn > 0;
            let busy = turn + cost.bus_mem_cycles + refresh(model, cost.bus_mem_cycles);
            self.free[channel as usize] = tick + ticks(model, busy);
            let first_byte =
                if model.deviates(Deviation::FirstByteIgnored) { 0 } else { cost.first_byte_mem_cycles };
            moved.complete = moved.complete.max(tick + ticks(model, busy + first_byte));
            moved.bus.push((channel, cost.bus_mem_cycles));
            for (sum, count) in moved.events.events.iter_mut().zip(cost.events) {
                *sum += count;
            }
        }
        Ok(moved)
    }

    fn turnaround(&mut self, model: &Model<'_>, channel: u64, direction: u64) -> u64 {
        let last = self.last_direction[channel as usize].replace(direction);
        if model.deviates(Deviation::TurnaroundIgnored) {
            return 0;
        }
        match (last, direction) {
            (Some(0), 1) => model.memory.read_to_write_mem_cycles,
            (Some(1), 0) => model.memory.write_to_read_mem_cycles,
            _ => 0,
        }
    }
}

/// Memory cycles of refreshes that a transfer pays for.
fn refresh(model: &Model<'_>, bus: u64) -> u64 {
    let memory = &model.memory;
    if memory.refresh_every_mem_cycles == 0 || model.deviates(Deviation::RefreshIgnored) {
        return 0;
    }
    (bus * memory.refresh_mem_cycles).div_ceil(memory.refresh_every_mem_cycles)
}

/// Memory cycles to ticks.
fn ticks(model: &Model<'_>, mem_cycles: u64) -> u64 {
    let product = u128::from(mem_cycles) * u128::from(model.problem.accelerator.clock_khz);
    let clock = u128::from(model.memory.clock_khz);
    if model.deviates(Deviation::ClockRoundDown) {
        (product / clock) as u64
    } else {
        product.div_ceil(clock) as u64
    }
}
