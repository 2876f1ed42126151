//! `codebench/dataflow-control`.

use crate::common::{Array, in_step, published};
use crate::published::AccelBench;
use codebench_sdk::model::PublishedConstants;
use codebench_sdk::prelude::*;

/// Decodes a step.
const FILL_CYCLES: u64 = 1;

/// The control of each PE's data flow.
#[derive(Debug)]
pub struct DataflowControl {
    array: Array,
}

impl Plugin for DataflowControl {
    type Kind = kinds::AccelModule;

    fn info() -> PluginInfo {
        PluginInfo::new("codebench/dataflow-control", "0.1.0", "Controls the data flow of each PE.")
            .parameters(Array::parameters(&["pib", "pif", "pix", "piy", "pof", "pkx", "pky"]))
            .example(
                "the paper's default",
                "[[module]]\nrole = \"dataflow\"\nplugin = \"codebench/dataflow-control\"",
            )
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        Ok(DataflowControl { array: Array::of(configuration)? })
    }
}

impl AccelModule for DataflowControl {
    fn facts(&self) -> ModuleFacts {
        published(
            PublishedConstants::from(AccelBench).data_flow,
            self.array.pes(),
            "pe_cycle",
            Cause::Control,
        )
    }

    fn cost(&self, works: &[TileWork], costs: &mut [TileCost]) -> Result<(), PluginError> {
        in_step(&self.array, works, costs, FILL_CYCLES, |_, tile, cost| {
            cost.events[0] = tile.pe_cycles;
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{convolution, one};

    #[test]
    fn only_pes_with_work_are_charged() {
        let answer = one("codebench/dataflow-control", "", convolution());
        assert_eq!(answer.busy_cycles, 26);
        // 256 positions x 8 blocks of outputs x 2 of inputs, a fifth.
        assert_eq!(answer.events[0], 820);
    }
}
