//! `codebench/weight-buffer`.

use crate::common::{Array, Buffer, PORT_HEADROOM};
use crate::published::AccelBench;
use codebench_sdk::model::PublishedConstants;
use codebench_sdk::prelude::*;

/// Holds weights. Its derived port is four times the words that the lanes of one PE take in a cycle, as all PEs share them.
#[derive(Debug)]
pub struct WeightBuffer(Buffer);

impl Plugin for WeightBuffer {
    type Kind = kinds::AccelModule;

    fn info() -> PluginInfo {
        let mut parameters = Buffer::parameters(24.0).to_vec();
        parameters.extend(Array::parameters(&["pif", "pof", "pkx", "pky"]));
        PluginInfo::new("codebench/weight-buffer", "0.1.0", "On-chip buffer of weights, by the paper's functions of size.")
            .parameters(parameters)
            .example(
                "8 MB",
                "[[module]]\nrole = \"weight_buffer\"\nplugin = \"codebench/weight-buffer\"\nparameters = { size_mb = 8 }",
            )
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        let array = Array::of(configuration)?;
        let constants = PublishedConstants::from(AccelBench).weight_buffer;
        Ok(WeightBuffer(Buffer::of(configuration, constants, PORT_HEADROOM * array.lanes() * array.pif)?))
    }
}

impl AccelModule for WeightBuffer {
    fn facts(&self) -> ModuleFacts {
        self.0.facts()
    }

    fn cost(&self, works: &[TileWork], costs: &mut [TileCost]) -> Result<(), PluginError> {
        self.0.cost(works, costs)
    }
}
