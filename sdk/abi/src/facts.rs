//! Facts of accelerator modules and memories, typed.

use abi_stable::StableAbi;
use abi_stable::std_types::{ROption, RString, RVec};
use codebench_api::PluginError;
use codebench_model::{Activation, Cause, EventFacts, MemoryFacts, ModuleFacts, PrimitiveKind, TileSize};

/// [`EventFacts`].
#[repr(C)]
#[derive(Debug, Clone, StableAbi)]
struct Event {
    name: RString,
    /// Position in [`Cause::ALL`].
    cause: u64,
    energy_pj: f64,
}

/// [`ModuleFacts`]; primitives and activations by their codes.
#[repr(C)]
#[derive(Debug, Clone, StableAbi)]
pub(crate) struct FactsOfModule {
    area_mm2: f64,
    leakage_mw: f64,
    primitives: RVec<u64>,
    activations: RVec<u64>,
    peak_macs_per_cycle: u64,
    /// Batch, y, x, in, out.
    preferred_tile: [u64; 5],
    capacity_bytes: u64,
    read_bytes_per_cycle: u64,
    write_bytes_per_cycle: u64,
    skips_zero_activations: bool,
    skips_zero_weights: bool,
    events: RVec<Event>,
}

/// [`MemoryFacts`].
#[repr(C)]
#[derive(Debug, Clone, StableAbi)]
pub(crate) struct FactsOfMemory {
    clock_khz: u64,
    channels: u64,
    ranks: u64,
    banks_per_rank: u64,
    row_bytes: u64,
    burst_bytes: u64,
    interleave_bytes: u64,
    capacity_bytes: u64,
    read_to_write_mem_cycles: u64,
    write_to_read_mem_cycles: u64,
    refresh_every_mem_cycles: u64,
    refresh_mem_cycles: u64,
    area_mm2: f64,
    leakage_mw: f64,
    background_mw: f64,
    events: RVec<Event>,
    refresh_event: ROption<Event>,
}

impl From<EventFacts> for Event {
    fn from(event: EventFacts) -> Self {
        let cause = Cause::ALL.iter().position(|(cause, _)| *cause == event.cause);
        Event {
            name: event.name.into(),
            cause: cause.map_or(u64::MAX, |position| position as u64),
            energy_pj: event.energy_pj,
        }
    }
}

impl TryFrom<Event> for EventFacts {
    type Error = PluginError;

    fn try_from(event: Event) -> Result<Self, PluginError> {
        let cause = usize::try_from(event.cause).ok().and_then(|position| Cause::ALL.get(position));
        let (cause, _) = *cause.ok_or_else(|| unknown("cause", event.cause))?;
        Ok(EventFacts { name: event.name.into_string(), cause, energy_pj: event.energy_pj })
    }
}

fn unknown(what: &str, code: u64) -> PluginError {
    PluginError::contract(format!("the facts name {what} {code}, which is not known here"))
}

fn events(events: RVec<Event>) -> Result<Vec<EventFacts>, PluginError> {
    events.into_iter().map(EventFacts::try_from).collect()
}

impl From<ModuleFacts> for FactsOfModule {
    fn from(f: ModuleFacts) -> Self {
        let TileSize { batch, y, x, in_channels, out_channels } = f.preferred_tile;
        FactsOfModule {
            area_mm2: f.area_mm2,
            leakage_mw: f.leakage_mw,
            primitives: f.primitives.iter().map(|p| p.code()).collect(),
            activations: f.activations.iter().map(|a| a.code()).collect(),
            peak_macs_per_cycle: f.peak_macs_per_cycle,
            preferred_tile: [batch, y, x, in_channels, out_channels],
            capacity_bytes: f.capacity_bytes,
            read_bytes_per_cycle: f.read_bytes_per_cycle,
            write_bytes_per_cycle: f.write_bytes_per_cycle,
            skips_zero_activations: f.skips_zero_activations,
            skips_zero_weights: f.skips_zero_weights,
            events: f.events.into_iter().map(Event::from).collect(),
        }
    }
}

impl TryFrom<FactsOfModule> for ModuleFacts {
    type Error = PluginError;

    fn try_from(f: FactsOfModule) -> Result<Self, PluginError> {
        let primitive = |code: &u64| PrimitiveKind::of_code(*code).ok_or_else(|| unknown("primitive", *code));
        let activation = |code: &u64| Activation::of_code(*code).ok_or_else(|| unknown("activation", *code));
        let [batch, y, x, in_channels, out_channels] = f.preferred_tile;
        Ok(ModuleFacts {
            area_mm2: f.area_mm2,
            leakage_mw: f.leakage_mw,
            primitives: f.primitives.iter().map(primitive).collect::<Result<_, _>>()?,
            activations: f.activations.iter().map(activation).collect::<Result<_, _>>()?,
            peak_macs_per_cycle: f.peak_macs_per_cycle,
            preferred_tile: TileSize { batch, y, x, in_channels, out_channels },
            capacity_bytes: f.capacity_bytes,
            read_bytes_per_cycle: f.read_bytes_per_cycle,
            write_bytes_per_cycle: f.write_bytes_per_cycle,
            skips_zero_activations: f.skips_zero_activations,
            skips_zero_weights: f.skips_zero_weights,
            events: events(f.events)?,
        })
    }
}

/// Both directions of a conversion in which every field keeps its name but the events.
macro_rules! memory_facts {
    ($($field:ident),* $(,)?) => {
        impl From<MemoryFacts> for FactsOfMemory {
            fn from(f: MemoryFacts) -> Self {
                FactsOfMemory {
                    $($field: f.$field,)*
                    events: f.events.into_iter().map(Event::from).collect(),
                    refresh_event: f.refresh_event.map(Event::from).into(),
                }
            }
        }

        impl TryFrom<FactsOfMemory> for MemoryFacts {
            type Error = PluginError;

            fn try_from(f: FactsOfMemory) -> Result<Self, PluginError> {
                Ok(MemoryFacts {
                    $($field: f.$field,)*
                    events: events(f.events)?,
                    refresh_event: f.refresh_event.into_option().map(EventFacts::try_from).transpose()?,
                })
            }
        }
    };
}

memory_facts!(
    clock_khz,
    channels,
    ranks,
    banks_per_rank,
    row_bytes,
    burst_bytes,
    interleave_bytes,
    capacity_bytes,
    read_to_write_mem_cycles,
    write_to_read_mem_cycles,
    refresh_every_mem_cycles,
    refresh_mem_cycles,
    area_mm2,
    leakage_mw,
    background_mw,
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_come_back_as_they_went() {
        let facts = ModuleFacts {
            area_mm2: 0.1,
            primitives: PrimitiveKind::ALL.to_vec(),
            activations: vec![Activation::Relu],
            preferred_tile: TileSize { batch: 1, y: 2, x: 3, in_channels: 4, out_channels: 5 },
            skips_zero_weights: true,
            events: Cause::ALL.map(|(cause, name)| EventFacts::new(name, cause, 0.5)).to_vec(),
            ..ModuleFacts::default()
        };
        assert_eq!(ModuleFacts::try_from(FactsOfModule::from(facts.clone())), Ok(facts));
        let memory = MemoryFacts {
            clock_khz: 7,
            refresh_event: Some(EventFacts::new("refresh", Cause::Memory, 2.5)),
            ..MemoryFacts::default()
        };
        assert_eq!(MemoryFacts::try_from(FactsOfMemory::from(memory.clone())), Ok(memory));
    }

    #[test]
    fn unknown_codes_are_refused() {
        let mut facts = FactsOfModule::from(ModuleFacts::default());
        facts.primitives.push(1000);
        assert_eq!(
            ModuleFacts::try_from(facts).unwrap_err().message,
            "the facts name primitive 1000, which is not known here"
        );
    }
}
