//! The `published` fidelity: bit for bit what the authors' released simulator answers, its mistakes included.
//!
//! The released program walks over every chunk of every tile. Here equal tiles are counted, not walked: a program of
//! nested repetitions per operation (`conv`), whose integer totals are products and whose sums of doubles have an exact
//! closed form (`sum`). Only buffers that almost hold an operand are followed tile by tile (`residency`).

mod conv;
mod figures;
mod phases;
mod program;
mod residency;
mod sum;
mod tiling;

use crate::SimError;
use codebench_model::{CostReport, PublishedAccelerator, PublishedConstants, PublishedOps, PublishedPhases};
use figures::{CYCLE_S, Figures};
use phases::check_sizes;
use program::{Buffer, Energy, Loads, Tally};
use residency::Fill;
use sum::Sum;

/// Bits of one chunk of 64 words of 20 bits at the fixed density of one half.
const CHUNK_BITS: u64 = 640;
const CHUNK_WORD_BITS: u64 = 64 * 20;
const WORD_BITS: f64 = 20.0;
const MEGABYTE: f64 = 1_048_576.0;

/// Simulates CNNs on accelerators with one set of constants.
#[derive(Debug, Clone, PartialEq)]
pub struct Simulator {
    constants: PublishedConstants,
}

/// Everything that the released simulator reports.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Simulation {
    /// The answer.
    pub report: CostReport,
    /// Sum of all leakage powers, mW.
    pub leakage_power_mw: f64,
    /// Use of the activation buffer.
    pub activation_buffer: BufferUse,
    /// Use of the weight buffer.
    pub weight_buffer: BufferUse,
    /// Convolution blocks.
    pub conv_blocks: u64,
    /// Matrix multiplications.
    pub matmul_blocks: u64,
    /// Cycles of the MAC lanes.
    pub mac_lane_cycles: u64,
    /// Sum over convolution blocks of the longer of their two loads.
    pub conv_wait_cycles: u64,
    /// The same over matrix multiplications.
    pub matmul_wait_cycles: u64,
    /// Residency tests in chunks, matrix multiplications left out.
    pub chunk_checks: u64,
    /// Share of each operation, parallel to [`PublishedOps::ops`].
    pub per_op: Vec<OpCost>,
    /// Share of the image loads.
    pub image: OpCost,
}

/// What happened in one buffer.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct BufferUse {
    /// Blocks that loaded anything.
    pub load_blocks: u64,
    /// Chunks inserted.
    pub chunk_loads: u64,
    /// Chunks evicted.
    pub chunk_evictions: u64,
    /// Cycles of loading.
    pub load_cycles: u64,
    /// Capacity as the released code computes it: words, compared with bits.
    pub capacity: u64,
    /// Occupancy at the end, bits.
    pub occupancy: u64,
    /// Energy of accesses, nJ.
    pub energy_nj: f64,
}

/// The part of the totals that an operation accounts for.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct OpCost {
    /// Cycles; convolutions and matrix multiplications have their part of whichever of the five counters is largest.
    pub cycles: u64,
    /// Dynamic energy, J.
    pub energy_j: f64,
}

/// The least whole number that is not below `x`; for counts of cycles.
fn ceil_of(x: f64) -> u64 {
    codebench_math::ceil(x) as u64
}

/// What blocks are charged on one accelerator.
#[derive(Debug, Clone, Copy)]
struct Charges {
    figures: Figures,
    /// Bits per cycle from main memory, whatever the memory.
    bandwidth: f64,
    /// J of one access to the mask buffer.
    mask_j: f64,
}

impl Charges {
    fn load_cycles(&self, chunks: u64) -> u64 {
        if chunks == 0 {
            return 0;
        }
        ceil_of((chunks.saturating_mul(CHUNK_WORD_BITS)) as f64 * 0.5 / self.bandwidth)
    }

    /// DMA and main memory, then the mask buffer.
    fn load_energies(&self, load: &Loads) -> [f64; 2] {
        if load.blocks == 0 {
            return [0.0; 2];
        }
        [CYCLE_S * load.cycles as f64 * self.figures.load * 1e-3, self.mask_j]
    }
}

impl Simulator {
    /// A simulator with these constants.
    pub fn new(constants: PublishedConstants) -> Simulator {
        Simulator { constants }
    }

    /// Whether there is hardware for such an accelerator, whatever the CNN.
    ///
    /// # Errors
    /// A number of multipliers that the constants do not know, counts too large to multiply.
    pub fn check(&self, accelerator: &PublishedAccelerator) -> Result<(), SimError> {
        figures::check(&self.constants, accelerator)
    }

    /// Cost of one inference of a whole batch.
    ///
    /// # Errors
    /// A CNN without ReLU and SiLU, a number of multipliers that the constants do not know, an operation with a size
    /// of 0, sizes or totals too large to count.
    pub fn simulate(
        &self,
        ops: &PublishedOps,
        accelerator: &PublishedAccelerator,
    ) -> Result<Simulation, SimError> {
        let figures = Figures::new(&self.constants, accelerator, ops)?;
        Run::new(figures, accelerator, ops)?.finish()
    }
}

/// The state of one simulation.
struct Run<'a> {
    ops: &'a PublishedOps,
    accelerator: &'a PublishedAccelerator,
    charges: Charges,
    energy: Energy,
    buffers: [Buffer; 2],
    capacities: [u64; 2],
    phases: PublishedPhases,
    conv: Tally,
    matmul: Tally,
    image_loads: Loads,
    image: OpCost,
    per_op: Vec<OpCost>,
    /// Tally of each convolution or matrix multiplication.
    tallies: Vec<Tally>,
}

fn capacity_of(mb: u64) -> u64 {
    (mb as f64 * 8.0 * MEGABYTE / WORD_BITS) as u64
}

impl<'a> Run<'a> {
    fn new(
        figures: Figures,
        accelerator: &'a PublishedAccelerator,
        ops: &'a PublishedOps,
    ) -> Result<Run<'a>, SimError> {
        let capacities =
            [capacity_of(accelerator.activation_buffer_mb), capacity_of(accelerator.weight_buffer_mb)];
        let buffer = |stream: usize, access_nj: f64| Buffer {
            sum: Sum::ZERO,
            fill: Fill { resident: 0, capacity: capacities[stream] / CHUNK_BITS },
            access_nj,
            stream,
        };
        let charges = Charges {
            figures,
            bandwidth: 40_000.0 * MEGABYTE * 8.0 * 1000.0 / 700.0 * 1e-9,
            mask_j: figures.mask_access * 1e-9,
        };
        check_sizes(ops)?;
        Ok(Run {
            ops,
            accelerator,
            charges,
            energy: Energy(Sum::ZERO),
            buffers: [buffer(0, figures.activation_access), buffer(1, figures.weight_access)],
            capacities,
            phases: PublishedPhases::default(),
            conv: Tally::default(),
            matmul: Tally::default(),
            image_loads: Loads::default(),
            image: OpCost::default(),
            per_op: vec![OpCost::default(); ops.ops.len()],
            tallies: vec![Tally::default(); ops.ops.len()],
        })
    }

    fn finish(mut self) -> Result<Simulation, SimError> {
        self.elementwise()?;
        self.load_image()?;
        self.convolutions()?;
        self.matmuls()?;
        self.report()
    }
}
