//! What the modules of role vector share.

use super::count::product;
use super::facts::{Growth, published};
use super::{Array, bytes};
use crate::published::AccelBench;
use codebench_sdk::model::PublishedConstants;
use codebench_sdk::prelude::*;

/// The primitive of a row, if it is one of those that the module runs.
pub(crate) fn accepted(
    work: &TileWork,
    module: &str,
    runs: &[PrimitiveKind],
) -> Result<PrimitiveKind, PluginError> {
    PrimitiveKind::of_code(work.primitive).filter(|kind| runs.contains(kind)).ok_or_else(|| {
        let names: Vec<String> =
            runs.iter().map(|kind| format!("{} ({})", kind.name(), kind.code())).collect();
        PluginError::invalid(format!(
            "`primitive` = {}: the {module} runs {}",
            work.primitive,
            names.join(", ")
        ))
    })
}

/// Elements of the output tile.
pub(crate) fn outputs(work: &TileWork) -> Result<u64, PluginError> {
    product("outputs", &[work.batch, work.out_channels, work.out_y, work.out_x])
}

/// The cost of a tile whose operands come from the activation buffer and whose result goes there: what the engine says it
/// consumes and produces. A fused operation consumes its other operand only and leaves writing to its layer.
pub(crate) fn vector_cost(work: &TileWork, busy_cycles: u64, fill_cycles: u64, unit_cycles: u64) -> TileCost {
    let mut cost = TileCost {
        busy_cycles,
        fill_cycles: if busy_cycles > 0 { fill_cycles } else { 0 },
        activation_read_bytes: work.read_bytes,
        activation_write_bytes: work.write_bytes,
        ..TileCost::default()
    };
    cost.events[0] = unit_cycles;
    cost
}

/// The batch norm units: one in each PE, with a multiplier and an adder for each of `pif` elements a cycle. Other operations
/// run on them too.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NormUnits {
    units: u64,
    width: u64,
    word_bits: u64,
    /// Whether area and leakage count with the batch norm module.
    shared: bool,
}

impl NormUnits {
    /// The extents of the array, and `shared` for what is not the batch norm itself.
    pub(crate) fn parameters() -> Vec<ParameterDescription> {
        let mut parameters = Array::parameters(&["pib", "pif", "pix", "piy"]);
        parameters.push(ParameterDescription::boolean(
            "shared",
            true,
            "Whether it runs on the batch norm units, whose area and leakage count there; else it has its own.",
        ));
        parameters
    }

    /// Those of the configuration.
    pub(crate) fn of(configuration: &Configuration<'_>) -> Result<NormUnits, PluginError> {
        let array = Array::of(configuration)?;
        let shared = configuration.parameters.contains_key("shared") && configuration.boolean("shared")?;
        Ok(NormUnits {
            units: array.pes(),
            width: array.pif,
            word_bits: configuration.hardware.word_bits,
            shared,
        })
    }

    pub(crate) fn facts(&self, primitives: &[PrimitiveKind]) -> ModuleFacts {
        let own = published(
            Growth::Quadratic.of(PublishedConstants::from(AccelBench).batch_norm, self.word_bits),
            self.units,
            "unit_cycle",
            Cause::Vector,
        );
        let share = if self.shared { 0.0 } else { 1.0 };
        ModuleFacts {
            area_mm2: own.area_mm2 * share,
            leakage_mw: own.leakage_mw * share,
            primitives: primitives.to_vec(),
            ..own
        }
    }

    /// A tile all of whose elements pass the units `passes` times.
    pub(crate) fn stream(
        &self,
        work: &TileWork,
        passes: u64,
        fill_cycles: u64,
    ) -> Result<TileCost, PluginError> {
        let elements = outputs(work)?;
        let busy = product("busy_cycles", &[elements.div_ceil(self.units * self.width), passes])?;
        let unit_cycles = product("unit_cycle", &[elements.div_ceil(self.width), passes])?;
        Ok(vector_cost(work, busy, fill_cycles, unit_cycles))
    }

    /// A tile channel by channel, as all units share a channel's scale and shift, which come from the weight buffer.
    pub(crate) fn by_channel(&self, work: &TileWork, fill_cycles: u64) -> Result<TileCost, PluginError> {
        let elements = product("elements", &[work.batch, work.out_y, work.out_x])?;
        let blocks = elements.div_ceil(self.units * self.width);
        let busy = product("busy_cycles", &[blocks, work.out_channels])?;
        let unit_cycles = product("unit_cycle", &[elements.div_ceil(self.width), work.out_channels])?;
        let words = product("weight_read_bytes", &[work.out_channels, 2])?;
        Ok(TileCost {
            weight_read_bytes: bytes("weight_read_bytes", words, self.word_bits, 1_000_000)?,
            ..vector_cost(work, busy, fill_cycles, unit_cycles)
        })
    }
}
