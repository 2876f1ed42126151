//! `codebench/shuffle-unit`.

use crate::common::{Array, Growth, accepted, each, outputs, per_cycle_pj, vector_cost};
use crate::published::AccelBench;
use codebench_sdk::model::PublishedConstants;
use codebench_sdk::prelude::*;

const RUNS: [PrimitiveKind; 1] = [PrimitiveKind::Shuffle];
/// Into a FIFO and out again.
const FILL_CYCLES: u64 = 2;

/// Channel shuffle: every word is read, passes one of the FIFOs, and is written at its new place; `pif` words of each PE a cycle.
/// The FIFOs' area and leakage count with `codebench/fifo`.
#[derive(Debug)]
pub struct ShuffleUnit {
    words_per_cycle: u64,
    word_bits: u64,
}

impl Plugin for ShuffleUnit {
    type Kind = kinds::AccelModule;

    fn info() -> PluginInfo {
        PluginInfo::new(
            "codebench/shuffle-unit",
            "0.1.0",
            "Channel shuffle: moves every word through the FIFOs.",
        )
        .parameters(Array::parameters(&["pib", "pif", "pix", "piy"]))
        .example("for ShuffleNet", "[[module]]\nrole = \"vector\"\nplugin = \"codebench/shuffle-unit\"")
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        let array = Array::of(configuration)?;
        Ok(ShuffleUnit {
            words_per_cycle: array.pes() * array.pif,
            word_bits: configuration.hardware.word_bits,
        })
    }
}

impl AccelModule for ShuffleUnit {
    fn facts(&self) -> ModuleFacts {
        let fifo = Growth::Linear.of(PublishedConstants::from(AccelBench).fifo, self.word_bits);
        ModuleFacts {
            primitives: RUNS.to_vec(),
            events: vec![EventFacts::new("word", Cause::Vector, per_cycle_pj(fifo.dynamic_mw))],
            ..ModuleFacts::default()
        }
    }

    fn cost(&self, works: &[TileWork], costs: &mut [TileCost]) -> Result<(), PluginError> {
        each(works, costs, |work| {
            accepted(work, "shuffle unit", &RUNS)?;
            let words = outputs(work)?;
            Ok(vector_cost(work, words.div_ceil(self.words_per_cycle), FILL_CYCLES, words))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::module;

    #[test]
    fn every_word_moves() {
        let work = TileWork {
            primitive: PrimitiveKind::Shuffle.code(),
            batch: 1,
            out_channels: 240,
            out_y: 28,
            out_x: 28,
            ..TileWork::default()
        };
        let mut costs = [TileCost::default()];
        module("codebench/shuffle-unit", "").cost(&[work], &mut costs).unwrap();
        assert_eq!((costs[0].busy_cycles, costs[0].events[0]), (184, 188_160));
    }
}
