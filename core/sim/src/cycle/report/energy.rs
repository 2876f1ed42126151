//! Energy of events, and leakage.

use super::super::machine::Machine;
use super::super::timeline::LayerTimeline;
use codebench_model::cycle_costs::EnergyByCause;
use codebench_model::{Cause, EventFacts};

/// Dynamic energy, J: counts times energies, multiplied once, summed in table order.
pub(super) struct Energy {
    /// In the order of the machine's modules.
    pub(super) by_module: Vec<f64>,
    pub(super) memory: f64,
    /// Without leakage.
    pub(super) by_cause: EnergyByCause,
}

impl Energy {
    pub(super) fn of(machine: &Machine, timeline: &LayerTimeline) -> Energy {
        let mut by_cause = EnergyByCause::default();
        let mut sum = |events: &[EventFacts], counts: &[u64]| -> f64 {
            let joules = events.iter().zip(counts).map(|(event, count)| {
                let joules = *count as f64 * event.energy_pj * 1e-12;
                *slot(&mut by_cause, event.cause) += joules;
                joules
            });
            joules.sum()
        };
        let none = [0; codebench_model::MAX_EVENTS];
        let by_module = machine
            .modules
            .iter()
            .enumerate()
            .map(|(index, module)| sum(&module.facts.events, timeline.events.get(index).unwrap_or(&none)))
            .collect();
        let facts = &machine.memory.facts;
        let mut memory = sum(&facts.events, &timeline.memory_events);
        memory += sum(facts.refresh_event.as_slice(), &[timeline.refreshes]);
        Energy { by_module, memory, by_cause }
    }
}

fn slot(energy: &mut EnergyByCause, cause: Cause) -> &mut f64 {
    match cause {
        Cause::Mac => &mut energy.mac_j,
        Cause::BufferRead => &mut energy.buffer_read_j,
        Cause::BufferWrite => &mut energy.buffer_write_j,
        Cause::Dma => &mut energy.dma_j,
        Cause::Memory => &mut energy.memory_j,
        Cause::Vector => &mut energy.vector_j,
        Cause::Control => &mut energy.control_j,
    }
}

/// Leakage of all modules, with the memory's background power, mW.
pub(super) fn leakage_mw(machine: &Machine) -> f64 {
    let memory = &machine.memory.facts;
    let modules: f64 = machine.modules.iter().map(|m| m.facts.leakage_mw).sum();
    modules + memory.leakage_mw + memory.background_mw
}
