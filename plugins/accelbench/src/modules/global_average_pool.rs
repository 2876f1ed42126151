//! `codebench/global-average-pool-unit`.

use super::pooling::{FILL_CYCLES, WINDOW};
use crate::common::{Array, Growth, accepted, each, product, published, vector_cost};
use crate::published::AccelBench;
use codebench_sdk::model::PublishedConstants;
use codebench_sdk::prelude::*;

const RUNS: [PrimitiveKind; 1] = [PrimitiveKind::GlobalAveragePool];

/// Mean over whole channels: one unit in each PE, 25 elements a cycle. Its area is part of the pooling unit's.
#[derive(Debug)]
pub struct GlobalAveragePoolUnit {
    units: u64,
    word_bits: u64,
}

impl Plugin for GlobalAveragePoolUnit {
    type Kind = kinds::AccelModule;

    fn info() -> PluginInfo {
        PluginInfo::new(
            "codebench/global-average-pool-unit",
            "0.1.0",
            "Mean over whole channels, 25 elements a cycle in each PE.",
        )
        .parameters(Array::parameters(&["pib", "pix", "piy"]))
        .example(
            "the paper's default",
            "[[module]]\nrole = \"vector\"\nplugin = \"codebench/global-average-pool-unit\"",
        )
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        Ok(GlobalAveragePoolUnit {
            units: Array::of(configuration)?.pes(),
            word_bits: configuration.hardware.word_bits,
        })
    }
}

impl AccelModule for GlobalAveragePoolUnit {
    fn facts(&self) -> ModuleFacts {
        let constants =
            Growth::Linear.of(PublishedConstants::from(AccelBench).global_average_pool, self.word_bits);
        ModuleFacts {
            primitives: RUNS.to_vec(),
            ..published(constants, self.units, "unit_cycle", Cause::Vector)
        }
    }

    fn cost(&self, works: &[TileWork], costs: &mut [TileCost]) -> Result<(), PluginError> {
        each(works, costs, |work| {
            accepted(work, "global average pool unit", &RUNS)?;
            let per_channel = product("inputs", &[work.in_y, work.in_x])?.div_ceil(WINDOW);
            let channels = product("channels", &[work.batch, work.out_channels])?;
            let busy = product("busy_cycles", &[per_channel, channels.div_ceil(self.units)])?;
            let unit_cycles = product("unit_cycle", &[per_channel, channels])?;
            Ok(vector_cost(work, busy, FILL_CYCLES, unit_cycles))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::module;

    #[test]
    fn channels_spread_over_units_and_elements_over_cycles() {
        let work = TileWork {
            primitive: PrimitiveKind::GlobalAveragePool.code(),
            batch: 1,
            out_channels: 2048,
            out_y: 1,
            out_x: 1,
            in_y: 7,
            in_x: 7,
            ..TileWork::default()
        };
        let mut costs = [TileCost::default()];
        module("codebench/global-average-pool-unit", "").cost(&[work], &mut costs).unwrap();
        assert_eq!((costs[0].busy_cycles, costs[0].events[0]), (2 * 32, 2 * 2048));
    }
}
