//! `codebench/softmax-unit`.

use crate::common::{NormUnits, accepted, each};
use codebench_sdk::prelude::*;

const RUNS: [PrimitiveKind; 1] = [PrimitiveKind::Softmax];
/// Largest value, exponential of the difference by table, sum, multiply by the reciprocal.
const PASSES: u64 = 4;
/// The trees of the largest value and of the sum, the table, and the reciprocal.
const FILL_CYCLES: u64 = 32;

/// Softmax over channels, on the batch norm units in four passes.
#[derive(Debug)]
pub struct SoftmaxUnit(NormUnits);

impl Plugin for SoftmaxUnit {
    type Kind = kinds::AccelModule;

    fn info() -> PluginInfo {
        PluginInfo::new(
            "codebench/softmax-unit",
            "0.1.0",
            "Softmax over channels in four passes of the batch norm units.",
        )
        .parameters(NormUnits::parameters())
        .example("the paper's default", "[[module]]\nrole = \"vector\"\nplugin = \"codebench/softmax-unit\"")
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        NormUnits::of(configuration).map(SoftmaxUnit)
    }
}

impl AccelModule for SoftmaxUnit {
    fn facts(&self) -> ModuleFacts {
        self.0.facts(&RUNS)
    }

    fn cost(&self, works: &[TileWork], costs: &mut [TileCost]) -> Result<(), PluginError> {
        each(works, costs, |work| {
            accepted(work, "softmax unit", &RUNS)?;
            self.0.stream(work, PASSES, FILL_CYCLES)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::module;

    #[test]
    fn four_passes() {
        let work = TileWork {
            primitive: PrimitiveKind::Softmax.code(),
            batch: 2,
            out_channels: 1000,
            out_y: 1,
            out_x: 1,
            ..TileWork::default()
        };
        let mut costs = [TileCost::default()];
        module("codebench/softmax-unit", "").cost(&[work], &mut costs).unwrap();
        assert_eq!((costs[0].busy_cycles, costs[0].fill_cycles, costs[0].events[0]), (8, 32, 500));
    }
}
