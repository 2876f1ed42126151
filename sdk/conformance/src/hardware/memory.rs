//! The suite of `memory`.

use super::profile::{self, Growth};
use super::{MOST, counts, events, hardware, quantity};
use crate::check::{Check, Finding, Verdict, ensure, failed, warning};
use crate::rows::{self, Call};
use crate::subject::{Shown, Subject};
use codebench_api::Memory;
use codebench_model::{HardwareContext, MAX_EVENTS, MemoryFacts, Parameters, TransferCost, TransferProfile};
use codebench_space::Rng;

pub(crate) const CHECKS: &[Check] = &[
    Check {
        name: "facts",
        promise: "Facts are finite, not negative, consistent, and the same at every call and in a fresh instance.",
        run: facts,
    },
    Check {
        name: "units",
        promise: "Reads and writes cost bus cycles; costs are no wrapped negative numbers; counts stand in declared events.",
        run: units,
    },
    Check {
        name: "determinism",
        promise: "A fresh instance with the same parameters gives the same costs.",
        run: determinism,
    },
    Check {
        name: "purity",
        promise: "Neither the order of the rows, nor their split into calls, nor repetition changes a cost.",
        run: purity,
    },
    Check {
        name: "monotonicity",
        promise: "More bytes, more runs and visits that find the wrong row open never cost fewer cycles or events.",
        run: monotonicity,
    },
    Check {
        name: "scale",
        promise: "1 to 65,536 rows, and transfers of any size, are answered alike, in time linear in the rows.",
        run: scale,
    },
    Check { name: "threads", promise: "Several threads at once get the answers of one.", run: threads },
];

struct Instance {
    parameters: Parameters,
    hardware: HardwareContext,
    memory: Box<dyn Memory>,
    facts: MemoryFacts,
}

impl Instance {
    fn cost(
        &self,
        profiles: &[TransferProfile],
        costs: &mut [TransferCost],
    ) -> Result<(), codebench_api::PluginError> {
        self.memory.cost(profiles, costs)
    }

    fn one(&self, profile: &TransferProfile) -> Result<TransferCost, Finding> {
        let mut cost = [TransferCost::default()];
        match self.cost(std::slice::from_ref(profile), &mut cost) {
            Ok(()) => Ok(cost[0]),
            Err(e) => rows::refused(profile, &e),
        }
    }

    fn profiles(&self, rng: &mut Rng, count: usize) -> Vec<TransferProfile> {
        (0..count).map(|_| profile::draw(&self.facts, rng)).collect()
    }
}

fn make(
    subject: &Subject<'_>,
    parameters: &Parameters,
    hardware: HardwareContext,
) -> Result<Instance, Finding> {
    match subject.catalog.memory(subject.id(), parameters, hardware) {
        Ok(memory) => {
            let facts = memory.facts();
            Ok(Instance { parameters: parameters.clone(), hardware, memory, facts })
        }
        Err(e) => failed(format!("with {} it cannot be made: {e}", Shown(parameters))),
    }
}

/// Runs `check` on instances with drawn parameters.
fn each(
    subject: &Subject<'_>,
    rng: &mut Rng,
    count: usize,
    mut check: impl FnMut(&Instance, &mut Rng) -> Verdict,
) -> Verdict {
    let drawn = subject.drawn(rng, count)?;
    let instances = subject.instances(drawn, |p| subject.catalog.memory(subject.id(), p, hardware(0)))?;
    for (i, (parameters, _)) in instances.into_iter().enumerate() {
        let instance = make(subject, &parameters, hardware(i))?;
        check(&instance, rng).map_err(|finding| match finding {
            Finding::Failed(message) => {
                Finding::Failed(format!("{message}\nwith {}", Shown(&instance.parameters)))
            }
            other => other,
        })?;
    }
    Ok(())
}

fn facts(subject: &Subject<'_>, rng: &mut Rng) -> Verdict {
    each(subject, rng, 24, |instance, _| {
        consistent(&instance.facts)?;
        ensure(instance.memory.facts() == instance.facts, || "a second call gives other facts".into())?;
        let fresh = make(subject, &instance.parameters, instance.hardware)?;
        ensure(fresh.facts == instance.facts, || "a fresh instance gives other facts".into())
    })
}

fn consistent(facts: &MemoryFacts) -> Verdict {
    for (name, value) in [
        ("area_mm2", facts.area_mm2),
        ("leakage_mw", facts.leakage_mw),
        ("background_mw", facts.background_mw),
    ] {
        quantity(name, value)?;
    }
    for (name, value) in [
        ("clock_khz", facts.clock_khz),
        ("channels", facts.channels),
        ("ranks", facts.ranks),
        ("banks_per_rank", facts.banks_per_rank),
        ("row_bytes", facts.row_bytes),
        ("burst_bytes", facts.burst_bytes),
        ("interleave_bytes", facts.interleave_bytes),
        ("capacity_bytes", facts.capacity_bytes),
    ] {
        ensure((1..MOST).contains(&value), || format!("{name} = {value}: give at least 1"))?;
    }
    ensure(facts.burst_bytes <= facts.row_bytes, || {
        format!("burst_bytes = {} is more than row_bytes = {}", facts.burst_bytes, facts.row_bytes)
    })?;
    let pages = facts.channels as f64 * facts.ranks as f64 * facts.banks_per_rank as f64;
    ensure(facts.capacity_bytes as f64 >= pages * facts.row_bytes as f64, || {
        format!("capacity_bytes = {} is less than one row in each of {pages} banks", facts.capacity_bytes)
    })?;
    let refreshes = facts.refresh_every_mem_cycles > 0;
    ensure(refreshes == (facts.refresh_mem_cycles > 0), || {
        format!(
            "refresh_every_mem_cycles = {} with refresh_mem_cycles = {}: give both, or 0 for both",
            facts.refresh_every_mem_cycles, facts.refresh_mem_cycles
        )
    })?;
    ensure(facts.refresh_event.is_none() || refreshes, || {
        "a refresh_event, but refresh_every_mem_cycles = 0: it would never be charged".into()
    })?;
    ensure(facts.refresh_mem_cycles <= facts.refresh_every_mem_cycles, || {
        format!(
            "a refresh of {} cycles every {} cycles leaves no time",
            facts.refresh_mem_cycles, facts.refresh_every_mem_cycles
        )
    })?;
    events(&facts.events)?;
    events(facts.refresh_event.as_slice())
}

fn sane(profile: &TransferProfile, cost: &TransferCost, facts: &MemoryFacts) -> Verdict {
    ensure((1..MOST).contains(&cost.bus_mem_cycles), || {
        format!("bus_mem_cycles = {} for {profile:?}: bytes occupy the channel", cost.bus_mem_cycles)
    })?;
    ensure(cost.first_byte_mem_cycles < MOST, || {
        format!("first_byte_mem_cycles = {} for {profile:?}: wrapped around?", cost.first_byte_mem_cycles)
    })?;
    counts(&cost.events, &facts.events)
}

fn units(subject: &Subject<'_>, rng: &mut Rng) -> Verdict {
    each(subject, rng, 12, |instance, rng| {
        for profile in instance.profiles(rng, 64) {
            for direction in [0, 1] {
                let profile = TransferProfile { direction, ..profile };
                sane(&profile, &instance.one(&profile)?, &instance.facts)?;
            }
        }
        Ok(())
    })
}

fn determinism(subject: &Subject<'_>, rng: &mut Rng) -> Verdict {
    each(subject, rng, 6, |instance, rng| {
        let profiles = instance.profiles(rng, 128);
        let call: Call<'_, _, _> = &|w: &[TransferProfile], c: &mut [TransferCost]| instance.cost(w, c);
        let expected = rows::costs(call, &profiles, &TransferCost::default())?;
        let fresh = make(subject, &instance.parameters, instance.hardware)?;
        let again: Call<'_, _, _> = &|w: &[TransferProfile], c: &mut [TransferCost]| fresh.cost(w, c);
        let costs = rows::costs(again, &profiles, &TransferCost::default())?;
        rows::same(&profiles, &costs, &expected, "from a fresh instance")
    })
}

fn purity(subject: &Subject<'_>, rng: &mut Rng) -> Verdict {
    each(subject, rng, 4, |instance, rng| {
        let dirty = TransferCost { bus_mem_cycles: 7, first_byte_mem_cycles: 7, events: [7; MAX_EVENTS] };
        let profiles = instance.profiles(rng, 128);
        rows::purity(&|w, c| instance.cost(w, c), &profiles, (&TransferCost::default(), &dirty), rng)
    })
}

fn monotonicity(subject: &Subject<'_>, rng: &mut Rng) -> Verdict {
    each(subject, rng, 12, |instance, rng| {
        for profile in instance.profiles(rng, 64) {
            let cost = instance.one(&profile)?;
            for growth in Growth::ALL {
                let Some(more) = profile::grown(profile, growth, rng) else { continue };
                let grown = instance.one(&more)?;
                let fewer = fewer(&cost, &grown, growth, &instance.facts);
                ensure(fewer.is_empty(), || {
                    format!(
                        "more work costs fewer {} ({growth:?} grew):\n{profile:?}\n{more:?}",
                        fewer.join(", ")
                    )
                })?;
            }
        }
        Ok(())
    })
}

/// What `grown` has less of than `cost`; events only where the same visits move more bytes, since a hit, an activate and a
/// conflict may be events of their own.
fn fewer(cost: &TransferCost, grown: &TransferCost, growth: Growth, facts: &MemoryFacts) -> Vec<String> {
    let total = |c: &TransferCost| c.bus_mem_cycles + c.first_byte_mem_cycles;
    let mut pairs = vec![
        ("bus_mem_cycles", cost.bus_mem_cycles, grown.bus_mem_cycles),
        ("bus_mem_cycles + first_byte_mem_cycles", total(cost), total(grown)),
    ];
    if matches!(growth, Growth::Bytes | Growth::Runs) {
        let events = facts.events.iter().zip(cost.events).zip(grown.events);
        pairs.extend(events.map(|((event, a), b)| (event.name.as_str(), a, b)));
    }
    pairs
        .into_iter()
        .filter(|(_, a, b)| b < a)
        .map(|(name, a, b)| format!("{name} ({b} after {a})"))
        .collect()
}

fn scale(subject: &Subject<'_>, rng: &mut Rng) -> Verdict {
    let mut slow = None;
    // The base and the extremes: what grows with a parameter shows there.
    each(subject, rng, 0, |instance, rng| {
        let huge = profile::huge(&instance.facts, rng);
        sane(&huge, &instance.one(&huge)?, &instance.facts)?;
        let profiles = instance.profiles(rng, 128);
        match rows::sizes(&|w, c| instance.cost(w, c), &profiles, &TransferCost::default()) {
            Err(Finding::Warning(message)) => slow = Some(message),
            other => other?,
        }
        Ok(())
    })?;
    slow.map_or(Ok(()), warning)
}

fn threads(subject: &Subject<'_>, rng: &mut Rng) -> Verdict {
    each(subject, rng, 1, |instance, rng| {
        let profiles = instance.profiles(rng, 128);
        let call: Call<'_, _, _> = &|w: &[TransferProfile], c: &mut [TransferCost]| instance.cost(w, c);
        let answer =
            || Ok((rows::costs(call, &profiles, &TransferCost::default())?, instance.memory.facts()));
        rows::threads(&answer, "costs")
    })
}
