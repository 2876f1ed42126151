//! `codebench/post-sparsity`.

use crate::common::{Array, Growth, each, outputs, published};
use crate::published::AccelBench;
use codebench_sdk::model::PublishedConstants;
use codebench_sdk::prelude::*;

/// Compare with zero, shift.
const FILL_CYCLES: u64 = 2;

/// Compresses finished results and makes their masks: `pof` words of each PE a cycle. Partial sums pass it by.
#[derive(Debug)]
pub struct PostSparsity {
    array: Array,
    word_bits: u64,
}

impl Plugin for PostSparsity {
    type Kind = kinds::AccelModule;

    fn info() -> PluginInfo {
        PluginInfo::new(
            "codebench/post-sparsity",
            "0.1.0",
            "Compresses the results of the MAC lanes and makes their masks.",
        )
        .parameters(Array::parameters(&["pib", "pix", "piy", "pof", "pkx", "pky"]))
        .example(
            "the paper's default",
            "[[module]]\nrole = \"post_sparsity\"\nplugin = \"codebench/post-sparsity\"",
        )
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        Ok(PostSparsity { array: Array::of(configuration)?, word_bits: configuration.hardware.word_bits })
    }
}

impl AccelModule for PostSparsity {
    fn facts(&self) -> ModuleFacts {
        let constants = Growth::Linear.of(PublishedConstants::from(AccelBench).post_sparsity, self.word_bits);
        published(constants, self.array.all_lanes(), "word", Cause::Control)
    }

    fn cost(&self, works: &[TileWork], costs: &mut [TileCost]) -> Result<(), PluginError> {
        each(works, costs, |work| {
            let mut cost = TileCost::default();
            let words = outputs(work)?;
            if work.last_input_tile != 0 && words > 0 {
                cost.busy_cycles = words.div_ceil(self.array.pes() * self.array.pof);
                cost.fill_cycles = FILL_CYCLES;
                cost.events[0] = words;
                if work.mask_bytes > 0 {
                    cost.mask_write_bytes = words.div_ceil(8);
                }
            }
            Ok(cost)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{convolution, one};

    #[test]
    fn finished_words_pass_and_partial_sums_do_not() {
        let answer = one("codebench/post-sparsity", "", convolution());
        assert_eq!((answer.busy_cycles, answer.fill_cycles, answer.events[0]), (32, 2, 16_384));
        assert_eq!(answer.mask_write_bytes, 2048);
        let plain = TileWork { mask_bytes: 0, ..convolution() };
        assert_eq!(one("codebench/post-sparsity", "", plain).mask_write_bytes, 0);
        let partial = TileWork { last_input_tile: 0, ..convolution() };
        assert_eq!(one("codebench/post-sparsity", "", partial), TileCost::default());
    }
}
