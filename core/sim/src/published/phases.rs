//! The phases of the released simulator in its order: elementwise modules, image loads, convolutions, matrix
//! multiplications, and the sum of it all.

use super::conv::{self, ConvBuilder, ConvShape, sparse_cycles};
use super::figures::CYCLE_S;
use super::program::{Block, Buffer, Evaluation, Loads, NodeId, Program, Tally};
use super::tiling::{MATRIX_CHUNK, product};
use super::{BufferUse, CHUNK_BITS, OpCost, Run, Simulation};
use crate::SimError;
use codebench_model::{CostReport, PublishedOp, PublishedOps, TensorShape};

/// Side of the pooling module's array and of the upsampling module's, as the released code scales by them.
const POOL_UNITS: u64 = 25;
const UPSAMPLE_UNITS: u64 = 4;

/// The elementwise phases in their order.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Elementwise {
    BatchNorm,
    Pool,
    GlobalAveragePool,
    Upsample,
}

impl Run<'_> {
    pub(super) fn elementwise(&mut self) -> Result<(), SimError> {
        use Elementwise::{BatchNorm, GlobalAveragePool, Pool, Upsample};
        for phase in [BatchNorm, Pool, GlobalAveragePool, Upsample] {
            for (index, op) in self.ops.ops.iter().enumerate() {
                let Some(cycles) = self.elementwise_cycles(phase, op)? else { continue };
                let figures = &self.charges.figures;
                let (total, power) = match phase {
                    BatchNorm => (&mut self.phases.batchnorm_cycles, figures.batch_norm),
                    Pool => (&mut self.phases.pool_cycles, figures.pooling),
                    GlobalAveragePool => (&mut self.phases.globalavgpool_cycles, figures.global_average_pool),
                    Upsample => (&mut self.phases.upsampling_cycles, figures.upsample),
                };
                *total = checked_add(*total, cycles)?;
                let before = self.energy.0.value();
                self.energy.0.add(cycles as f64 * 1e-6 / 700.0 * power * 1e-3);
                if let Some(cost) = self.per_op.get_mut(index) {
                    *cost = OpCost { cycles, energy_j: self.energy.0.value() - before };
                }
            }
        }
        Ok(())
    }

    /// Cycles of `op` if it belongs to `phase`.
    fn elementwise_cycles(&self, phase: Elementwise, op: &PublishedOp) -> Result<Option<u64>, SimError> {
        let (batch, pes) = (self.accelerator.batch, self.charges.figures.pes);
        let cycles = match (phase, op) {
            (Elementwise::BatchNorm, &PublishedOp::BatchNorm { height, width, channels }) => {
                let elements = product(&[batch, height, width], "the number of elements of a batch norm")?;
                product(
                    &[elements.div_ceil(self.accelerator.pif * pes), channels],
                    "the cycles of a batch norm",
                )?
            }
            (Elementwise::Pool, &PublishedOp::Pool { channels, elements }) => {
                product(&[batch, channels, elements, POOL_UNITS], "the size of a pooling")?
                    .div_ceil(POOL_UNITS * pes)
            }
            (Elementwise::GlobalAveragePool, &PublishedOp::GlobalAveragePool { channels, height, width }) => {
                let elements = product(&[height, width], "the size of a global pooling")?;
                let windows = product(&[batch, channels, POOL_UNITS], "the size of a global pooling")?;
                product(
                    &[elements.div_ceil(POOL_UNITS), windows.div_ceil(POOL_UNITS * pes)],
                    "the cycles of a global pooling",
                )?
            }
            (Elementwise::Upsample, &PublishedOp::Upsample { channels, elements }) => {
                product(&[batch, channels, elements, UPSAMPLE_UNITS], "the size of an upsampling")?
                    .div_ceil(UPSAMPLE_UNITS * pes)
            }
            _ => return Ok(None),
        };
        Ok(Some(cycles))
    }

    /// Loads the image tile by tile: one access per chunk, and the mask energy per tile.
    pub(super) fn load_image(&mut self) -> Result<(), SimError> {
        let image = self.ops.image;
        let axes = conv::axes(self.accelerator.batch, [image.channels, image.height, image.width], [1, 1])?;
        let mut program = Program::default();
        let root = self.image_level(&mut program, &axes, &mut Vec::with_capacity(4))?;
        let tally = *program.tally(root);
        let before = self.energies();
        Evaluation::default().run(&program, root, &mut self.energy);
        self.image_loads = tally.loads[0];
        self.phases.memory_cycles = tally.loads[0].cycles;
        let buffer = &mut self.buffers[0];
        let evicted = buffer.fill.insert(tally.loads[0].chunks);
        buffer.sum.add_times(buffer.access_nj, checked_add(tally.loads[0].chunks, evicted)?);
        self.image = OpCost { cycles: tally.loads[0].cycles, energy_j: self.energy_since(before) };
        Ok(())
    }

    fn image_level(
        &self,
        program: &mut Program,
        axes: &[super::tiling::Axis; 4],
        path: &mut Vec<super::tiling::Run>,
    ) -> Result<NodeId, SimError> {
        if let [batch, x, y, channels] = path.as_slice() {
            let chunks = conv::tile_chunks([batch, x, y, channels]);
            let mut block = self.charges.conv_block(0, [chunks, 0], chunks);
            // Nothing is computed.
            block.tally.blocks = 0;
            return program.block(block);
        }
        let mut children = Vec::with_capacity(2);
        for run in &axes[path.len()] {
            path.push(*run);
            children.push((self.image_level(program, axes, path)?, run.count));
            path.pop();
        }
        program.sequence(&children)
    }

    pub(super) fn convolutions(&mut self) -> Result<(), SimError> {
        let ops = self.ops;
        let capacities = [self.buffers[0].fill.capacity, self.buffers[1].fill.capacity];
        let charges = self.charges;
        let (mut program, mut evaluation) = (Program::default(), Evaluation::default());
        for (index, op) in ops.ops.iter().enumerate() {
            let Some((shape, groups)) = conv_shape(op, ops.image) else { continue };
            program.clear();
            let group =
                ConvBuilder::new(&mut program, &charges, self.accelerator, capacities, shape)?.build()?;
            let root = program.sequence(&[(group, groups)])?;
            let before = self.energies();
            evaluation.run(&program, root, &mut self.energy);
            for buffer in &mut self.buffers {
                evaluation.run(&program, root, buffer);
            }
            let tally = *program.tally(root);
            self.conv.add_times(&tally, 1)?;
            self.record(index, tally, before);
        }
        Ok(())
    }

    pub(super) fn matmuls(&mut self) -> Result<(), SimError> {
        let ops = self.ops;
        for (index, op) in ops.ops.iter().enumerate() {
            let PublishedOp::Linear { in_features, out_features } = *op else { continue };
            let before = self.energies();
            let block = self.matmul_block(in_features, out_features)?;
            for term in block.energies {
                self.energy.0.add(term);
            }
            for buffer in &mut self.buffers {
                buffer.load(block.tally.loads[buffer.stream].chunks);
            }
            self.matmul.add_times(&block.tally, 1)?;
            self.record(index, block.tally, before);
        }
        Ok(())
    }

    fn matmul_block(&self, inputs: u64, outputs: u64) -> Result<Block, SimError> {
        let a = self.accelerator;
        let work = product(&[a.batch, inputs, outputs], "the size of a matrix multiplication")?;
        // Bounded with the number of multipliers, which includes every factor.
        let multipliers = self.charges.figures.pes * a.pif * a.pof * a.pkx * a.pky;
        let cycles = sparse_cycles(work.div_ceil(multipliers));
        let [batch, inputs, outputs] = [a.batch, inputs, outputs].map(|n| n.div_ceil(MATRIX_CHUNK));
        let activations = product(&[inputs, batch], "the activations of a matrix multiplication")?;
        let weights = product(&[outputs, inputs], "the weights of a matrix multiplication")?;
        Ok(self.charges.compute_block(cycles, self.charges.figures.matmul_modules, [activations, weights], 0))
    }

    /// Dynamic energy so far, J, and of the buffers, nJ.
    fn energies(&self) -> [f64; 3] {
        [self.energy.0.value(), self.buffers[0].sum.value(), self.buffers[1].sum.value()]
    }

    /// What was added since `before`, J.
    fn energy_since(&self, before: [f64; 3]) -> f64 {
        let after = self.energies();
        let buffers_nj = (after[1] - before[1]) + (after[2] - before[2]);
        after[0] - before[0] + buffers_nj * 1e-9
    }

    fn record(&mut self, index: usize, tally: Tally, before: [f64; 3]) {
        let energy_j = self.energy_since(before);
        if let Some(cost) = self.per_op.get_mut(index) {
            cost.energy_j = energy_j;
        }
        if let Some(slot) = self.tallies.get_mut(index) {
            *slot = tally;
        }
    }

    pub(super) fn report(mut self) -> Result<Simulation, SimError> {
        let mac_lane_cycles = checked_add(self.conv.mac_cycles, self.matmul.mac_cycles)?;
        let loads =
            |stream: usize| checked_add(self.conv.loads[stream].cycles, self.matmul.loads[stream].cycles);
        // The five counters, each with the part that an operation has in it.
        let counters =
            [loads(0)?, loads(1)?, self.conv.wait_cycles, self.matmul.wait_cycles, mac_lane_cycles];
        let conv_cycles = counters.iter().copied().max().unwrap_or(0);
        let largest = counters.iter().position(|c| *c == conv_cycles).unwrap_or(0);
        self.phases.conv_cycles = conv_cycles;
        self.attribute(largest);
        let p = self.phases;
        let phases = [
            p.batchnorm_cycles,
            p.pool_cycles,
            p.globalavgpool_cycles,
            p.upsampling_cycles,
            p.memory_cycles,
            p.conv_cycles,
        ];
        let total_cycles = phases.into_iter().try_fold(0, checked_add)?;
        let buffer_nj = self.buffers[0].sum.value() + self.buffers[1].sum.value();
        let dynamic_energy_j = self.energy.0.value() + buffer_nj * 1e-9;
        let leakage_power_mw = self.charges.figures.leakage_mw;
        let latency_s = CYCLE_S * total_cycles as f64;
        let report = CostReport {
            fidelity: "published".into(),
            total_cycles,
            latency_s,
            area_mm2: self.charges.figures.area_mm2,
            dynamic_energy_j,
            leakage_energy_j: latency_s * leakage_power_mw * 1e-3,
            params: self.ops.params,
            macs: self.ops.macs,
            published: Some(p),
            cycle: None,
        };
        Ok(Simulation {
            report,
            leakage_power_mw,
            activation_buffer: self.buffer_use(0)?,
            weight_buffer: self.buffer_use(1)?,
            conv_blocks: self.conv.blocks,
            matmul_blocks: self.matmul.blocks,
            mac_lane_cycles,
            conv_wait_cycles: self.conv.wait_cycles,
            matmul_wait_cycles: self.matmul.wait_cycles,
            chunk_checks: checked_add(self.conv.checks, self.image_loads.chunks)?,
            per_op: self.per_op,
            image: self.image,
        })
    }

    /// Gives each convolution and matrix multiplication its part of the largest counter.
    fn attribute(&mut self, largest: usize) {
        for ((op, cost), tally) in self.ops.ops.iter().zip(&mut self.per_op).zip(&self.tallies) {
            let part = match (op, largest) {
                (PublishedOp::Conv { .. } | PublishedOp::Linear { .. }, 0 | 1) => tally.loads[largest].cycles,
                (PublishedOp::Conv { .. }, 2) | (PublishedOp::Linear { .. }, 3) => tally.wait_cycles,
                (PublishedOp::Conv { .. } | PublishedOp::Linear { .. }, 4) => tally.mac_cycles,
                (PublishedOp::Conv { .. } | PublishedOp::Linear { .. }, _) => 0,
                _ => continue,
            };
            cost.cycles = part;
        }
    }

    fn buffer_use(&self, stream: usize) -> Result<BufferUse, SimError> {
        let buffer: &Buffer = &self.buffers[stream];
        let image = if stream == 0 { self.image_loads } else { Loads::default() };
        let mut all = self.conv.loads[stream];
        for part in [self.matmul.loads[stream], image] {
            all.blocks = checked_add(all.blocks, part.blocks)?;
            all.chunks = checked_add(all.chunks, part.chunks)?;
            all.cycles = checked_add(all.cycles, part.cycles)?;
        }
        Ok(BufferUse {
            load_blocks: all.blocks,
            chunk_loads: all.chunks,
            chunk_evictions: all.chunks - buffer.fill.resident,
            load_cycles: all.cycles,
            capacity: self.capacities[stream],
            occupancy: buffer.fill.resident * CHUNK_BITS,
            energy_nj: buffer.sum.value(),
        })
    }
}

/// The convolution's shape for one group, and the number of groups.
fn conv_shape(op: &PublishedOp, image: TensorShape) -> Option<(ConvShape, u64)> {
    let PublishedOp::Conv {
        position,
        height,
        width,
        channels,
        kernel_x,
        kernel_y,
        stride_x,
        stride_y,
        in_channels,
        out_channels,
        groups,
        grouped,
    } = *op
    else {
        return None;
    };
    let is_image = (channels, height, width) == (image.channels, image.height, image.width);
    let shape = ConvShape {
        height,
        width,
        channels,
        kernel: [kernel_x, kernel_y],
        stride: [stride_x, stride_y],
        filter_channels: in_channels,
        filters: out_channels,
        reads_image: position == 1 && !grouped && is_image,
    };
    Some((shape, groups))
}

fn checked_add(a: u64, b: u64) -> Result<u64, SimError> {
    a.checked_add(b)
        .ok_or_else(|| SimError::TooLarge { quantity: "the number of cycles".into(), limit: "2^64".into() })
}

/// Every extent of every operation is at least 1.
pub(super) fn check_sizes(ops: &PublishedOps) -> Result<(), SimError> {
    let check = |operation: usize, fields: &[(&'static str, u64)]| {
        fields
            .iter()
            .find(|(_, value)| *value == 0)
            .map_or(Ok(()), |(field, _)| Err(SimError::Zero { operation, field }))
    };
    let i = ops.image;
    check(0, &[("channels", i.channels), ("height", i.height), ("width", i.width)])?;
    for (operation, op) in (1..).zip(&ops.ops) {
        match *op {
            PublishedOp::Conv {
                height,
                width,
                channels,
                kernel_x,
                kernel_y,
                stride_x,
                stride_y,
                in_channels,
                out_channels,
                groups,
                ..
            } => check(
                operation,
                &[
                    ("height", height),
                    ("width", width),
                    ("channels", channels),
                    ("kernel_x", kernel_x),
                    ("kernel_y", kernel_y),
                    ("stride_x", stride_x),
                    ("stride_y", stride_y),
                    ("in_channels", in_channels),
                    ("out_channels", out_channels),
                    ("groups", groups),
                ],
            )?,
            PublishedOp::BatchNorm { height, width, channels }
            | PublishedOp::GlobalAveragePool { channels, height, width } => {
                check(operation, &[("height", height), ("width", width), ("channels", channels)])?;
            }
            PublishedOp::Pool { channels, elements } | PublishedOp::Upsample { channels, elements } => {
                check(operation, &[("channels", channels), ("elements", elements)])?;
            }
            PublishedOp::Linear { in_features, out_features } => {
                check(operation, &[("in_features", in_features), ("out_features", out_features)])?;
            }
            PublishedOp::NoCost { .. } => {}
        }
    }
    Ok(())
}
