//! `codebench/rram`.

use super::organisation::Organisation;
use super::resistive::{Resistive, parameters};
use super::timing::Timing;
use codebench_sdk::prelude::*;

/// Monolithic RRAM above the logic, the paper's main memory: a bus of 1024 bits a channel.
#[derive(Debug)]
pub struct Rram(Resistive);

/// Released configuration of SPRING's memory.
const TIMING: Timing = Timing {
    clock_khz: 2_000_000,
    data_rate: 2,
    bus_bits: 1024,
    rows: 8192,
    columns: 512,
    t_burst: 4,
    t_rcd: 14,
    t_cas: 6,
    t_rp: 1,
    t_ras: 0,
    t_wp: 20,
    t_ccd: 2,
    t_cwd: 0,
    t_wtr: 10,
    t_wr: 0,
    t_rtp: 3,
    t_rrd: 7,
    raw: 7,
    t_raw: 42,
    t_rfc: 100,
    t_refi: 0,
};

/// The paper's organisations: banks per rank, ranks, channels.
pub(crate) const ORGANISATIONS: [[u64; 3]; 6] =
    [[16, 2, 2], [8, 2, 4], [4, 2, 8], [2, 2, 16], [32, 2, 1], [1, 2, 32]];

impl Plugin for Rram {
    type Kind = kinds::Memory;

    fn info() -> PluginInfo {
        PluginInfo::new(
            "codebench/rram",
            "0.1.0",
            "Monolithic three-dimensional RRAM, the paper's main memory.",
        )
        .parameters(parameters(&ORGANISATIONS))
        .example(
            "the paper's second organisation",
            "[[module]]\nrole = \"memory\"\nplugin = \"codebench/rram\"\nparameters = { organisation = 2 }",
        )
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        Organisation::of(configuration, &ORGANISATIONS, TIMING.row_bytes(), TIMING.burst_bytes())
            .and_then(|organisation| Resistive::of(configuration, TIMING, organisation))
            .map(Rram)
    }
}

impl Memory for Rram {
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
    use crate::testing::memory;

    fn cost(profile: TransferProfile) -> TransferCost {
        let mut costs = [TransferCost::default()];
        memory("codebench/rram", "").unwrap().cost(&[profile], &mut costs).unwrap();
        costs[0]
    }

    fn read() -> TransferProfile {
        TransferProfile {
            bytes: 65_536,
            runs: 1,
            run_bytes: 65_536,
            row_activates: 1,
            banks: 1,
            ..TransferProfile::default()
        }
    }

    #[test]
    fn a_stream_of_reads_takes_a_burst_of_1024_bytes_each_four_cycles() {
        let answer = cost(read());
        assert_eq!((answer.bus_mem_cycles, answer.first_byte_mem_cycles), (64 * 4, 14 + 6));
        assert_eq!(answer.events, [1, 64, 0, 0, 0, 0, 0, 0]);
        let hit = TransferProfile { row_activates: 0, row_hits: 1, ..read() };
        assert_eq!(cost(hit).first_byte_mem_cycles, 6);
        let conflict = TransferProfile { row_activates: 0, row_conflicts: 1, ..read() };
        assert_eq!(cost(conflict).first_byte_mem_cycles, 1 + 14 + 6);
    }

    #[test]
    fn write_pulses_of_one_bank_follow_each_other_and_those_of_several_overlap() {
        let write = TransferProfile { direction: 1, ..read() };
        assert_eq!(cost(write).bus_mem_cycles, 64 * 24);
        assert_eq!(cost(write).events, [1, 0, 64, 524_288, 0, 0, 0, 0]);
        let spread = TransferProfile { row_activates: 4, banks: 4, ..write };
        assert_eq!(cost(spread).bus_mem_cycles, 16 * 24);
    }

    #[test]
    fn short_runs_cost_whole_bursts() {
        let short = TransferProfile { bytes: 640, runs: 64, run_bytes: 10, ..read() };
        assert_eq!(cost(short).events[1], 64);
    }

    #[test]
    fn a_burst_whose_bits_all_change_costs_the_published_energy() {
        let facts = memory("codebench/rram", "").unwrap().facts();
        let full = facts.events[2].energy_pj + 8192.0 * facts.events[3].energy_pj;
        assert!((full - 1684.811).abs() < 1e-9);
        assert_eq!((facts.row_bytes, facts.burst_bytes, facts.interleave_bytes), (524_288, 1024, 4096));
        assert_eq!(facts.capacity_bytes, 64 * 8192 * 524_288);
        assert_eq!((facts.read_to_write_mem_cycles, facts.write_to_read_mem_cycles), (8, 10));
    }

    #[test]
    fn organisations_are_the_papers() {
        let facts = memory("codebench/rram", "organisation = 6").unwrap().facts();
        assert_eq!((facts.banks_per_rank, facts.ranks, facts.channels), (1, 2, 32));
        let refused = |text: &str| memory("codebench/rram", text).err().unwrap().message;
        assert!(refused("organisation = 7").contains("give a whole number from 0 to 6"));
        assert_eq!(
            refused("interleave_bytes = 1000"),
            "interleave_bytes = 1000: give a multiple of the burst of 1024 bytes that divides the row of 524288 bytes"
        );
    }
}
