//! The shape of the paper's array of processing elements, and what a tile asks of it.

use super::count::{MILLION, narrow, product, times};
use codebench_sdk::prelude::*;

/// Extents of the array. A PE is one of pib x pix x piy; a MAC lane one of pof x pkx x pky in each PE; a lane has pif
/// multipliers and an adder tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Array {
    pub(crate) pib: u64,
    pub(crate) pif: u64,
    pub(crate) pix: u64,
    pub(crate) piy: u64,
    pub(crate) pof: u64,
    pub(crate) pkx: u64,
    pub(crate) pky: u64,
}

/// Name, largest value, default and help of each extent.
const EXTENTS: [(&str, i64, i64, &str); 7] = [
    ("pib", 256, 2, "PEs along the batch."),
    (
        "pif",
        256,
        16,
        "Multipliers of a MAC lane, along input channels; constants are published for 1 and 16.",
    ),
    ("pix", 256, 8, "PEs along output columns."),
    ("piy", 256, 4, "PEs along output rows."),
    ("pof", 256, 8, "MAC lanes of a PE along output channels."),
    ("pkx", 64, 3, "MAC lanes of a PE along kernel columns."),
    ("pky", 64, 3, "MAC lanes of a PE along kernel rows."),
];

impl Array {
    /// The descriptions of the named extents; the defaults are the paper's.
    pub(crate) fn parameters(names: &[&str]) -> Vec<ParameterDescription> {
        EXTENTS
            .iter()
            .filter(|(name, ..)| names.contains(name))
            .map(|(name, largest, default, help)| {
                ParameterDescription::integer(name, 1, *largest, *default, help)
            })
            .collect()
    }

    /// The extents that the configuration has; 1 for those that the module does not describe.
    pub(crate) fn of(configuration: &Configuration<'_>) -> Result<Array, PluginError> {
        let extent = |name: &str| match configuration.parameters.contains_key(name) {
            true => {
                let value = configuration.integer(name)?;
                u64::try_from(value).map_err(|_| {
                    PluginError::invalid(format!(
                        "parameter `{name}` = {value} is out of range: give 1 or more"
                    ))
                })
            }
            false => Ok(1),
        };
        Ok(Array {
            pib: extent("pib")?,
            pif: extent("pif")?,
            pix: extent("pix")?,
            piy: extent("piy")?,
            pof: extent("pof")?,
            pkx: extent("pkx")?,
            pky: extent("pky")?,
        })
    }

    /// Processing elements.
    pub(crate) fn pes(&self) -> u64 {
        self.pib * self.pix * self.piy
    }

    /// MAC lanes of one PE.
    pub(crate) fn lanes(&self) -> u64 {
        self.pof * self.pkx * self.pky
    }

    /// MAC lanes of all PEs.
    pub(crate) fn all_lanes(&self) -> u64 {
        self.pes() * self.lanes()
    }

    /// What a tile asks of the array; `None` for what is neither convolution nor dense layer.
    pub(crate) fn work(&self, work: &TileWork) -> Result<Option<ArrayWork>, PluginError> {
        let blocks = match PrimitiveKind::of_code(work.primitive) {
            Some(PrimitiveKind::Conv) => self.conv(work)?,
            Some(PrimitiveKind::Dense) => self.dense(work)?,
            _ => return Ok(None),
        };
        let density = skipped_density(work)?;
        let scaled = |field, count| scale(field, count, density);
        let Blocks { positions, position_blocks, taps, tap_blocks, in_blocks, outputs, out_blocks, groups } =
            blocks;
        let cycles = product("busy_cycles", &[position_blocks, groups, out_blocks, in_blocks, tap_blocks])?;
        let pe_cycles = product("pe_cycle", &[positions, groups, out_blocks, in_blocks, tap_blocks])?;
        let lane_cycles = product("lane_cycle", &[positions, groups, outputs, taps])?;
        Ok(Some(ArrayWork {
            cycles: scaled("busy_cycles", cycles)?,
            pe_cycles: scaled("pe_cycle", pe_cycles)?,
            lane_cycles: scaled("lane_cycle", lane_cycles)?,
            position_blocks,
            out_blocks,
        }))
    }

    /// Each extent of a convolution is cut into blocks of the array's extent.
    fn conv(&self, work: &TileWork) -> Result<Blocks, PluginError> {
        let (inputs, outputs) = per_group(work)?;
        let in_blocks = inputs.div_ceil(self.pif);
        Ok(Blocks {
            positions: product("positions", &[work.batch, work.out_y, work.out_x])?,
            position_blocks: product(
                "positions",
                &[
                    work.batch.div_ceil(self.pib),
                    work.out_y.div_ceil(self.piy),
                    work.out_x.div_ceil(self.pix),
                ],
            )?,
            taps: product("taps", &[in_blocks, work.kernel_y, work.kernel_x])?,
            tap_blocks: product(
                "taps",
                &[work.kernel_y.div_ceil(self.pky), work.kernel_x.div_ceil(self.pkx)],
            )?,
            in_blocks,
            outputs,
            out_blocks: outputs.div_ceil(self.pof),
            groups: work.groups,
        })
    }

    /// A dense layer uses every PE for images, as all PEs share weights, and the lanes along the kernel for further input
    /// features, as their products meet in one adder tree.
    fn dense(&self, work: &TileWork) -> Result<Blocks, PluginError> {
        let (inputs, outputs) = per_group(work)?;
        let positions = product("positions", &[work.batch, work.out_y, work.out_x])?;
        Ok(Blocks {
            positions,
            position_blocks: positions.div_ceil(self.pes()),
            taps: inputs.div_ceil(self.pif),
            tap_blocks: 1,
            in_blocks: inputs.div_ceil(self.pif * self.pkx * self.pky),
            outputs,
            out_blocks: outputs.div_ceil(self.pof),
            groups: work.groups,
        })
    }
}

/// A tile cut into blocks that the array does in one cycle.
struct Blocks {
    positions: u64,
    position_blocks: u64,
    /// Lane cycles of one output at one position.
    taps: u64,
    tap_blocks: u64,
    in_blocks: u64,
    /// Of one group.
    outputs: u64,
    out_blocks: u64,
    groups: u64,
}

/// What a tile asks of the array, zeros skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ArrayWork {
    /// Cycles for which the array is occupied.
    pub(crate) cycles: u64,
    /// Cycles summed over the PEs that work; the others are gated.
    pub(crate) pe_cycles: u64,
    /// Cycles summed over the lanes that work; the others are gated.
    pub(crate) lane_cycles: u64,
    /// Blocks of output positions.
    pub(crate) position_blocks: u64,
    /// Blocks of output channels within a group.
    pub(crate) out_blocks: u64,
}

impl ArrayWork {
    /// How often the kernel passes the lanes, each of which holds so many partial sums.
    pub(crate) fn weight_passes(&self, accumulators: u64) -> u64 {
        self.position_blocks.div_ceil(accumulators.max(1))
    }
}

/// Input and output channels of one group.
fn per_group(work: &TileWork) -> Result<(u64, u64), PluginError> {
    match work.groups {
        0 => Err(PluginError::invalid("`groups` = 0: give at least 1, the groups of a convolution")),
        g => Ok((work.in_channels.div_ceil(g), work.out_channels.div_ceil(g))),
    }
}

/// A share in lowest terms of its factors: numbers stay small, so that 64 bits nearly always suffice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Share {
    numerator: u64,
    /// At most 10^18.
    denominator: u64,
}

/// Share of the MACs that is left: 1 where the compute module skips nothing.
fn skipped_density(work: &TileWork) -> Result<Share, PluginError> {
    let shares = [
        ("activation_density_ppm", work.activation_density_ppm),
        ("weight_density_ppm", work.weight_density_ppm),
        ("overlap_ppm", work.overlap_ppm),
    ];
    if let Some((name, share)) = shares.iter().find(|(_, share)| *share > MILLION) {
        return Err(PluginError::invalid(format!("`{name}` = {share} is out of range: give 0 to {MILLION}")));
    }
    let mut share = Share { numerator: 1, denominator: 1 };
    if work.effective_macs < work.macs {
        for (_, ppm) in shares {
            let common = greatest_divisor(ppm, MILLION);
            share.numerator *= ppm / common;
            share.denominator *= MILLION / common;
        }
    }
    Ok(share)
}

fn greatest_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// `count` times the share, rounded up. Wide division is slow, in the sandbox most of all: it is used only where it must be.
fn scale(field: &str, count: u64, share: Share) -> Result<u64, PluginError> {
    match times(count, share.numerator) {
        Some(scaled) => Ok(scaled.div_ceil(share.denominator)),
        None => {
            let scaled = u128::from(count) * u128::from(share.numerator);
            narrow(field, Some(scaled.div_ceil(u128::from(share.denominator))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_exact_whatever_the_width() {
        let shares = [
            [500_000, 500_000, 800_000],
            [1, 999_999, 333_333],
            [MILLION; 3],
            [0, 1, 2],
            [700_001, 3, MILLION],
        ];
        for [activation_density_ppm, weight_density_ppm, overlap_ppm] in shares {
            let work = TileWork {
                activation_density_ppm,
                weight_density_ppm,
                overlap_ppm,
                macs: 1,
                ..TileWork::default()
            };
            let share = skipped_density(&work).unwrap();
            for count in [0, 1, 19, 12_345_678_901, u64::MAX / 3, u64::MAX] {
                let parts = [activation_density_ppm, weight_density_ppm, overlap_ppm].map(u128::from);
                let exact =
                    (u128::from(count) * parts.iter().product::<u128>()).div_ceil(u128::from(MILLION).pow(3));
                assert_eq!(u128::from(scale("count", count, share).unwrap()), exact, "{count} {parts:?}");
            }
        }
    }
}
