//! A convolution as a program of blocks: batch, x, y, input channels and output channels, outer to inner.
//!
//! One pass over the output channels is a *scan*; scans differ by the shape of their tile and by what is missing from
//! the buffers when they run, which repeats with a period (see `residency`).

use super::program::{Block, Loads, NodeId, Program, Tally};
use super::residency::{Misses, Passes, image_passes, weight_passes};
use super::tiling::{self, Axis, Run, TILE_BATCH, TILE_IN, chunks, product};
use super::{Charges, ceil_of};
use crate::SimError;
use codebench_model::PublishedAccelerator;
use std::collections::HashMap;

/// Fraction of multiplications left by the fixed sparsities, as the released code applies it.
const DENSITY: f64 = 0.5;
const OVERLAP: f64 = 0.8;

/// Cycles left of `cycles` multiplications after the fixed sparsities.
pub(super) fn sparse_cycles(cycles: u64) -> u64 {
    ceil_of(cycles as f64 * DENSITY * DENSITY * OVERLAP)
}

/// Shape of one group of a convolution as the released simulator sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct ConvShape {
    pub(super) height: u64,
    pub(super) width: u64,
    pub(super) channels: u64,
    pub(super) kernel: [u64; 2],
    pub(super) stride: [u64; 2],
    pub(super) filter_channels: u64,
    pub(super) filters: u64,
    /// Whether it reads the image where the image loads have left it.
    pub(super) reads_image: bool,
}

/// What the tiles of a scan have in common.
#[derive(Debug, Clone, Copy)]
struct Scan {
    activation_chunks: u64,
    /// MAC cycles for a full tile of output channels and for the last one.
    mac_cycles: [u64; 2],
}

/// Capacities in chunks: activations, weights.
pub(super) type Capacities = [u64; 2];

pub(super) struct ConvBuilder<'a> {
    program: &'a mut Program,
    charges: &'a Charges,
    accelerator: &'a PublishedAccelerator,
    shape: ConvShape,
    axes: [Axis; 4],
    /// Scans inside one tile of each axis.
    inner: [u64; 4],
    /// Chunks of one filter.
    filter_chunks: u64,
    activation_capacity: u64,
    activations: Option<Passes>,
    weights: Passes,
    transient: u64,
    period: u64,
    memo: HashMap<(usize, [usize; 4], u64), NodeId>,
}

/// Tile axes of an activation tensor, outer to inner.
pub(super) fn axes(batch: u64, shape: [u64; 3], stride: [u64; 2]) -> Result<[Axis; 4], SimError> {
    let [channels, height, width] = shape;
    Ok([
        tiling::axis(batch, TILE_BATCH),
        tiling::spatial_axis(height, stride[0])?,
        tiling::spatial_axis(width, stride[1])?,
        tiling::axis(channels, TILE_IN),
    ])
}

/// Chunks of an activation tile.
pub(super) fn tile_chunks(tile: [&Run; 4]) -> u64 {
    let [batch, x, y, channels] = tile;
    batch.input * chunks(x.input) * chunks(y.input) * chunks(channels.input)
}

/// Chunks of every tile, in order of loading, one by one.
fn every_tile(axes: &[Axis; 4]) -> impl Iterator<Item = u64> + '_ {
    fn tiles(axis: &Axis) -> impl Iterator<Item = &Run> {
        axis.iter().flat_map(|run| (0..run.count).map(move |_| run))
    }
    tiles(&axes[0]).flat_map(move |b| {
        tiles(&axes[1]).flat_map(move |x| {
            tiles(&axes[2]).flat_map(move |y| tiles(&axes[3]).map(move |c| tile_chunks([b, x, y, c])))
        })
    })
}

impl<'a> ConvBuilder<'a> {
    pub(super) fn new(
        program: &'a mut Program,
        charges: &'a Charges,
        accelerator: &'a PublishedAccelerator,
        capacities: Capacities,
        shape: ConvShape,
    ) -> Result<Self, SimError> {
        let axes = axes(accelerator.batch, [shape.channels, shape.height, shape.width], shape.stride)?;
        let count = |axis: &Axis| axis.iter().map(|r| r.count).sum::<u64>();
        let counts = [count(&axes[0]), count(&axes[1]), count(&axes[2]), count(&axes[3])];
        let scans = product(&counts, "the number of tiles of a convolution")?;
        let inner = [counts[1..].iter().product(), counts[2..].iter().product(), counts[3], 1];
        let filter_chunks = product(
            &[chunks(shape.kernel[0]), chunks(shape.kernel[1]), chunks(shape.filter_channels)],
            "the number of weights of a filter",
        )?;
        product(&[filter_chunks, shape.filters], "the number of weights of a convolution")?;
        let weights = weight_passes(shape.filters, filter_chunks, TILE_BATCH, capacities[1], scans)?;
        let activations = if shape.reads_image {
            let spatial = [chunks(shape.height), chunks(shape.width), chunks(shape.channels)];
            let all =
                product(&[accelerator.batch, spatial[0], spatial[1], spatial[2]], "the size of the image")?;
            let first = [&axes[0], &axes[1], &axes[2], &axes[3]];
            let largest = match first.map(|axis| axis.first()) {
                [Some(b), Some(x), Some(y), Some(c)] => tile_chunks([b, x, y, c]),
                _ => 0,
            };
            let accesses = shape.filters.div_ceil(TILE_BATCH);
            image_passes(every_tile(&axes), largest, all, capacities[0], accesses)?
        } else {
            None
        };
        let (mut transient, mut period) = (weights.transient(), weights.period);
        if let Some(passes) = &activations {
            // Either the same in every scan, or one entry per scan.
            transient = transient.max(passes.transient());
            if passes.passes.len() > 1 {
                (transient, period) = (scans, 1);
            }
        }
        Ok(ConvBuilder {
            program,
            charges,
            accelerator,
            shape,
            axes,
            inner,
            filter_chunks,
            activation_capacity: capacities[0],
            activations,
            weights,
            transient,
            period,
            memo: HashMap::new(),
        })
    }

    /// The program of one group.
    pub(super) fn build(mut self) -> Result<NodeId, SimError> {
        self.level(0, [0; 4], 0)
    }

    /// The tiles of axis `level` and all below, for the outer tiles `path`, beginning with scan `start`.
    fn level(&mut self, level: usize, path: [usize; 4], start: u64) -> Result<NodeId, SimError> {
        if level == 4 {
            return self.scan(path, start);
        }
        let key = (level, path, self.phase(start));
        if self.period > 1
            && let Some(known) = self.memo.get(&key)
        {
            return Ok(*known);
        }
        let mut children: Vec<(NodeId, u64)> = Vec::with_capacity(4);
        let mut scan = start;
        for index in 0..self.axes[level].len() {
            let mut inner_path = path;
            inner_path[level] = index;
            self.run(level, inner_path, &mut scan, &mut children)?;
        }
        let node = self.program.sequence(&children)?;
        if self.period > 1 {
            self.memo.insert(key, node);
        }
        Ok(node)
    }

    /// Equal tiles of one axis: one by one while the misses are transient, then by whole periods.
    fn run(
        &mut self,
        level: usize,
        path: [usize; 4],
        scan: &mut u64,
        children: &mut Vec<(NodeId, u64)>,
    ) -> Result<(), SimError> {
        let inner = self.inner[level];
        let mut left = self.axes[level][path[level]].count;
        while left > 0 && *scan < self.transient {
            children.push((self.level(level + 1, path, *scan)?, 1));
            *scan += inner;
            left -= 1;
        }
        if left == 0 {
            return Ok(());
        }
        let repeat = self.period / greatest_common_divisor(inner % self.period, self.period);
        let (groups, rest) = (left / repeat, left % repeat);
        let first = *scan;
        let mut members = Vec::new();
        for member in 0..repeat.min(left) {
            members.push((self.level(level + 1, path, first + member * inner)?, 1));
        }
        if groups > 0 {
            children.push((self.program.sequence(&members)?, groups));
        }
        children.extend_from_slice(&members[..rest as usize]);
        *scan += left * inner;
        Ok(())
    }

    fn phase(&self, scan: u64) -> u64 {
        if scan < self.transient { scan } else { self.transient + (scan - self.transient) % self.period }
    }

    /// One pass over the output channels.
    fn scan(&mut self, path: [usize; 4], number: u64) -> Result<NodeId, SimError> {
        let key = (4, path, self.phase(number));
        if self.period > 1
            && let Some(known) = self.memo.get(&key)
        {
            return Ok(*known);
        }
        let scan = self.describe(path)?;
        let (full, last) = (self.shape.filters / TILE_BATCH, self.shape.filters % TILE_BATCH);
        let fresh;
        let activations: &[(u64, u64)] = match &self.activations {
            Some(passes) => pass(passes, number),
            None => {
                let n = scan.activation_chunks;
                fresh = [(n, 1), (n.saturating_sub(self.activation_capacity), full + last.min(1) - 1)];
                &fresh
            }
        };
        let weights = pass(&self.weights, number);
        let mut children: Vec<(NodeId, u64)> = Vec::with_capacity(4);
        let mut cursors = [Cursor::new(activations), Cursor::new(weights)];
        for (size, count, cycles) in
            [(TILE_BATCH, full, scan.mac_cycles[0]), (last, last.min(1), scan.mac_cycles[1])]
        {
            let mut left = count;
            while left > 0 {
                let times = cursors.iter().map(|c| c.left).min().unwrap_or(left).min(left).max(1);
                let missing = [cursors[0].misses, cursors[1].misses];
                let checks = scan.activation_chunks + size * self.filter_chunks;
                let block = self.charges.conv_block(cycles, missing, checks);
                children.push((self.program.block(block)?, times));
                cursors.iter_mut().for_each(|c| c.advance(times));
                left -= times;
            }
        }
        let node = self.program.sequence(&children)?;
        if self.period > 1 {
            self.memo.insert(key, node);
        }
        Ok(node)
    }

    fn describe(&self, path: [usize; 4]) -> Result<Scan, SimError> {
        let tile =
            [&self.axes[0][path[0]], &self.axes[1][path[1]], &self.axes[2][path[2]], &self.axes[3][path[3]]];
        let a = self.accelerator;
        let common = product(
            &[
                tile[0].input.div_ceil(a.pib),
                tile[1].output.div_ceil(a.pix),
                tile[2].output.div_ceil(a.piy),
                tile[3].input.div_ceil(a.pif),
                self.shape.kernel[0].div_ceil(a.pkx),
                self.shape.kernel[1].div_ceil(a.pky),
            ],
            "the number of cycles of a tile",
        )?;
        let cycles = |filters: u64| sparse_cycles(common * filters.div_ceil(a.pof));
        let last = self.shape.filters % TILE_BATCH;
        Ok(Scan { activation_chunks: tile_chunks(tile), mac_cycles: [cycles(TILE_BATCH), cycles(last)] })
    }
}

/// Misses of scan `number`.
fn pass(passes: &Passes, number: u64) -> &[(u64, u64)] {
    let transient = passes.transient();
    let index = if number < transient { number } else { transient + (number - transient) % passes.period };
    passes.passes.get(index as usize).map_or(&[], Misses::as_slice)
}

/// Walks along runs of misses.
struct Cursor<'a> {
    misses: u64,
    left: u64,
    rest: &'a [(u64, u64)],
}

impl<'a> Cursor<'a> {
    fn new(runs: &'a [(u64, u64)]) -> Cursor<'a> {
        let mut cursor = Cursor { misses: 0, left: 0, rest: runs };
        cursor.skip();
        cursor
    }

    fn advance(&mut self, times: u64) {
        self.left = self.left.saturating_sub(times);
        self.skip();
    }

    fn skip(&mut self) {
        while self.left == 0
            && let [(misses, count), rest @ ..] = self.rest
        {
            (self.misses, self.left, self.rest) = (*misses, *count, rest);
        }
    }
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if a == 0 { b } else { greatest_common_divisor(b % a, a) }
}

impl Charges {
    /// A block that computes for `mac_cycles` and loads `missing` activation and weight chunks.
    pub(super) fn conv_block(&self, mac_cycles: u64, missing: [u64; 2], checks: u64) -> Block {
        self.compute_block(mac_cycles, self.figures.conv_modules, missing, checks)
    }

    /// A block of either kind.
    pub(super) fn compute_block(
        &self,
        mac_cycles: u64,
        modules_mw: f64,
        missing: [u64; 2],
        checks: u64,
    ) -> Block {
        let loads =
            missing.map(|chunks| Loads { blocks: chunks.min(1), chunks, cycles: self.load_cycles(chunks) });
        let [activation, weight] = loads.map(|load| self.load_energies(&load));
        let seconds = super::figures::CYCLE_S * mac_cycles as f64;
        let energies = [
            seconds * self.figures.mac * 1e-3,
            seconds * modules_mw * 1e-3,
            activation[0],
            activation[1],
            weight[0],
            weight[1],
        ];
        let wait_cycles = loads[0].cycles.max(loads[1].cycles);
        Block { energies, tally: Tally { blocks: 1, mac_cycles, wait_cycles, checks, loads } }
    }
}
