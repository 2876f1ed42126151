//! `codebench/batch-norm-unit`.

use crate::common::{Array, NormUnits, accepted, each};
use codebench_sdk::prelude::*;

const RUNS: [PrimitiveKind; 1] = [PrimitiveKind::BatchNorm];
/// Multiply, add, round.
const FILL_CYCLES: u64 = 3;

/// Batch normalisation as scale and shift: a channel after the other, each on all units.
#[derive(Debug)]
pub struct BatchNormUnit(NormUnits);

impl Plugin for BatchNormUnit {
    type Kind = kinds::AccelModule;

    fn info() -> PluginInfo {
        PluginInfo::new(
            "codebench/batch-norm-unit",
            "0.1.0",
            "Batch normalisation, pif elements of each PE a cycle.",
        )
        .parameters(Array::parameters(&["pib", "pif", "pix", "piy"]))
        .example(
            "the paper's default",
            "[[module]]\nrole = \"vector\"\nplugin = \"codebench/batch-norm-unit\"",
        )
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        NormUnits::of(configuration).map(BatchNormUnit)
    }
}

impl AccelModule for BatchNormUnit {
    fn facts(&self) -> ModuleFacts {
        self.0.facts(&RUNS)
    }

    fn cost(&self, works: &[TileWork], costs: &mut [TileCost]) -> Result<(), PluginError> {
        each(works, costs, |work| {
            accepted(work, "batch norm unit", &RUNS)?;
            self.0.by_channel(work, FILL_CYCLES)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::module;

    #[test]
    fn each_channel_takes_whole_cycles_and_two_words() {
        let work = TileWork {
            primitive: PrimitiveKind::BatchNorm.code(),
            batch: 2,
            out_channels: 64,
            out_y: 28,
            out_x: 28,
            read_bytes: 7,
            write_bytes: 8,
            ..TileWork::default()
        };
        let mut costs = [TileCost::default()];
        module("codebench/batch-norm-unit", "").cost(&[work], &mut costs).unwrap();
        // 1568 elements on 64 units of 16: two cycles a channel.
        assert_eq!(costs[0].busy_cycles, 2 * 64);
        assert_eq!(costs[0].events[0], 98 * 64);
        assert_eq!((costs[0].activation_read_bytes, costs[0].activation_write_bytes), (7, 8));
        assert_eq!(costs[0].weight_read_bytes, 320);
    }
}
