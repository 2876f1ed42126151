//! `codebench/pooling-unit`.

use crate::common::{Array, Growth, accepted, each, outputs, product, published, vector_cost};
use crate::published::AccelBench;
use codebench_sdk::model::PublishedConstants;
use codebench_sdk::prelude::*;

const RUNS: [PrimitiveKind; 2] = [PrimitiveKind::MaxPool, PrimitiveKind::AveragePool];
/// Elements of a window that a unit takes in a cycle: a window of 5 x 5.
pub(crate) const WINDOW: u64 = 25;
/// The tree over a window, and the division of a mean.
pub(crate) const FILL_CYCLES: u64 = 6;

/// Maximum and mean over windows: one unit in each PE, 25 elements of a window a cycle.
#[derive(Debug)]
pub struct PoolingUnit {
    units: u64,
    word_bits: u64,
}

impl Plugin for PoolingUnit {
    type Kind = kinds::AccelModule;

    fn info() -> PluginInfo {
        PluginInfo::new(
            "codebench/pooling-unit",
            "0.1.0",
            "Max and average pooling, a window of up to 25 elements a cycle in each PE.",
        )
        .parameters(Array::parameters(&["pib", "pix", "piy"]))
        .example("the paper's default", "[[module]]\nrole = \"vector\"\nplugin = \"codebench/pooling-unit\"")
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        Ok(PoolingUnit {
            units: Array::of(configuration)?.pes(),
            word_bits: configuration.hardware.word_bits,
        })
    }
}

impl AccelModule for PoolingUnit {
    fn facts(&self) -> ModuleFacts {
        let constants = Growth::Linear.of(PublishedConstants::from(AccelBench).pooling, self.word_bits);
        ModuleFacts {
            primitives: RUNS.to_vec(),
            ..published(constants, self.units, "unit_cycle", Cause::Vector)
        }
    }

    fn cost(&self, works: &[TileWork], costs: &mut [TileCost]) -> Result<(), PluginError> {
        each(works, costs, |work| {
            accepted(work, "pooling unit", &RUNS)?;
            let window = product("window", &[work.kernel_y, work.kernel_x])?;
            let unit_cycles = product("unit_cycle", &[outputs(work)?, window.div_ceil(WINDOW)])?;
            Ok(vector_cost(work, unit_cycles.div_ceil(self.units), FILL_CYCLES, unit_cycles))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::module;

    #[test]
    fn a_window_takes_a_cycle_for_every_25_elements() {
        let work = |kernel| TileWork {
            primitive: PrimitiveKind::MaxPool.code(),
            batch: 1,
            out_channels: 64,
            out_y: 8,
            out_x: 8,
            kernel_y: kernel,
            kernel_x: kernel,
            ..TileWork::default()
        };
        let mut costs = [TileCost::default(); 3];
        module("codebench/pooling-unit", "").cost(&[work(3), work(5), work(7)], &mut costs).unwrap();
        assert_eq!(costs.map(|c| c.busy_cycles), [64, 64, 128]);
        assert_eq!(costs.map(|c| c.events[0]), [4096, 4096, 8192]);
    }
}
