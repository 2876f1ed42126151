//! `codebench/rram-off-chip`.

use super::organisation::Organisation;
use super::resistive::{Resistive, parameters};
use super::rram::ORGANISATIONS;
use super::timing::Timing;
use codebench_sdk::prelude::*;

/// RRAM on devices of its own, behind a bus of 64 bits a channel.
#[derive(Debug)]
pub struct RramOffChip(Resistive);

/// NVMain's `RRAM_ISSCC_2012_4GB`, with the rows and columns of the paper's configuration.
const TIMING: Timing = Timing {
    clock_khz: 400_000,
    data_rate: 2,
    bus_bits: 64,
    rows: 8192,
    columns: 512,
    t_burst: 4,
    t_rcd: 10,
    t_cas: 6,
    t_rp: 1,
    t_ras: 0,
    t_wp: 4,
    t_ccd: 2,
    t_cwd: 4,
    t_wtr: 3,
    t_wr: 0,
    t_rtp: 3,
    t_rrd: 4,
    raw: 4,
    t_raw: 20,
    t_rfc: 100,
    t_refi: 0,
};

impl Plugin for RramOffChip {
    type Kind = kinds::Memory;

    fn info() -> PluginInfo {
        PluginInfo::new("codebench/rram-off-chip", "0.1.0", "RRAM on devices of its own, behind a 64-bit bus.")
            .parameters(parameters(&ORGANISATIONS))
            .example(
                "one channel",
                "[[module]]\nrole = \"memory\"\nplugin = \"codebench/rram-off-chip\"\nparameters = { organisation = 5 }",
            )
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        Organisation::of(configuration, &ORGANISATIONS, TIMING.row_bytes(), TIMING.burst_bytes())
            .and_then(|organisation| Resistive::of(configuration, TIMING, organisation))
            .map(RramOffChip)
    }
}

impl Memory for RramOffChip {
    fn facts(&self) -> MemoryFacts {
        self.0.facts()
    }

    fn cost(&self, profiles: &[TransferProfile], costs: &mut [TransferCost]) -> Result<(), PluginError> {
        self.0.cost(profiles, costs)
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{memory, transfer};

    #[test]
    fn a_burst_is_64_bytes_and_a_full_write_costs_the_published_energy() {
        let facts = memory("codebench/rram-off-chip", "").unwrap().facts();
        assert_eq!((facts.row_bytes, facts.burst_bytes), (32_768, 64));
        assert!((facts.events[2].energy_pj + 512.0 * facts.events[3].energy_pj - 1684.811).abs() < 1e-9);
        let read = transfer("codebench/rram-off-chip", 0, 4096);
        assert_eq!((read.bus_mem_cycles, read.first_byte_mem_cycles), (64 * 4, 10 + 6));
        assert_eq!(transfer("codebench/rram-off-chip", 1, 4096).bus_mem_cycles, 64 * 8);
    }
}
