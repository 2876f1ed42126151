//! `codebench/hbm`.

use super::dynamic::{Currents, Dynamic};
use super::organisation::Organisation;
use super::timing::Timing;
use codebench_sdk::prelude::*;

/// Stacked DRAM of the class of high-bandwidth memory, behind a bus of 128 bits a channel.
#[derive(Debug)]
pub struct Hbm(Dynamic);

/// NVMain's `3D_DRAM_example`. 8192 refreshes in 32 ms.
const TIMING: Timing = Timing {
    clock_khz: 1_333_000,
    data_rate: 2,
    bus_bits: 128,
    rows: 8192,
    columns: 16,
    t_burst: 2,
    t_rcd: 10,
    t_cas: 10,
    t_rp: 10,
    t_ras: 24,
    t_wp: 0,
    t_ccd: 4,
    t_cwd: 7,
    t_wtr: 5,
    t_wr: 10,
    t_rtp: 5,
    t_rrd: 5,
    raw: 4,
    t_raw: 20,
    t_rfc: 107,
    t_refi: 42_666_667 / 8192,
};

/// The currents are those of a device of eight bits, of which 16 make the bus.
const CURRENTS: Currents = Currents {
    volts: 1.2,
    idd0: 41.0,
    idd2n: 23.0,
    idd3n: 33.0,
    idd4r: 88.0,
    idd4w: 91.0,
    idd5b: 111.0,
    devices: 16.0,
};

/// The paper's organisation: banks per rank, ranks, channels.
const ORGANISATIONS: [[u64; 3]; 1] = [[32, 1, 4]];

impl Plugin for Hbm {
    type Kind = kinds::Memory;

    fn info() -> PluginInfo {
        PluginInfo::new("codebench/hbm", "0.1.0", "Stacked DRAM of the class of high-bandwidth memory.")
            .parameters(Organisation::parameters(&ORGANISATIONS))
            .example(
                "eight channels",
                "[[module]]\nrole = \"memory\"\nplugin = \"codebench/hbm\"\nparameters = { channels = 8 }",
            )
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        let (row, burst) = (TIMING.row_bytes(), TIMING.burst_bytes());
        let organisation = Organisation::of(configuration, &ORGANISATIONS, row, burst)?;
        Ok(Hbm(Dynamic { timing: TIMING, currents: CURRENTS, organisation }))
    }
}

impl Memory for Hbm {
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
    fn bursts_are_as_far_apart_as_column_commands() {
        let facts = memory("codebench/hbm", "").unwrap().facts();
        assert_eq!((facts.channels, facts.row_bytes, facts.burst_bytes), (4, 1024, 64));
        assert_eq!(facts.capacity_bytes, 1 << 30);
        assert_eq!(transfer("codebench/hbm", 0, 1024).bus_mem_cycles, 16 * 4);
    }

    #[test]
    fn a_bit_of_a_row_read_whole_costs_about_four_picojoules() {
        let facts = memory("codebench/hbm", "").unwrap().facts();
        let row = facts.events[0].energy_pj + 16.0 * facts.events[1].energy_pj;
        let per_bit = row / (1024.0 * 8.0);
        assert!((3.0..4.5).contains(&per_bit), "{per_bit} pJ/bit");
    }
}
