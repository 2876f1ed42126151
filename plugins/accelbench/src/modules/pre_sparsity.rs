//! `codebench/pre-sparsity`.

use super::mac_lanes::operand_words;
use crate::common::{Array, Growth, in_step, product, published, sum};
use crate::published::AccelBench;
use codebench_sdk::model::PublishedConstants;
use codebench_sdk::prelude::*;

/// The conjunction of two masks, and the shift of the operands.
const FILL_CYCLES: u64 = 2;

/// Pairs the operands of each lane of which neither is zero: reads the masks of what the lanes read.
#[derive(Debug)]
pub struct PreSparsity {
    array: Array,
    accumulators: u64,
    word_bits: u64,
}

impl Plugin for PreSparsity {
    type Kind = kinds::AccelModule;

    fn info() -> PluginInfo {
        let mut parameters = Array::parameters(&["pib", "pif", "pix", "piy", "pof", "pkx", "pky"]);
        parameters.push(super::mac_lanes::accumulators_parameter());
        PluginInfo::new(
            "codebench/pre-sparsity",
            "0.1.0",
            "Pairs operands of which neither is zero, in front of each MAC lane.",
        )
        .parameters(parameters)
        .example(
            "the paper's default",
            "[[module]]\nrole = \"pre_sparsity\"\nplugin = \"codebench/pre-sparsity\"",
        )
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        Ok(PreSparsity {
            array: Array::of(configuration)?,
            accumulators: configuration.integer("accumulators")?.unsigned_abs(),
            word_bits: configuration.hardware.word_bits,
        })
    }
}

impl AccelModule for PreSparsity {
    fn facts(&self) -> ModuleFacts {
        let constants = Growth::Linear.of(PublishedConstants::from(AccelBench).pre_sparsity, self.word_bits);
        published(constants, self.array.all_lanes(), "lane_cycle", Cause::Control)
    }

    fn cost(&self, works: &[TileWork], costs: &mut [TileCost]) -> Result<(), PluginError> {
        in_step(&self.array, works, costs, FILL_CYCLES, |work, tile, cost| {
            cost.events[0] = tile.lane_cycles;
            if work.mask_bytes > 0 {
                let field = "mask_read_bytes";
                let (activations, weights) = operand_words(work)?;
                let passes = tile.weight_passes(self.accumulators);
                cost.mask_read_bytes = sum(
                    field,
                    &[
                        product(field, &[activations.div_ceil(8), tile.out_blocks])?,
                        product(field, &[weights.div_ceil(8), passes])?,
                    ],
                )?;
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{convolution, one};

    #[test]
    fn masks_are_read_as_often_as_the_words() {
        let answer = one("codebench/pre-sparsity", "", convolution());
        assert_eq!(answer.mask_read_bytes, 32 * 18 * 18 / 8 * 8 + 64 * 32 * 9 / 8);
        let four = one("codebench/pre-sparsity", "accumulators = 4", convolution());
        assert_eq!(four.mask_read_bytes, 32 * 18 * 18 / 8 * 8 + 64 * 32 * 9 / 8 * 2);
        let plain = TileWork { mask_bytes: 0, ..convolution() };
        assert_eq!(one("codebench/pre-sparsity", "", plain).mask_read_bytes, 0);
    }
}
