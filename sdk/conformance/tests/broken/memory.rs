use crate::{Case, all_noticed, info, passes};
use codebench_api::{Entry, Kind, Maker, Memory, PluginError};
use codebench_conformance::Status::{Crashed, Failed};
use codebench_model::{Cause, EventFacts, MemoryFacts, TransferCost, TransferProfile};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

type Cost = fn(&TransferProfile, &mut TransferCost, u64, usize);
type Facts = fn(&mut MemoryFacts, u64);

struct Fake {
    facts: Facts,
    cost: Cost,
    calls: AtomicU64,
    instance: u64,
    running: AtomicU64,
}

static INSTANCES: AtomicU64 = AtomicU64::new(0);

impl Memory for Fake {
    fn facts(&self) -> MemoryFacts {
        let mut facts = MemoryFacts {
            clock_khz: 1_000_000,
            channels: 2,
            ranks: 1,
            banks_per_rank: 8,
            row_bytes: 2048,
            burst_bytes: 64,
            interleave_bytes: 256,
            capacity_bytes: 1 << 30,
            events: vec![EventFacts::new("burst", Cause::Memory, 10.0)],
            ..MemoryFacts::default()
        };
        (self.facts)(&mut facts, self.calls.fetch_add(1, Ordering::Relaxed));
        facts
    }

    fn cost(&self, profiles: &[TransferProfile], costs: &mut [TransferCost]) -> Result<(), PluginError> {
        let running = self.running.fetch_add(1, Ordering::SeqCst);
        for (p, cost) in profiles.iter().zip(costs) {
            let bursts = p.runs * p.run_bytes.div_ceil(64);
            let opened = 10 * p.row_activates + 20 * p.row_conflicts;
            *cost = TransferCost {
                bus_mem_cycles: bursts + opened,
                first_byte_mem_cycles: 20,
                ..TransferCost::default()
            };
            cost.events[0] = bursts;
            // What a fault may depend on: the instance, and in the high half what else runs.
            (self.cost)(p, cost, self.instance | running << 32, profiles.len());
        }
        self.running.fetch_sub(1, Ordering::SeqCst);
        Ok(())
    }
}

fn fake(facts: Facts, cost: Cost) -> Entry {
    let make = move |_: &codebench_api::Configuration<'_>| {
        let instance = INSTANCES.fetch_add(1, Ordering::Relaxed);
        let zero = || AtomicU64::new(0);
        Ok(Box::new(Fake { facts, cost, calls: zero(), instance, running: zero() }) as Box<dyn Memory>)
    };
    crate::entry(info(), Maker::Memory(Arc::new(make)))
}

fn facts(change: Facts) -> Entry {
    fake(change, |_, _, _, _| {})
}

fn cost(change: Cost) -> Entry {
    fake(|_, _| {}, change)
}

#[test]
fn a_sound_memory_passes() {
    passes(facts(|_, _| {}));
    passes(facts(|f, _| (f.refresh_every_mem_cycles, f.refresh_mem_cycles) = (1000, 10)));
}

#[test]
fn every_check_can_fail() {
    let cases: Vec<Case> = vec![
        (facts(|f, _| f.background_mw = -1.0), "facts", Failed, "background_mw = -1"),
        (facts(|f, _| f.channels = 0), "facts", Failed, "channels = 0"),
        (facts(|f, _| f.burst_bytes = 4096), "facts", Failed, "burst_bytes = 4096 is more"),
        (facts(|f, _| f.capacity_bytes = 4096), "facts", Failed, "capacity_bytes = 4096"),
        (facts(|f, _| f.refresh_mem_cycles = 4), "facts", Failed, "give both, or 0 for both"),
        (
            facts(|f, _| (f.refresh_every_mem_cycles, f.refresh_mem_cycles) = (4, 5)),
            "facts",
            Failed,
            "leaves no time",
        ),
        (facts(|f, _| f.refresh_event = f.events.first().cloned()), "facts", Failed, "never be charged"),
        (facts(|f, calls| f.ranks += calls), "facts", Failed, "a second call"),
        (cost(|_, c, _, _| c.bus_mem_cycles = 0), "units", Failed, "bus_mem_cycles = 0"),
        (cost(|_, c, _, _| c.first_byte_mem_cycles = u64::MAX), "units", Failed, "first_byte_mem_cycles"),
        (cost(|_, c, _, _| c.events[7] = 1), "units", Failed, "events[7] = 1"),
        (
            cost(|_, c, instance, _| c.first_byte_mem_cycles = instance),
            "determinism",
            Failed,
            "a fresh instance",
        ),
        (cost(|_, c, _, rows| c.first_byte_mem_cycles = rows as u64), "purity", Failed, "asked alone"),
        (cost(|p, c, _, _| c.bus_mem_cycles = 1 + 1000 / p.bytes), "monotonicity", Failed, "bus_mem_cycles"),
        (cost(|p, c, _, _| c.events[0] = 1000 / p.runs), "monotonicity", Failed, "fewer burst"),
        (
            cost(|p, c, _, _| c.bus_mem_cycles = 1 + p.bytes + 30 * p.row_hits),
            "monotonicity",
            Failed,
            "HitToActivate",
        ),
        (
            cost(|p, c, _, _| c.events[0] = u64::from(u32::try_from(p.bytes).unwrap())),
            "scale",
            Crashed,
            "panicked",
        ),
        (
            cost(|_, c, _, rows| c.first_byte_mem_cycles = (rows > 4096).into()),
            "scale",
            Failed,
            "among 65536 rows",
        ),
        (
            cost(|_, c, seen, _| {
                std::thread::sleep(std::time::Duration::from_micros(10));
                c.first_byte_mem_cycles = u64::from(seen >> 32 > 0);
            }),
            "threads",
            Failed,
            "several threads",
        ),
    ];
    all_noticed(Kind::Memory, cases);
}
