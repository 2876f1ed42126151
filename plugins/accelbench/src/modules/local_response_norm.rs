//! `codebench/local-response-norm-unit`.

use crate::common::{NormUnits, accepted, each};
use codebench_sdk::prelude::*;

const RUNS: [PrimitiveKind; 1] = [PrimitiveKind::LocalResponseNorm];
/// Square, add the square that enters the window, subtract the one that leaves it, power by table, multiply. The running sum
/// makes the cost independent of the window.
const PASSES: u64 = 5;
const FILL_CYCLES: u64 = 8;

/// Normalisation across neighbouring channels (AlexNet), on the batch norm units in five passes.
#[derive(Debug)]
pub struct LocalResponseNormUnit(NormUnits);

impl Plugin for LocalResponseNormUnit {
    type Kind = kinds::AccelModule;

    fn info() -> PluginInfo {
        PluginInfo::new(
            "codebench/local-response-norm-unit",
            "0.1.0",
            "Local response normalisation in five passes of the batch norm units.",
        )
        .parameters(NormUnits::parameters())
        .example(
            "for AlexNet",
            "[[module]]\nrole = \"vector\"\nplugin = \"codebench/local-response-norm-unit\"",
        )
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        NormUnits::of(configuration).map(LocalResponseNormUnit)
    }
}

impl AccelModule for LocalResponseNormUnit {
    fn facts(&self) -> ModuleFacts {
        self.0.facts(&RUNS)
    }

    fn cost(&self, works: &[TileWork], costs: &mut [TileCost]) -> Result<(), PluginError> {
        each(works, costs, |work| {
            accepted(work, "local response norm unit", &RUNS)?;
            self.0.stream(work, PASSES, FILL_CYCLES)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::module;

    #[test]
    fn five_passes() {
        let work = TileWork {
            primitive: PrimitiveKind::LocalResponseNorm.code(),
            batch: 1,
            out_channels: 96,
            out_y: 55,
            out_x: 55,
            ..TileWork::default()
        };
        let mut costs = [TileCost::default()];
        module("codebench/local-response-norm-unit", "").cost(&[work], &mut costs).unwrap();
        assert_eq!(costs[0].busy_cycles, 5 * 284);
        assert_eq!(costs[0].events[0], 5 * 18_150);
    }
}
