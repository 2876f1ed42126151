//! `codebench/elementwise-unit`.

use crate::common::{NormUnits, accepted, each};
use codebench_sdk::prelude::*;

const RUNS: [PrimitiveKind; 2] = [PrimitiveKind::Add, PrimitiveKind::Multiply];
/// Operate, round.
const FILL_CYCLES: u64 = 2;

/// Sums and products of tensors, on the adders and multipliers of the batch norm units: one pass for each operand after the
/// first.
#[derive(Debug)]
pub struct ElementwiseUnit(NormUnits);

impl Plugin for ElementwiseUnit {
    type Kind = kinds::AccelModule;

    fn info() -> PluginInfo {
        PluginInfo::new(
            "codebench/elementwise-unit",
            "0.1.0",
            "Elementwise addition and multiplication of tensors.",
        )
        .parameters(NormUnits::parameters())
        .example(
            "the paper's default",
            "[[module]]\nrole = \"vector\"\nplugin = \"codebench/elementwise-unit\"",
        )
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        NormUnits::of(configuration).map(ElementwiseUnit)
    }
}

impl AccelModule for ElementwiseUnit {
    fn facts(&self) -> ModuleFacts {
        self.0.facts(&RUNS)
    }

    fn cost(&self, works: &[TileWork], costs: &mut [TileCost]) -> Result<(), PluginError> {
        each(works, costs, |work| {
            accepted(work, "elementwise unit", &RUNS)?;
            self.0.stream(work, work.operands.saturating_sub(1).max(1), FILL_CYCLES)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::module;

    #[test]
    fn every_operand_after_the_first_is_a_pass() {
        let work = |operands| TileWork {
            primitive: PrimitiveKind::Add.code(),
            batch: 1,
            out_channels: 3,
            out_y: 32,
            out_x: 32,
            operands,
            ..TileWork::default()
        };
        let mut costs = [TileCost::default(); 3];
        module("codebench/elementwise-unit", "").cost(&[work(1), work(2), work(4)], &mut costs).unwrap();
        assert_eq!(costs.map(|c| c.busy_cycles), [3, 3, 9]);
        assert_eq!(costs.map(|c| c.events[0]), [192, 192, 576]);
    }

    #[test]
    fn its_area_counts_with_the_batch_norm_unless_it_is_its_own() {
        let facts = |text: &str| module("codebench/elementwise-unit", text).facts();
        assert_eq!((facts("").area_mm2, facts("").leakage_mw), (0.0, 0.0));
        let own = facts("shared = false");
        let norm = module("codebench/batch-norm-unit", "").facts();
        assert_eq!((own.area_mm2, own.leakage_mw), (norm.area_mm2, norm.leakage_mw));
        assert_eq!(own.events, facts("").events);
    }
}
