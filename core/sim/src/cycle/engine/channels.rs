//! The state of the memory's channels: when they are free, which way they last went, which rows are open.

use super::super::error::{CycleError, LayerRef};
use super::super::machine::{FastMap, Machine, MainMemory};
use super::pattern::{Pattern, Touched, Visits};
use codebench_api::{ErrorKind, PluginError};
use codebench_model::{MAX_EVENTS, TransferCost, TransferProfile};

/// No page, no direction.
pub(super) const NONE: u64 = u64::MAX;
/// Answers that are kept.
const MOST_ROWS: usize = 1 << 16;

#[derive(Debug, Clone)]
pub(super) struct Channel {
    pub(super) free: u64,
    pub(super) direction: u64,
    /// Open page of each bank.
    pub(super) open: Vec<u64>,
}

/// What a transfer did.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Transfer {
    /// When its data are complete on all channels.
    pub(super) complete: u64,
    /// Ticks of turnaround on the slowest channel.
    pub(super) turnaround: u64,
    pub(super) events: [u64; MAX_EVENTS],
}

pub(super) struct Channels<'a> {
    memory: &'a MainMemory,
    clock_khz: u64,
    forgetful: bool,
    banks: u64,
    pub(super) channels: Vec<Channel>,
    known: FastMap<TransferProfile, TransferCost>,
    /// Of the transfer under way, one for each channel that it touches.
    profiles: Vec<TransferProfile>,
    costs: Vec<TransferCost>,
    /// Per bank: the transfer that last touched it, for counting distinct banks.
    stamps: Vec<u64>,
    stamp: u64,
}

impl<'a> Channels<'a> {
    pub(super) fn new(machine: &'a Machine) -> Self {
        let memory = &machine.memory;
        let facts = &memory.facts;
        let banks = facts.ranks * facts.banks_per_rank;
        let channel = Channel { free: 0, direction: NONE, open: vec![NONE; banks as usize] };
        Channels {
            memory,
            clock_khz: machine.context.clock_khz,
            forgetful: machine.forgetful,
            banks,
            channels: vec![channel; facts.channels as usize],
            known: FastMap::default(),
            profiles: Vec::new(),
            costs: Vec::new(),
            stamps: vec![0; banks as usize],
            stamp: 0,
        }
    }

    /// When all channels that the transfer touches are free.
    pub(super) fn free(&self, pattern: &Pattern) -> u64 {
        pattern.touches.iter().map(|touch| self.channels[touch.channel].free).max().unwrap_or(0)
    }

    /// Moves the bytes of a pattern whose pages lie `shift` pages behind, from `start` on; adds the memory cycles of the bus
    /// to `occupied`, one count per channel.
    pub(super) fn transfer(
        &mut self,
        start: u64,
        direction: u64,
        (pattern, shift): (&Pattern, u64),
        occupied: &mut [u64],
        layer: &LayerRef,
    ) -> Result<Transfer, CycleError> {
        let mut done = Transfer { complete: start, ..Transfer::default() };
        let place = (shift, shift % self.banks);
        self.profiles.clear();
        for touch in &pattern.touches {
            let profile = self.visit(direction, touch, place);
            self.profiles.push(profile);
        }
        self.price(layer)?;
        for (position, touch) in pattern.touches.iter().enumerate() {
            let (index, cost) = (touch.channel, self.costs[position]);
            let (complete, turnaround) = self
                .occupy(index, start, direction, &cost)
                .ok_or_else(|| CycleError::too_large("the time of a transfer"))?;
            occupied[index] = occupied[index]
                .checked_add(cost.bus_mem_cycles)
                .ok_or_else(|| CycleError::too_large("the time of the memory's bus"))?;
            if complete >= done.complete {
                done.complete = complete;
                done.turnaround = turnaround;
            }
            for (sum, count) in done.events.iter_mut().zip(&cost.events) {
                *sum = sum
                    .checked_add(*count)
                    .ok_or_else(|| CycleError::too_large("the number of memory events"))?;
            }
        }
        Ok(done)
    }

    /// Opens the rows, `shift` pages and so `rotation` banks behind, and counts how they were found.
    fn visit(&mut self, direction: u64, touch: &Touched, (shift, rotation): (u64, u64)) -> TransferProfile {
        let mut profile = TransferProfile {
            direction,
            bytes: touch.bytes,
            runs: touch.runs,
            run_bytes: touch.bytes.div_ceil(touch.runs.max(1)),
            ..TransferProfile::default()
        };
        let open = &mut self.channels[touch.channel].open;
        match &touch.visits {
            Visits::Once { pages, banks } => {
                for visit in banks {
                    let bank = visit.bank + rotation;
                    let bank = if bank < self.banks { bank } else { bank - self.banks };
                    let found = std::mem::replace(&mut open[bank as usize], visit.last + shift);
                    profile.row_hits += u64::from(found == visit.first + shift);
                    profile.row_activates += u64::from(found == NONE);
                }
                profile.banks = banks.len() as u64;
                profile.row_conflicts = pages - profile.row_hits - profile.row_activates;
            }
            Visits::Ordered(ranges) => {
                self.stamp += 1;
                for (first, last) in ranges {
                    for page in first + shift..=last + shift {
                        let bank = (page % self.banks) as usize;
                        match std::mem::replace(&mut open[bank], page) {
                            NONE => profile.row_activates += 1,
                            found if found == page => profile.row_hits += 1,
                            _ => profile.row_conflicts += 1,
                        }
                        profile.banks += u64::from(self.stamps[bank] != self.stamp);
                        self.stamps[bank] = self.stamp;
                    }
                }
            }
        }
        profile
    }

    /// Finds the costs of the profiles, with one call for all that are not known.
    fn price(&mut self, layer: &LayerRef) -> Result<(), CycleError> {
        self.costs.clear();
        self.costs.resize(self.profiles.len(), TransferCost::default());
        let mut asked: Vec<usize> = Vec::new();
        for (index, profile) in self.profiles.iter().enumerate() {
            match self.known.get(profile).filter(|_| !self.forgetful) {
                Some(cost) => self.costs[index] = *cost,
                None => asked.push(index),
            }
        }
        if asked.is_empty() {
            return Ok(());
        }
        let unknown: Vec<TransferProfile> = asked.iter().map(|index| self.profiles[*index]).collect();
        let mut answers = vec![TransferCost::default(); unknown.len()];
        self.memory.cost(&unknown, &mut answers, layer)?;
        if self.known.len() >= MOST_ROWS {
            self.known.clear();
        }
        for ((index, profile), cost) in asked.into_iter().zip(unknown).zip(answers) {
            self.check(&cost, layer)?;
            self.costs[index] = cost;
            self.known.insert(profile, cost);
        }
        Ok(())
    }

    fn check(&self, cost: &TransferCost, layer: &LayerRef) -> Result<(), CycleError> {
        let events = self.memory.facts.events.len();
        let Some(index) = (events..MAX_EVENTS).find(|i| cost.events[*i] != 0) else { return Ok(()) };
        let message = format!("it counts event {index}, but its facts have {events} events");
        Err(CycleError::Cost {
            layer: layer.clone(),
            module: self.memory.label(),
            source: PluginError { kind: ErrorKind::Contract, message },
        })
    }

    /// When the data are complete, and the ticks of turnaround before them.
    fn occupy(
        &mut self,
        channel: usize,
        start: u64,
        direction: u64,
        cost: &TransferCost,
    ) -> Option<(u64, u64)> {
        let facts = &self.memory.facts;
        let turnaround = match (self.channels[channel].direction, direction) {
            (0, 1) => facts.read_to_write_mem_cycles,
            (1, 0) => facts.write_to_read_mem_cycles,
            _ => 0,
        };
        let bus = cost.bus_mem_cycles;
        let refresh = match facts.refresh_every_mem_cycles {
            0 => 0,
            every => {
                let cycles = u128::from(bus) * u128::from(facts.refresh_mem_cycles);
                u64::try_from(cycles.div_ceil(u128::from(every))).ok()?
            }
        };
        let busy = turnaround.checked_add(bus)?.checked_add(refresh)?;
        let complete = start.checked_add(self.ticks(busy.checked_add(cost.first_byte_mem_cycles)?)?)?;
        let free = start.checked_add(self.ticks(busy)?)?;
        let turnaround = self.ticks(turnaround)?;
        let channel = &mut self.channels[channel];
        channel.free = free;
        channel.direction = direction;
        Some((complete, turnaround))
    }

    /// Ticks that cover `cycles` of the memory's clock.
    fn ticks(&self, cycles: u64) -> Option<u64> {
        let memory_khz = self.memory.facts.clock_khz;
        match cycles.checked_mul(self.clock_khz) {
            Some(product) => Some(product.div_ceil(memory_khz)),
            None => {
                let product = u128::from(cycles) * u128::from(self.clock_khz);
                u64::try_from(product.div_ceil(u128::from(memory_khz))).ok()
            }
        }
    }
}
