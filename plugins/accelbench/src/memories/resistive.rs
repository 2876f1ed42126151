//! RRAM: energies per access.

use super::organisation::Organisation;
use super::timing::Timing;
use codebench_sdk::prelude::*;

/// Opening a row, pJ.
const ACTIVATE_PJ: f64 = 81.2;
/// Reading a burst of the open row, pJ.
const READ_BURST_PJ: f64 = 1.616;
/// Writing a burst of which every bit changes, pJ.
const WRITE_PJ: f64 = 1684.811;
/// The part of it that each bit takes, pJ.
const WRITE_BIT_PJ: f64 = 0.202;

/// A resistive memory in an organisation.
#[derive(Debug)]
pub(crate) struct Resistive {
    timing: Timing,
    organisation: Organisation,
    background_mw: f64,
}

/// Those of every memory, and the background power.
pub(crate) fn parameters(organisations: &[[u64; 3]]) -> Vec<ParameterDescription> {
    let mut parameters = Organisation::parameters(organisations);
    parameters.push(
        ParameterDescription::float(
            "background_mw",
            0.0,
            1e6,
            0.0,
            "Power of the idle periphery; the cells need none, and the paper counts none.",
        )
        .unit("mW"),
    );
    parameters
}

impl Resistive {
    pub(crate) fn of(
        configuration: &Configuration<'_>,
        timing: Timing,
        organisation: Organisation,
    ) -> Result<Resistive, PluginError> {
        Ok(Resistive { timing, organisation, background_mw: configuration.float("background_mw")? })
    }

    pub(crate) fn facts(&self) -> MemoryFacts {
        let burst_bits = (self.timing.burst_bytes() * 8) as f64;
        let memory = |name, pj| EventFacts::new(name, Cause::Memory, pj);
        MemoryFacts {
            background_mw: self.background_mw,
            events: vec![
                memory("activate", ACTIVATE_PJ),
                memory("read_burst", READ_BURST_PJ),
                memory("write_burst", WRITE_PJ - WRITE_BIT_PJ * burst_bits),
                memory("write_bit", WRITE_BIT_PJ),
            ],
            ..self.timing.facts(&self.organisation)
        }
    }

    pub(crate) fn cost(
        &self,
        profiles: &[TransferProfile],
        costs: &mut [TransferCost],
    ) -> Result<(), PluginError> {
        self.timing.cost(&self.organisation, profiles, costs)
    }
}
