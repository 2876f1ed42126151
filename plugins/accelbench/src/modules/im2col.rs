//! `codebench/im2col`.

use crate::common::{Array, Growth, in_step, per_cycle_pj, published};
use crate::published::AccelBench;
use codebench_sdk::model::PublishedConstants;
use codebench_sdk::prelude::*;

/// Line buffer and address generation.
const FILL_CYCLES: u64 = 2;
/// Instances that work for each lane: one for activations, one for weights, as the released simulator charges.
const INSTANCES: f64 = 2.0;

/// Turns windows of a feature map into columns for the MAC lanes. Dense layers pass it by.
#[derive(Debug)]
pub struct Im2col {
    array: Array,
    lane_cycle_pj: f64,
    word_bits: u64,
}

impl Plugin for Im2col {
    type Kind = kinds::AccelModule;

    fn info() -> PluginInfo {
        let mut parameters = Array::parameters(&["pib", "pif", "pix", "piy", "pof", "pkx", "pky"]);
        parameters.push(ParameterDescription::choice(
            "power",
            &["corrected", "published"],
            "corrected",
            "Dynamic power of an instance: corrected reads the published 423.0658 as uW at 700 MHz, published as mW at any clock.",
        ));
        PluginInfo::new("codebench/im2col", "0.1.0", "Turns windows of feature maps into columns for the MAC lanes.")
            .parameters(parameters)
            .example(
                "with the published power",
                "[[module]]\nrole = \"dataflow\"\nplugin = \"codebench/im2col\"\nparameters = { power = \"published\" }",
            )
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        let word_bits = configuration.hardware.word_bits;
        let constants = Growth::Linear.of(PublishedConstants::from(AccelBench).im2col, word_bits);
        let published_mw = constants.dynamic_mw * INSTANCES;
        let lane_cycle_pj = match configuration.text("power")? {
            "published" => published_mw * 1e6 / configuration.hardware.clock_khz as f64,
            _ => per_cycle_pj(published_mw * 1e-3),
        };
        Ok(Im2col { array: Array::of(configuration)?, lane_cycle_pj, word_bits })
    }
}

impl AccelModule for Im2col {
    fn facts(&self) -> ModuleFacts {
        let constants = Growth::Linear.of(PublishedConstants::from(AccelBench).im2col, self.word_bits);
        ModuleFacts {
            events: vec![EventFacts::new("lane_cycle", Cause::Control, self.lane_cycle_pj)],
            ..published(constants, self.array.all_lanes(), "lane_cycle", Cause::Control)
        }
    }

    fn cost(&self, works: &[TileWork], costs: &mut [TileCost]) -> Result<(), PluginError> {
        in_step(&self.array, works, costs, FILL_CYCLES, |work, tile, cost| {
            match PrimitiveKind::of_code(work.primitive) {
                Some(PrimitiveKind::Conv) => cost.events[0] = tile.lane_cycles,
                _ => *cost = TileCost::default(),
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{convolution, dense, module, one};

    #[test]
    fn it_keeps_step_with_convolutions_and_passes_dense_layers_by() {
        let answer = one("codebench/im2col", "", convolution());
        assert_eq!((answer.busy_cycles, answer.fill_cycles), (26, 2));
        assert_eq!(answer.events[0], one("codebench/mac-lanes", "", convolution()).events[0]);
        assert_eq!(one("codebench/im2col", "", dense()), TileCost::default());
    }

    #[test]
    fn the_published_power_is_a_thousand_times_the_corrected_one() {
        let energy = |text: &str| module("codebench/im2col", text).facts().events[0].energy_pj;
        assert!((energy("") - 2.0 * 0.4230658 / 0.7).abs() < 1e-12);
        assert!((energy("power = \"published\"") / energy("") - 1000.0).abs() < 1e-9);
    }
}
