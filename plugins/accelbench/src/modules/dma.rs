//! `codebench/dma`.

use crate::common::{Array, Growth, bytes, each, product, published};
use crate::published::AccelBench;
use codebench_sdk::model::PublishedConstants;
use codebench_sdk::prelude::*;

/// Cycles of address generation and hand-over, which overlap with the next transfer.
const SETUP_CYCLES: u64 = 4;

/// Moves data between memory and buffers: one engine for each PE, each as wide as the PE's multipliers along input channels.
#[derive(Debug)]
pub struct Dma {
    engines: u64,
    bytes_per_cycle: u64,
    word_bits: u64,
}

impl Plugin for Dma {
    type Kind = kinds::AccelModule;

    fn info() -> PluginInfo {
        let mut parameters = Array::parameters(&["pib", "pif", "pix", "piy"]);
        parameters.push(ParameterDescription::integer(
            "words_per_cycle",
            0,
            1 << 16,
            0,
            "Words that the engine of one PE moves in a cycle; 0 is pif.",
        ));
        PluginInfo::new(
            "codebench/dma",
            "0.1.0",
            "Moves data between main memory and buffers, an engine for each PE.",
        )
        .parameters(parameters)
        .example("the paper's default", "[[module]]\nrole = \"dma\"\nplugin = \"codebench/dma\"")
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        let array = Array::of(configuration)?;
        let words = match configuration.integer("words_per_cycle")?.unsigned_abs() {
            0 => array.pif,
            given => given,
        };
        let words = product("words_per_cycle", &[words, array.pes()])?;
        let bytes_per_cycle =
            bytes("bytes_per_cycle", words, configuration.hardware.word_bits, 1_000_000)?.max(1);
        Ok(Dma { engines: array.pes(), bytes_per_cycle, word_bits: configuration.hardware.word_bits })
    }
}

impl AccelModule for Dma {
    fn facts(&self) -> ModuleFacts {
        let constants = Growth::Linear.of(PublishedConstants::from(AccelBench).dma, self.word_bits);
        ModuleFacts {
            read_bytes_per_cycle: self.bytes_per_cycle,
            write_bytes_per_cycle: self.bytes_per_cycle,
            ..published(constants, self.engines, "engine_cycle", Cause::Dma)
        }
    }

    fn cost(&self, works: &[TileWork], costs: &mut [TileCost]) -> Result<(), PluginError> {
        each(works, costs, |work| {
            let carried = crate::common::sum("busy_cycles", &[work.read_bytes, work.write_bytes])?;
            let mut cost = TileCost {
                busy_cycles: carried.div_ceil(self.bytes_per_cycle),
                fill_cycles: if carried > 0 { SETUP_CYCLES } else { 0 },
                ..TileCost::default()
            };
            // Engines that have nothing to carry in the last cycle are gated.
            cost.events[0] = carried.div_ceil(self.bytes_per_cycle.div_ceil(self.engines));
            Ok(cost)
        })
    }
}
