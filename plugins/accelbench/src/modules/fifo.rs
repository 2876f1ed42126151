//! `codebench/fifo`.

use crate::common::{Array, Growth, in_step, per_cycle_pj, published};
use crate::published::AccelBench;
use codebench_sdk::model::PublishedConstants;
use codebench_sdk::prelude::*;

/// In at one edge of the clock, out at the next.
const FILL_CYCLES: u64 = 1;

/// Two FIFOs in front of each multiplier: one for activations, one for weights.
#[derive(Debug)]
pub struct Fifo {
    array: Array,
    word_bits: u64,
}

impl Plugin for Fifo {
    type Kind = kinds::AccelModule;

    fn info() -> PluginInfo {
        PluginInfo::new("codebench/fifo", "0.1.0", "Two FIFOs in front of each multiplier.")
            .parameters(Array::parameters(&["pib", "pif", "pix", "piy", "pof", "pkx", "pky"]))
            .example("the paper's default", "[[module]]\nrole = \"dataflow\"\nplugin = \"codebench/fifo\"")
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        Ok(Fifo { array: Array::of(configuration)?, word_bits: configuration.hardware.word_bits })
    }
}

impl AccelModule for Fifo {
    fn facts(&self) -> ModuleFacts {
        let constants = Growth::Linear.of(PublishedConstants::from(AccelBench).fifo, self.word_bits);
        let of_a_lane = 2 * self.array.pif;
        let lane_cycle_pj = per_cycle_pj(constants.dynamic_mw) * of_a_lane as f64;
        ModuleFacts {
            events: vec![EventFacts::new("lane_cycle", Cause::Control, lane_cycle_pj)],
            ..published(constants, self.array.all_lanes() * of_a_lane, "lane_cycle", Cause::Control)
        }
    }

    fn cost(&self, works: &[TileWork], costs: &mut [TileCost]) -> Result<(), PluginError> {
        in_step(&self.array, works, costs, FILL_CYCLES, |_, tile, cost| {
            cost.events[0] = tile.lane_cycles;
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{convolution, dense, module, one};

    #[test]
    fn a_lane_has_two_for_each_multiplier() {
        let facts = module("codebench/fifo", "").facts();
        assert!((facts.area_mm2 - 484.379110e-6 * 4608.0 * 32.0).abs() < 1e-9);
        assert!((facts.events[0].energy_pj - 0.0563909 / 0.7 * 32.0).abs() < 1e-12);
        for work in [convolution(), dense()] {
            let lanes = one("codebench/mac-lanes", "", work);
            let answer = one("codebench/fifo", "", work);
            assert_eq!((answer.busy_cycles, answer.events[0]), (lanes.busy_cycles, lanes.events[0]));
        }
    }
}
