//! `codebench/mac-lanes`.

use crate::common::{Array, ArrayWork, Growth, bytes, each, per_cycle_pj, product, sum};
use crate::published::AccelBench;
use codebench_sdk::model::published::{MacLaneConstants, ModuleConstants};
use codebench_sdk::prelude::*;

/// The paper's array: PEs of MAC lanes, each with `pif` multipliers and an adder tree. The rule is in `docs/src/modules.md`.
#[derive(Debug)]
pub struct MacLanes {
    array: Array,
    constants: ModuleConstants,
    accumulators: u64,
    skip_zeros: bool,
    word_bits: u64,
}

impl Plugin for MacLanes {
    type Kind = kinds::AccelModule;

    fn info() -> PluginInfo {
        let mut parameters = Array::parameters(&["pib", "pif", "pix", "piy", "pof", "pkx", "pky"]);
        parameters.extend([
            ParameterDescription::choice(
                "activation_set",
                &["relu", "silu", "both"],
                "both",
                "Activation functions in the lanes, which decide area and power.",
            ),
            accumulators_parameter(),
            ParameterDescription::boolean(
                "skip_zeros",
                true,
                "Whether pairs with a zero activation or weight take no cycle; needs the sparsity units.",
            ),
        ]);
        PluginInfo::new(
            "codebench/mac-lanes",
            "0.1.0",
            "MAC lanes of the paper's array: convolution and dense layers.",
        )
        .parameters(parameters)
        .example(
            "the paper's default",
            "[[module]]\nrole = \"compute\"\nplugin = \"codebench/mac-lanes\"\n\
                 parameters = { pib = 2, pif = 16, pix = 8, piy = 4, pof = 8, pkx = 3, pky = 3 }",
        )
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        let array = Array::of(configuration)?;
        Ok(MacLanes {
            array,
            constants: Growth::Quadratic.of(
                lane(configuration.text("activation_set")?, array.pif)?,
                configuration.hardware.word_bits,
            ),
            accumulators: configuration.integer("accumulators")?.unsigned_abs(),
            skip_zeros: configuration.boolean("skip_zeros")?,
            word_bits: configuration.hardware.word_bits,
        })
    }
}

/// How many partial sums a lane holds.
pub(super) fn accumulators_parameter() -> ParameterDescription {
    ParameterDescription::integer(
        "accumulators",
        1,
        4096,
        16,
        "Partial sums that a lane holds: weights are fetched once for so many positions.",
    )
}

/// Constants of one lane with `pif` multipliers: the straight line through the published lanes of 1 and 16, since a lane is a
/// fixed part and as many multipliers and adders.
pub(crate) fn lane(activation_set: &str, pif: u64) -> Result<ModuleConstants, PluginError> {
    let lanes = codebench_sdk::model::PublishedConstants::from(AccelBench).mac_lanes;
    let of = |published: u64| {
        lanes.iter().find(|l| l.pif == published).map(|l| choose(l, activation_set)).ok_or_else(|| {
            PluginError::contract(format!("no MAC lane of {published} multipliers is published"))
        })
    };
    let (one, sixteen) = (of(1)?, of(16)?);
    let line =
        |at_1: f64, at_16: f64| at_1 * ((16.0 - pif as f64) / 15.0) + at_16 * ((pif as f64 - 1.0) / 15.0);
    Ok(ModuleConstants {
        area_um2: line(one.area_um2, sixteen.area_um2),
        dynamic_mw: line(one.dynamic_mw, sixteen.dynamic_mw),
        leakage_mw: line(one.leakage_mw, sixteen.leakage_mw),
        multiplier: one.multiplier,
    })
}

fn choose(lane: &MacLaneConstants, activation_set: &str) -> ModuleConstants {
    match activation_set {
        "relu" => lane.relu,
        "silu" => lane.silu,
        _ => lane.both,
    }
}

impl AccelModule for MacLanes {
    fn facts(&self) -> ModuleFacts {
        let a = &self.array;
        let lanes = a.all_lanes();
        let multiple = |extent: u64, at_least: u64| extent * at_least.div_ceil(extent);
        ModuleFacts {
            area_mm2: self.constants.area_um2 * lanes as f64 * 1e-6,
            leakage_mw: self.constants.leakage_mw * lanes as f64,
            primitives: vec![PrimitiveKind::Conv, PrimitiveKind::Dense],
            peak_macs_per_cycle: lanes * a.pif,
            preferred_tile: TileSize {
                batch: multiple(a.pib, 4),
                y: multiple(a.piy, 64),
                x: multiple(a.pix, 64),
                in_channels: multiple(a.pif, 64),
                out_channels: multiple(a.pof, 64),
            },
            skips_zero_activations: self.skip_zeros,
            skips_zero_weights: self.skip_zeros,
            events: vec![EventFacts::new("lane_cycle", Cause::Mac, per_cycle_pj(self.constants.dynamic_mw))],
            ..ModuleFacts::default()
        }
    }

    fn cost(&self, works: &[TileWork], costs: &mut [TileCost]) -> Result<(), PluginError> {
        each(works, costs, |work| {
            let tile = self.array.work(work)?.ok_or_else(|| {
                PluginError::invalid(format!(
                    "`primitive` = {}: the MAC lanes run convolutions ({}) and dense layers ({})",
                    work.primitive,
                    PrimitiveKind::Conv.code(),
                    PrimitiveKind::Dense.code()
                ))
            })?;
            let mut cost = TileCost {
                busy_cycles: tile.cycles,
                fill_cycles: if tile.cycles > 0 { self.depth() } else { 0 },
                activation_read_bytes: self.activation_reads(work, &tile)?,
                activation_write_bytes: work.write_bytes,
                weight_read_bytes: self.weight_reads(work, &tile)?,
                ..TileCost::default()
            };
            cost.events[0] = tile.lane_cycles;
            Ok(cost)
        })
    }
}

impl MacLanes {
    /// Cycles from an operand to its sum: multiply, the adder tree within a lane, the tree over the kernel, accumulate.
    fn depth(&self) -> u64 {
        let levels = |leaves: u64| u64::from(leaves.next_power_of_two().ilog2());
        2 + levels(self.array.pif) + levels(self.array.pkx * self.array.pky)
    }

    /// Each input element once per block of output channels (line buffers serve the kernel's window), and the partial sums
    /// that an earlier tile left.
    fn activation_reads(&self, work: &TileWork, tile: &ArrayWork) -> Result<u64, PluginError> {
        let field = "activation_read_bytes";
        let (words, _) = operand_words(work)?;
        let operand = bytes(field, words, self.word_bits, stored(work, work.activation_density_ppm))?;
        let partial = match work.first_input_tile {
            0 => {
                let words = product(field, &[work.batch, work.out_channels, work.out_y, work.out_x])?;
                bytes(field, words, self.word_bits, 1_000_000)?
            }
            _ => 0,
        };
        sum(field, &[product(field, &[operand, tile.out_blocks])?, partial])
    }

    /// The kernel once for as many blocks of positions as a lane has accumulators; one word per output channel as the
    /// accumulators start, its bias.
    fn weight_reads(&self, work: &TileWork, tile: &ArrayWork) -> Result<u64, PluginError> {
        let field = "weight_read_bytes";
        let (_, words) = operand_words(work)?;
        let kernel = bytes(field, words, self.word_bits, stored(work, work.weight_density_ppm))?;
        let passes = tile.weight_passes(self.accumulators);
        let bias = match work.first_input_tile {
            0 => 0,
            _ => bytes(field, work.out_channels, self.word_bits, 1_000_000)?,
        };
        sum(field, &[product(field, &[kernel, passes])?, bias])
    }
}

/// Words of the input region that the kernel meets, and of the kernel.
pub(super) fn operand_words(work: &TileWork) -> Result<(u64, u64), PluginError> {
    let rows = work.in_y.min(product("rows", &[work.out_y, work.kernel_y])?);
    let columns = work.in_x.min(product("columns", &[work.out_x, work.kernel_x])?);
    let inputs = work.in_channels.div_ceil(work.groups.max(1));
    Ok((
        product("activation words", &[work.batch, work.in_channels, rows, columns])?,
        product("weight words", &[work.out_channels, inputs, work.kernel_y, work.kernel_x])?,
    ))
}

/// Density at which words lie in the buffers: they are compressed if and only if they have masks.
fn stored(work: &TileWork, density_ppm: u64) -> u64 {
    if work.mask_bytes > 0 { density_ppm } else { 1_000_000 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{convolution, dense, module, one};

    fn cost(parameters: &str, work: TileWork) -> TileCost {
        one("codebench/mac-lanes", parameters, work)
    }

    #[test]
    fn a_convolution_takes_the_product_of_its_blocks_times_the_density() {
        // 1 image, 4 x 2 blocks of positions, 2 of inputs, 8 of outputs, 1 of the kernel: 128 cycles, a fifth of which is 25.6.
        let answer = cost("", convolution());
        assert_eq!(answer.busy_cycles, 26);
        assert_eq!(answer.fill_cycles, 2 + 4 + 4);
        // 256 positions x 64 outputs x 9 taps x 2 blocks of inputs, a fifth.
        assert_eq!(answer.events[0], 58_983);
        let dense = TileWork { effective_macs: 4_718_592, ..convolution() };
        assert_eq!(cost("skip_zeros = false", dense).busy_cycles, 128);
    }

    #[test]
    fn traffic_counts_the_reuse_of_line_buffers_and_accumulators() {
        let answer = cost("", convolution());
        // 32 x 18 x 18 words at half density, once for each of 8 blocks of outputs.
        assert_eq!(answer.activation_read_bytes, 12_960 * 8);
        assert_eq!(answer.activation_write_bytes, 20_480);
        // 64 x 32 x 9 words at half density, once for 8 blocks of positions; 64 words of bias.
        assert_eq!(answer.weight_read_bytes, 23_040 + 160);
        let four = cost("accumulators = 4", convolution());
        assert_eq!(four.weight_read_bytes, 2 * 23_040 + 160);
        let later = TileWork { first_input_tile: 0, mask_bytes: 0, ..convolution() };
        assert_eq!(cost("", later).activation_read_bytes, 25_920 * 8 + 64 * 16 * 16 * 20 / 8);
    }

    #[test]
    fn a_stride_beyond_the_kernel_skips_what_it_does_not_need() {
        let work = TileWork {
            kernel_x: 1,
            kernel_y: 1,
            stride_x: 2,
            stride_y: 2,
            in_y: 31,
            in_x: 31,
            mask_bytes: 0,
            ..convolution()
        };
        assert_eq!(cost("", work).activation_read_bytes, 32 * 16 * 16 * 20 / 8 * 8);
    }

    #[test]
    fn groups_run_one_after_another() {
        let depthwise =
            TileWork { in_channels: 64, groups: 64, macs: 147_456, effective_macs: 147_456, ..convolution() };
        assert_eq!(cost("", depthwise).busy_cycles, 8 * 64);
        let error = module("codebench/mac-lanes", "")
            .cost(&[TileWork { groups: 0, ..depthwise }], &mut [TileCost::default()])
            .unwrap_err();
        assert!(error.message.contains("`groups` = 0"), "{error}");
    }

    #[test]
    fn a_dense_layer_spreads_images_over_pes_and_inputs_over_the_kernels_lanes() {
        // 65 images over 64 PEs, 300 features over 144 multipliers, 10 outputs over 8 lanes.
        assert_eq!(cost("", dense()).busy_cycles, 2 * 3 * 2);
    }

    #[test]
    fn constants_are_the_published_ones_at_1_and_16_and_between_them_else() {
        let lanes = PublishedConstants::from(AccelBench).mac_lanes;
        for (set, of) in [("relu", 0), ("silu", 1), ("both", 2)] {
            for published in &lanes {
                let expected = [published.relu, published.silu, published.both][of];
                assert_eq!(lane(set, published.pif).unwrap(), expected, "{set} {}", published.pif);
            }
        }
        assert!(
            (lane("relu", 6).unwrap().area_um2 - (597.964253 + (8819.484999 - 597.964253) / 3.0)).abs()
                < 1e-9
        );
        assert!(lane("both", 256).unwrap().leakage_mw > lane("both", 16).unwrap().leakage_mw);
    }

    #[test]
    fn a_primitive_that_the_facts_do_not_promise_is_refused() {
        let pool = TileWork { primitive: PrimitiveKind::MaxPool.code(), ..convolution() };
        let error = module("codebench/mac-lanes", "").cost(&[pool], &mut [TileCost::default()]).unwrap_err();
        assert_eq!(error.message, "`primitive` = 3: the MAC lanes run convolutions (1) and dense layers (2)");
    }
}
