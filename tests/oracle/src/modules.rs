//! Which module runs what, and the rows that modules get (sections 2, 4 and 6 of the cycle model).

use crate::geometry::{Region, Tile, len};
use crate::outcome::Failure;
use crate::{Deviation, Model};
use codebench_model::hardware::FusedOp;
use codebench_model::{Activation, Primitive, PrimitiveKind, ResizeMode, Role, TileWork};

const PPM: u64 = 1_000_000;

/// Modules of a layer.
pub(crate) struct Assigned {
    pub(crate) main: usize,
    /// One per fused operation.
    pub(crate) fused: Vec<usize>,
}

fn accepts(model: &Model<'_>, module: usize, kind: PrimitiveKind, function: Option<Activation>) -> bool {
    let facts = &model.facts[module];
    facts.primitives.contains(&kind) && function.is_none_or(|f| facts.activations.contains(&f))
}

fn function_of(primitive: &Primitive) -> Option<Activation> {
    match primitive {
        Primitive::Activation { function } => Some(*function),
        _ => None,
    }
}

pub(crate) fn kind_of(op: &FusedOp) -> (PrimitiveKind, Option<Activation>) {
    match op {
        FusedOp::BatchNorm { .. } => (PrimitiveKind::BatchNorm, None),
        FusedOp::Activation { function, .. } => (PrimitiveKind::Activation, Some(*function)),
        FusedOp::Add { .. } => (PrimitiveKind::Add, None),
    }
}

/// The modules of every layer.
pub(crate) fn assign(model: &Model<'_>) -> Result<Vec<Assigned>, Failure> {
    let modules = &model.problem.accelerator.modules;
    let mut assigned = Vec::new();
    for (index, layer) in model.problem.fused.layers.iter().enumerate() {
        let find = |roles: &[Role], kind: PrimitiveKind, function| {
            let runs = |&m: &usize| roles.contains(&modules[m].0) && accepts(model, m, kind, function);
            let what = || format!("{} {function:?}", kind.name());
            let found = if model.deviates(Deviation::LastModule) {
                (0..modules.len()).rev().find(runs)
            } else {
                (0..modules.len()).find(runs)
            };
            found.ok_or_else(|| Failure::NoModule { layer: index, what: what() })
        };
        let main =
            find(&[Role::Compute, Role::Vector], layer.primitive.kind(), function_of(&layer.primitive))?;
        let mut fused = Vec::new();
        for op in &layer.fused {
            let (kind, function) = kind_of(op);
            fused.push(find(&[Role::Vector], kind, function)?);
        }
        assigned.push(Assigned { main, fused });
    }
    Ok(assigned)
}

/// Modules of a tile's pipeline with their rows; the buffers are not among them.
pub(crate) fn stages(model: &Model<'_>, assigned: &Assigned, tile: &Tile) -> Vec<(usize, TileWork)> {
    let modules = &model.problem.accelerator.modules;
    let row = main_row(model, assigned.main, tile);
    let mut order = vec![assigned.main];
    if modules[assigned.main].0 == Role::Compute {
        order = model.of_role(Role::Dataflow).chain(model.of_role(Role::PreSparsity)).collect();
        order.push(assigned.main);
        order.extend(model.of_role(Role::PostSparsity));
    }
    let with_role = |m: usize| (m, TileWork { role: modules[m].0.code(), ..row });
    let mut stages: Vec<(usize, TileWork)> = order.into_iter().map(with_role).collect();
    if tile.last_input || model.deviates(Deviation::FusedEveryInputBlock) {
        let layer = &model.problem.fused.layers[tile.layer];
        let mut additions = tile.operands.iter();
        for (op, &module) in layer.fused.iter().zip(&assigned.fused) {
            let operand = match op {
                FusedOp::Add { .. } => additions.next().map(Vec::as_slice),
                _ => None,
            };
            stages.push((module, fused_row(model, op, operand, tile, &row)));
        }
    }
    stages
}

fn sums(model: &Model<'_>, regions: &[Region]) -> (u64, u64) {
    let all = regions.iter().map(|region| model.region_bytes(region));
    all.fold((0, 0), |(data, mask), bytes| (data + bytes.data, mask + bytes.mask))
}

/// The row of a tile; `role` is left open.
fn main_row(model: &Model<'_>, main: usize, tile: &Tile) -> TileWork {
    let problem = model.problem;
    let layer = &problem.fused.layers[tile.layer];
    let ones = [1, 1];
    let (kernel, stride, dilation) = match &layer.primitive {
        Primitive::Conv { kernel, stride, dilation, .. } => (*kernel, *stride, *dilation),
        Primitive::MaxPool { kernel, stride, .. } | Primitive::AveragePool { kernel, stride, .. } => {
            (*kernel, *stride, ones)
        }
        _ => (ones, ones, ones),
    };
    let out = [len(&tile.images), len(&tile.rows), len(&tile.columns), len(&tile.outputs)];
    let multiplies = matches!(layer.primitive, Primitive::Conv { .. } | Primitive::Dense { .. });
    let per_output = tile.input_channels / tile.groups * kernel[0] * kernel[1];
    let macs = if multiplies { out.iter().product::<u64>() * per_output } else { 0 };
    let densities = [
        problem.densities.activation_ppm[layer.inputs[0].segments[0].storage],
        problem.densities.weight_ppm[tile.layer],
        problem.densities.overlap_ppm,
    ];
    let (read_bytes, read_mask) = sums(model, &tile.regions);
    let output_ppm = if tile.last_input { model.activation_ppm(layer.output) } else { PPM };
    let kernel_mask = tile.kernel.as_ref().map_or(0, |k| model.kernel_bytes(tile.layer, k).mask);
    TileWork {
        role: 0,
        primitive: layer.primitive.kind().code(),
        activation: function_of(&layer.primitive).map_or(0, Activation::code),
        batch: out[0],
        out_channels: out[3],
        out_y: out[1],
        out_x: out[2],
        in_channels: tile.input_channels,
        in_y: tile.input_rows,
        in_x: tile.input_columns,
        groups: tile.groups,
        kernel_y: kernel[0],
        kernel_x: kernel[1],
        stride_y: stride[0],
        stride_x: stride[1],
        dilation_y: dilation[0],
        dilation_x: dilation[1],
        operands: layer.inputs.len() as u64,
        first_input_tile: u64::from(tile.first_input),
        last_input_tile: u64::from(tile.last_input),
        macs,
        effective_macs: effective(model, main, macs, densities),
        activation_density_ppm: densities[0],
        weight_density_ppm: densities[1],
        overlap_ppm: densities[2],
        read_bytes,
        write_bytes: model.bytes(tile.output_words(), output_ppm),
        mask_bytes: read_mask + if model.deviates(Deviation::KernelMaskIgnored) { 0 } else { kernel_mask },
        weight_bytes: tile.kernel.as_ref().map_or(0, |k| model.kernel_bytes(tile.layer, k).data),
        same_weights: u64::from(tile.same_kernel && !model.deviates(Deviation::WeightsAlwaysNew)),
        variant: match &layer.primitive {
            Primitive::LocalResponseNorm { size, .. } => *size,
            Primitive::Shuffle { groups } => *groups,
            Primitive::Resize { mode, .. } => u64::from(*mode == ResizeMode::BilinearAlignCorners),
            _ => 0,
        },
    }
}

fn effective(model: &Model<'_>, main: usize, macs: u64, densities: [u64; 3]) -> u64 {
    let facts = &model.facts[main];
    let (a, w) = (facts.skips_zero_activations, facts.skips_zero_weights);
    let factor = |counts: bool, ppm: u64| u128::from(if counts { ppm } else { PPM });
    let overlap = factor(a || w || model.deviates(Deviation::OverlapAlways), densities[2]);
    let product = u128::from(macs) * factor(a, densities[0]) * factor(w, densities[1]) * overlap;
    let unit = 1_000_000_000_000_000_000;
    (if model.deviates(Deviation::EffectiveRoundDown) { product / unit } else { product.div_ceil(unit) })
        as u64
}

/// The row of a fused operation.
fn fused_row(
    model: &Model<'_>,
    op: &FusedOp,
    operand: Option<&[Region]>,
    tile: &Tile,
    row: &TileWork,
) -> TileWork {
    let (kind, function) = kind_of(op);
    let (read_bytes, mask_bytes) = operand.map_or((0, 0), |regions| sums(model, regions));
    TileWork {
        role: Role::Vector.code(),
        primitive: kind.code(),
        activation: function.map_or(0, Activation::code),
        batch: row.batch,
        out_channels: row.out_channels,
        out_y: row.out_y,
        out_x: row.out_x,
        in_channels: len(&tile.outputs),
        in_y: row.out_y,
        in_x: row.out_x,
        groups: 1,
        kernel_y: 1,
        kernel_x: 1,
        stride_y: 1,
        stride_x: 1,
        dilation_y: 1,
        dilation_x: 1,
        operands: if operand.is_some() { 2 } else { 1 },
        first_input_tile: 1,
        last_input_tile: 1,
        macs: 0,
        effective_macs: 0,
        activation_density_ppm: row.activation_density_ppm,
        weight_density_ppm: row.weight_density_ppm,
        overlap_ppm: row.overlap_ppm,
        read_bytes,
        write_bytes: 0,
        mask_bytes,
        weight_bytes: 0,
        same_weights: 0,
        variant: 0,
    }
}
