//! `codebench/activation-buffer`.

use crate::common::{Array, Buffer, PORT_HEADROOM};
use crate::published::AccelBench;
use codebench_sdk::model::PublishedConstants;
use codebench_sdk::prelude::*;

/// Holds activations and partial sums. Its derived port is four times the words that all PEs take in a cycle: pif of each, which
/// the lanes along output channels share and line buffers repeat along the kernel.
#[derive(Debug)]
pub struct ActivationBuffer(Buffer);

impl Plugin for ActivationBuffer {
    type Kind = kinds::AccelModule;

    fn info() -> PluginInfo {
        let mut parameters = Buffer::parameters(12.0).to_vec();
        parameters.extend(Array::parameters(&["pib", "pif", "pix", "piy"]));
        PluginInfo::new(
            "codebench/activation-buffer",
            "0.1.0",
            "On-chip buffer of activations and partial sums, by the paper's functions of size.",
        )
        .parameters(parameters)
        .example(
            "4 MB with a port of 256 words",
            "[[module]]\nrole = \"activation_buffer\"\nplugin = \"codebench/activation-buffer\"\n\
             parameters = { size_mb = 4, words_per_cycle = 256 }",
        )
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        let array = Array::of(configuration)?;
        let constants = PublishedConstants::from(AccelBench).activation_buffer;
        let words = PORT_HEADROOM * array.pes() * array.pif;
        Ok(ActivationBuffer(Buffer::of(configuration, constants, words)?))
    }
}

impl AccelModule for ActivationBuffer {
    fn facts(&self) -> ModuleFacts {
        self.0.facts()
    }

    fn cost(&self, works: &[TileWork], costs: &mut [TileCost]) -> Result<(), PluginError> {
        self.0.cost(works, costs)
    }
}
