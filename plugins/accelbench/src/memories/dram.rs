//! `codebench/dram`.

use super::dynamic::{Currents, Dynamic};
use super::organisation::Organisation;
use super::timing::Timing;
use codebench_sdk::prelude::*;

/// DDR3-1333 of devices of eight bits, behind a bus of 64 bits a channel.
#[derive(Debug)]
pub struct Dram(Dynamic);

/// NVMain's `2D_DRAM_example`: Micron DDR3-1333 4 Gb x8. 8192 refreshes in 64 ms.
const TIMING: Timing = Timing {
    clock_khz: 666_000,
    data_rate: 2,
    bus_bits: 64,
    rows: 65_536,
    columns: 32,
    t_burst: 4,
    t_rcd: 9,
    t_cas: 10,
    t_rp: 9,
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

const CURRENTS: Currents = Currents {
    volts: 1.5,
    idd0: 85.0,
    idd2n: 37.0,
    idd3n: 40.0,
    idd4r: 160.0,
    idd4w: 165.0,
    idd5b: 200.0,
    devices: 8.0,
};

/// The paper's organisations: banks per rank, ranks, channels.
const ORGANISATIONS: [[u64; 3]; 4] = [[16, 2, 2], [8, 2, 4], [32, 2, 1], [16, 4, 1]];

impl Plugin for Dram {
    type Kind = kinds::Memory;

    fn info() -> PluginInfo {
        PluginInfo::new("codebench/dram", "0.1.0", "Off-chip DDR3-1333 DRAM.")
            .parameters(Organisation::parameters(&ORGANISATIONS))
            .example(
                "two channels of a JEDEC rank",
                "[[module]]\nrole = \"memory\"\nplugin = \"codebench/dram\"\n\
                 parameters = { banks = 8, ranks = 1, channels = 2 }",
            )
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        let (row, burst) = (TIMING.row_bytes(), TIMING.burst_bytes());
        let organisation = Organisation::of(configuration, &ORGANISATIONS, row, burst)?;
        Ok(Dram(Dynamic { timing: TIMING, currents: CURRENTS, organisation }))
    }
}

impl Memory for Dram {
    fn facts(&self) -> MemoryFacts {
        self.0.facts()
    }

    fn cost(&self, profiles: &[TransferProfile], costs: &mut [TransferCost]) -> Result<(), PluginError> {
        self.0.cost(profiles, costs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{memory, transfer};

    #[test]
    fn energies_follow_from_the_currents() {
        let facts =
            memory("codebench/dram", "banks = 8, ranks = 2, channels = 1".replace(", ", "\n").as_str())
                .unwrap()
                .facts();
        let pj = |milliamperes: f64, cycles: f64| 8.0 * 1.5 * milliamperes * cycles / 666.0 * 1e3;
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-6 * b, "{a} {b}");
        close(facts.events[1].energy_pj, pj(120.0, 4.0));
        close(facts.events[2].energy_pj, pj(125.0, 4.0));
        close(facts.events[0].energy_pj, pj(85.0 * 33.0 - 40.0 * 24.0 - 37.0 * 9.0, 1.0));
        close(facts.refresh_event.unwrap().energy_pj, 2.0 * pj(160.0, 107.0));
        close(facts.background_mw, 8.0 * 1.5 * (40.0 + 37.0));
        assert_eq!((facts.row_bytes, facts.burst_bytes, facts.refresh_every_mem_cycles), (2048, 64, 5208));
        assert_eq!((facts.read_to_write_mem_cycles, facts.write_to_read_mem_cycles), (5, 12));
    }

    #[test]
    fn rows_of_one_bank_follow_each_other_and_those_of_many_overlap() {
        let read = |conflicts, banks| {
            let profile = TransferProfile {
                bytes: 8 * 2048,
                runs: 1,
                run_bytes: 8 * 2048,
                row_conflicts: conflicts,
                banks,
                ..TransferProfile::default()
            };
            let mut costs = [TransferCost::default()];
            memory("codebench/dram", "").unwrap().cost(&[profile], &mut costs).unwrap();
            costs[0].bus_mem_cycles
        };
        // Eight rows of 32 bursts: the bus alone, and seven times tRTP + tRP + tRCD between the rows of one bank.
        assert_eq!(read(8, 8), 256 * 4);
        assert_eq!(read(8, 1), 256 * 4 + 7 * (5 + 9 + 9));
    }

    #[test]
    fn many_short_rows_are_bound_by_the_activates_of_a_rank() {
        let profile = TransferProfile {
            bytes: 64 * 33,
            runs: 33,
            run_bytes: 64,
            row_conflicts: 33,
            banks: 16,
            ..TransferProfile::default()
        };
        let mut costs = [TransferCost::default()];
        memory("codebench/dram", "").unwrap().cost(&[profile], &mut costs).unwrap();
        // 32 further activates at five cycles each exceed 33 bursts of four.
        assert_eq!(costs[0].bus_mem_cycles, 160);
        assert_eq!(transfer("codebench/dram", 1, 64).events, [1, 0, 1, 0, 0, 0, 0, 0]);
    }
}
