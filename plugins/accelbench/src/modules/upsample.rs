//! `codebench/upsample-unit`.

use crate::common::{Array, Growth, accepted, each, outputs, published, vector_cost};
use crate::published::AccelBench;
use codebench_sdk::model::PublishedConstants;
use codebench_sdk::prelude::*;

const RUNS: [PrimitiveKind; 1] = [PrimitiveKind::Resize];
/// Four products and their sum.
const BILINEAR_FILL_CYCLES: u64 = 4;
/// A copy.
const NEAREST_FILL_CYCLES: u64 = 1;

/// Resizing of feature maps: one unit in each PE makes an output from its four neighbours in a cycle, or copies the nearest.
/// Only the former turns the multipliers.
#[derive(Debug)]
pub struct UpsampleUnit {
    units: u64,
    word_bits: u64,
}

impl Plugin for UpsampleUnit {
    type Kind = kinds::AccelModule;

    fn info() -> PluginInfo {
        PluginInfo::new(
            "codebench/upsample-unit",
            "0.1.0",
            "Resizing of feature maps, an output a cycle in each PE.",
        )
        .parameters(Array::parameters(&["pib", "pix", "piy"]))
        .example("the paper's default", "[[module]]\nrole = \"vector\"\nplugin = \"codebench/upsample-unit\"")
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        Ok(UpsampleUnit {
            units: Array::of(configuration)?.pes(),
            word_bits: configuration.hardware.word_bits,
        })
    }
}

impl AccelModule for UpsampleUnit {
    fn facts(&self) -> ModuleFacts {
        let constants = Growth::Quadratic.of(PublishedConstants::from(AccelBench).upsample, self.word_bits);
        ModuleFacts {
            primitives: RUNS.to_vec(),
            ..published(constants, self.units, "unit_cycle", Cause::Vector)
        }
    }

    fn cost(&self, works: &[TileWork], costs: &mut [TileCost]) -> Result<(), PluginError> {
        each(works, costs, |work| {
            accepted(work, "upsample unit", &RUNS)?;
            let elements = outputs(work)?;
            let (fill, counted) = match work.variant {
                0 => (NEAREST_FILL_CYCLES, 0),
                _ => (BILINEAR_FILL_CYCLES, elements),
            };
            Ok(vector_cost(work, elements.div_ceil(self.units), fill, counted))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::module;

    #[test]
    fn each_pe_makes_an_output_a_cycle() {
        let work = TileWork {
            primitive: PrimitiveKind::Resize.code(),
            batch: 2,
            out_channels: 3,
            out_y: 14,
            out_x: 14,
            variant: 1,
            ..TileWork::default()
        };
        let mut costs = [TileCost::default()];
        module("codebench/upsample-unit", "").cost(&[work], &mut costs).unwrap();
        assert_eq!((costs[0].busy_cycles, costs[0].events[0]), (19, 1176));
        let nearest = TileWork { variant: 0, ..work };
        module("codebench/upsample-unit", "").cost(&[nearest], &mut costs).unwrap();
        assert_eq!((costs[0].busy_cycles, costs[0].fill_cycles, costs[0].events[0]), (19, 1, 0));
    }
}
