//! On-chip buffers: the published figures as functions of the size.

use super::count::bytes;
use super::facts::{Growth, each};
use codebench_sdk::math;
use codebench_sdk::model::published::BufferConstants;
use codebench_sdk::prelude::*;

/// Words of one access: the chunk of 4 x 4 x 4 words of the released simulator.
const ACCESS_WORDS: u64 = 64;
/// Words per word of the array's operands at full rate: with the paper's densities the lanes finish a dense cycle's work in
/// 0.2 cycles, in which half of its words are read, which is 2.5; 4 is the next power of two.
pub(crate) const PORT_HEADROOM: u64 = 4;
/// Cycles from a request to its word.
const ACCESS_CYCLES: u64 = 2;

/// A buffer of one read port and one write port.
#[derive(Debug)]
pub(crate) struct Buffer {
    constants: BufferConstants,
    size_mb: f64,
    /// Accesses per cycle and port.
    accesses: u64,
    word_bits: u64,
}

impl Buffer {
    /// The parameters that every buffer has beside the extents of the array.
    pub(crate) fn parameters(default_mb: f64) -> [ParameterDescription; 2] {
        [
            ParameterDescription::float("size_mb", 0.0, 65536.0, default_mb, "Capacity in 2^20 bytes.")
                .unit("MB"),
            ParameterDescription::integer(
                "words_per_cycle",
                0,
                1 << 24,
                0,
                "Words that each port moves in a cycle, rounded up to accesses of 64; 0 derives it from the array.",
            ),
        ]
    }

    /// A buffer whose port would be `words` wide by the array.
    pub(crate) fn of(
        configuration: &Configuration<'_>,
        constants: BufferConstants,
        words: u64,
    ) -> Result<Buffer, PluginError> {
        let words = match configuration.integer("words_per_cycle")?.unsigned_abs() {
            0 => words,
            given => given,
        };
        Ok(Buffer {
            constants,
            size_mb: configuration.float("size_mb")?,
            accesses: words.div_ceil(ACCESS_WORDS).max(1),
            word_bits: configuration.hardware.word_bits,
        })
    }

    /// Bytes of one access.
    fn access_bytes(&self) -> Result<u64, PluginError> {
        bytes("access_bytes", ACCESS_WORDS, self.word_bits, 1_000_000)
    }

    fn bytes_per_cycle(&self) -> u64 {
        // 64 words are a whole number of bytes.
        self.accesses.saturating_mul(ACCESS_WORDS / 8).saturating_mul(self.word_bits)
    }

    pub(crate) fn facts(&self) -> ModuleFacts {
        let c = &self.constants;
        let access_pj = |nj: f64| {
            nj * 1e3 * math::sqrt(self.size_mb / c.reference_mb) * Growth::Linear.factor(self.word_bits)
        };
        ModuleFacts {
            area_mm2: c.area_mm2 / c.reference_mb * self.size_mb,
            leakage_mw: c.leakage_mw * c.banks / c.reference_mb * self.size_mb,
            capacity_bytes: math::floor(self.size_mb * f64::from(1 << 20)) as u64,
            read_bytes_per_cycle: self.bytes_per_cycle(),
            write_bytes_per_cycle: self.bytes_per_cycle(),
            events: vec![
                EventFacts::new("read_access", Cause::BufferRead, access_pj(c.read_nj)),
                EventFacts::new("write_access", Cause::BufferWrite, access_pj(c.write_nj)),
            ],
            ..ModuleFacts::default()
        }
    }

    pub(crate) fn cost(&self, works: &[TileWork], costs: &mut [TileCost]) -> Result<(), PluginError> {
        let access = self.access_bytes()?.max(1);
        let port = self.bytes_per_cycle().max(1);
        each(works, costs, |work| {
            let carried = work.read_bytes.max(work.write_bytes);
            let mut cost = TileCost {
                busy_cycles: carried.div_ceil(port),
                fill_cycles: if carried > 0 { ACCESS_CYCLES } else { 0 },
                ..TileCost::default()
            };
            cost.events[0] = work.read_bytes.div_ceil(access);
            cost.events[1] = work.write_bytes.div_ceil(access);
            Ok(cost)
        })
    }
}
