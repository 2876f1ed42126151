//! Suites of the kinds that an accelerator is made of.

pub(crate) mod memory;
pub(crate) mod module;
mod profile;
mod work;

use crate::check::{Verdict, ensure};
use crate::common::is_name;
use codebench_model::{EventFacts, HardwareContext, MAX_EVENTS};
use std::collections::BTreeSet;

/// Counts above this are taken for negative numbers that wrapped around.
const MOST: u64 = 1 << 62;

/// Clocks and words that instances are made for: the paper's, and others.
fn hardware(index: usize) -> HardwareContext {
    let (clock_khz, word_bits) = [(700_000, 20), (1_000_000, 8), (250_000, 16), (2_333_333, 32)][index % 4];
    HardwareContext { clock_khz, word_bits }
}

/// Physical quantities are finite and not negative.
fn quantity(name: &str, value: f64) -> Verdict {
    ensure(value.is_finite() && value >= 0.0, || {
        format!("{name} = {value}: give a finite number that is not negative")
    })
}

fn events(events: &[EventFacts]) -> Verdict {
    ensure(events.len() <= MAX_EVENTS, || {
        format!("{} events are declared; at most {MAX_EVENTS} are counted", events.len())
    })?;
    let mut names = BTreeSet::new();
    for event in events {
        ensure(is_name(&event.name), || {
            format!("event `{}`: write lower case letters, digits and underscores", event.name)
        })?;
        ensure(names.insert(&event.name), || format!("event `{}` is declared twice", event.name))?;
        quantity(&format!("energy_pj of event `{}`", event.name), event.energy_pj)?;
    }
    Ok(())
}

/// Counts stand in declared events only, and none wrapped around.
fn counts(counts: &[u64; MAX_EVENTS], declared: &[EventFacts]) -> Verdict {
    for (i, count) in counts.iter().enumerate() {
        match declared.get(i) {
            Some(event) => ensure(*count < MOST, || {
                format!(
                    "event `{}` is counted {count} times: a negative number that wrapped around?",
                    event.name
                )
            })?,
            None => ensure(*count == 0, || {
                format!("events[{i}] = {count}, but only {} events are declared", declared.len())
            })?,
        }
    }
    Ok(())
}
