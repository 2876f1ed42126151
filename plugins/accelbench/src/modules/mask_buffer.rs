//! `codebench/mask-buffer`.

use crate::common::{Array, Buffer, PORT_HEADROOM};
use crate::published::AccelBench;
use codebench_sdk::model::PublishedConstants;
use codebench_sdk::prelude::*;

/// Holds the masks of compressed tensors, a bit a word. Its derived port carries the masks of twice the words that the derived
/// ports of the other two buffers carry, as masks are not compressed.
#[derive(Debug)]
pub struct MaskBuffer(Buffer);

impl Plugin for MaskBuffer {
    type Kind = kinds::AccelModule;

    fn info() -> PluginInfo {
        let mut parameters = Buffer::parameters(4.0).to_vec();
        parameters.extend(Array::parameters(&["pib", "pif", "pix", "piy", "pof", "pkx", "pky"]));
        PluginInfo::new("codebench/mask-buffer", "0.1.0", "On-chip buffer of masks, by the paper's functions of size.")
            .parameters(parameters)
            .example(
                "1 MB",
                "[[module]]\nrole = \"mask_buffer\"\nplugin = \"codebench/mask-buffer\"\nparameters = { size_mb = 1 }",
            )
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        let array = Array::of(configuration)?;
        let constants = PublishedConstants::from(AccelBench).mask_buffer;
        let masked = 2 * PORT_HEADROOM * (array.pes() + array.lanes()) * array.pif;
        let words = masked.div_ceil(configuration.hardware.word_bits.max(1));
        Ok(MaskBuffer(Buffer::of(configuration, constants, words)?))
    }
}

impl AccelModule for MaskBuffer {
    fn facts(&self) -> ModuleFacts {
        self.0.facts()
    }

    fn cost(&self, works: &[TileWork], costs: &mut [TileCost]) -> Result<(), PluginError> {
        self.0.cost(works, costs)
    }
}
