//! Modules whose costs are random linear functions of every field of their rows, so that no field can be wrong unnoticed.

use crate::Random;
use codebench_api::{AccelModule, Memory, PluginError};
use codebench_model::{
    Cause, EventFacts, MAX_EVENTS, MemoryFacts, ModuleFacts, TileCost, TileWork, TransferCost,
    TransferProfile,
};

const WORK_FIELDS: usize = 31;
const PROFILE_FIELDS: usize = 8;

/// A module of an accelerator.
#[derive(Debug, Clone)]
pub struct StubModule {
    /// Its facts.
    pub facts: ModuleFacts,
    base: u64,
    /// Ticks per 256 of each field.
    busy: [u64; WORK_FIELDS],
    fill: u64,
    events: [[u64; WORK_FIELDS]; 2],
    /// Whether it reads and writes the buffers.
    traffic: bool,
}

/// Events of a stub.
fn events(random: &mut Random, count: usize) -> Vec<EventFacts> {
    let event =
        |n: usize| EventFacts::new(&format!("event{n}"), Cause::Control, random.from(0, 100) as f64 / 8.0);
    (0..count).map(event).collect()
}

impl StubModule {
    /// A random module; `slow` of 256 ticks at most per unit of the fields that say how much work it is.
    pub fn random(random: &mut Random, facts: ModuleFacts, slow: u64) -> Self {
        let mut module = StubModule {
            facts: ModuleFacts { events: events(random, 3), leakage_mw: 0.5, area_mm2: 0.25, ..facts },
            base: random.from(0, 2),
            busy: [0; WORK_FIELDS],
            fill: random.from(0, 3) * random.from(0, 3),
            events: [[0; WORK_FIELDS]; 2],
            traffic: random.chance(70),
        };
        let (macs, read, write, mask) = (21, 25, 26, 27);
        for field in [macs, read, write, mask] {
            module.busy[field] = if random.chance(50) { random.from(0, slow) } else { 0 };
        }
        for row in &mut module.events {
            row.iter_mut().for_each(|factor| *factor = random.from(0, 9));
        }
        module
    }
}

fn dot(fields: &[u64], factors: &[u64]) -> u64 {
    fields.iter().zip(factors).map(|(field, factor)| field * factor).sum()
}

impl AccelModule for StubModule {
    fn facts(&self) -> ModuleFacts {
        self.facts.clone()
    }

    fn cost(&self, works: &[TileWork], costs: &mut [TileCost]) -> Result<(), PluginError> {
        for (work, cost) in works.iter().zip(costs) {
            let fields: [u64; WORK_FIELDS] = bytemuck::cast(*work);
            let transfer = work.primitive == 0;
            let mut counts = [0; MAX_EVENTS];
            counts[0] = 1;
            counts[1] = dot(&fields, &self.events[0]);
            counts[2] = dot(&fields, &self.events[1]);
            let traffic = |bytes: u64| if self.traffic && !transfer { bytes } else { 0 };
            *cost = TileCost {
                busy_cycles: self.base + dot(&fields, &self.busy).div_ceil(256),
                fill_cycles: self.fill,
                activation_read_bytes: traffic(work.read_bytes),
                activation_write_bytes: traffic(work.write_bytes),
                weight_read_bytes: traffic(work.effective_macs / 4),
                mask_read_bytes: traffic(work.mask_bytes),
                mask_write_bytes: traffic(work.write_bytes / 16),
                events: counts,
            };
        }
        Ok(())
    }
}

/// A main memory.
#[derive(Debug, Clone)]
pub struct StubMemory {
    /// Its facts.
    pub facts: MemoryFacts,
    base: u64,
    /// Memory cycles of the bus per 64 of each field.
    bus: [u64; PROFILE_FIELDS],
    /// Memory cycles to the first byte, likewise.
    first: [u64; PROFILE_FIELDS],
    events: [u64; PROFILE_FIELDS],
}

impl StubMemory {
    /// A random memory of a few small rows.
    pub fn random(random: &mut Random, clock_khz: u64) -> Self {
        let row_bytes = random.pick(&[16, 32, 64, 96, 256]);
        let burst_bytes = random.pick(&[4, 8, 16]);
        let refreshed = random.chance(60);
        let turns = random.chance(70);
        let turn = |random: &mut Random| if turns { random.from(0, 8) } else { 0 };
        let facts = MemoryFacts {
            clock_khz,
            channels: random.from(1, 4),
            ranks: random.from(1, 2),
            banks_per_rank: random.from(1, 4),
            row_bytes,
            burst_bytes,
            interleave_bytes: random.pick(&[16, 32, 48, row_bytes, 2 * row_bytes]),
            capacity_bytes: 1 << random.pick(&[16, 20, 24]),
            read_to_write_mem_cycles: turn(random),
            write_to_read_mem_cycles: turn(random),
            refresh_every_mem_cycles: if refreshed { random.from(20, 400) } else { 0 },
            refresh_mem_cycles: if refreshed { random.from(1, 40) } else { 0 },
            leakage_mw: 1.0,
            background_mw: 2.0,
            area_mm2: 0.0,
            events: events(random, 2),
            refresh_event: refreshed.then(|| EventFacts::new("refresh", Cause::Memory, 3.5)),
        };
        let mut memory = StubMemory {
            facts,
            base: random.from(0, 3),
            bus: [0; PROFILE_FIELDS],
            first: [0; PROFILE_FIELDS],
            events: [0; PROFILE_FIELDS],
        };
        for field in 1..PROFILE_FIELDS {
            memory.bus[field] = random.from(0, 64);
            memory.first[field] = random.from(0, 64);
        }
        // Bytes and length of runs, which are large.
        for field in [1, 3] {
            memory.bus[field] /= 8;
            memory.first[field] /= 8;
        }
        memory.events.iter_mut().for_each(|factor| *factor = random.from(0, 9));
        memory
    }
}

impl Memory for StubMemory {
    fn facts(&self) -> MemoryFacts {
        self.facts.clone()
    }

    fn cost(&self, profiles: &[TransferProfile], costs: &mut [TransferCost]) -> Result<(), PluginError> {
        for (profile, cost) in profiles.iter().zip(costs) {
            let fields: [u64; PROFILE_FIELDS] = bytemuck::cast(*profile);
            let mut counts = [0; MAX_EVENTS];
            counts[0] = 1;
            counts[1] = dot(&fields, &self.events);
            *cost = TransferCost {
                bus_mem_cycles: self.base + dot(&fields, &self.bus).div_ceil(64),
                first_byte_mem_cycles: dot(&fields, &self.first).div_ceil(64),
                events: counts,
            };
        }
        Ok(())
    }
}
