//! Section 4 of the cycle model: tiles and the regions that they read.

use crate::{Deviation, Model};
use codebench_model::hardware::{FusedLayer, FusedOp, LayerPlan, LoopOrder, Storage, View};
use codebench_model::{Primitive, ResizeMode, TensorShape};
use std::ops::Range;

/// Part of a storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Region {
    pub(crate) storage: usize,
    pub(crate) images: Range<u64>,
    pub(crate) part: Part,
}

/// Which words of each image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    Block { rows: Range<u64>, channels: Range<u64>, columns: Range<u64> },
    Words(Range<u64>),
}

/// Part of a kernel, and the words of its output channels with the first input block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KernelRegion {
    pub(crate) outputs: Range<u64>,
    /// Within the group.
    pub(crate) inputs: Range<u64>,
}

/// One tile.
#[derive(Debug, Clone)]
pub(crate) struct Tile {
    pub(crate) layer: usize,
    pub(crate) images: Range<u64>,
    pub(crate) rows: Range<u64>,
    pub(crate) columns: Range<u64>,
    pub(crate) outputs: Range<u64>,
    pub(crate) input_rows: u64,
    pub(crate) input_columns: u64,
    pub(crate) input_channels: u64,
    pub(crate) groups: u64,
    pub(crate) first_input: bool,
    pub(crate) last_input: bool,
    pub(crate) several_inputs: bool,
    /// Regions of the inputs, in their order.
    pub(crate) regions: Vec<Region>,
    /// Regions of the operand of each fused addition, in the order of the fused operations.
    pub(crate) operands: Vec<Vec<Region>>,
    /// Of a layer that has weights.
    pub(crate) kernel: Option<KernelRegion>,
    /// Whether it is that of the layer's tile before.
    pub(crate) same_kernel: bool,
}

impl Tile {
    pub(crate) fn output_words(&self) -> u64 {
        len(&self.images) * len(&self.rows) * len(&self.columns) * len(&self.outputs)
    }

    /// The region that it writes.
    pub(crate) fn output_region(&self, storage: usize) -> Region {
        let part = Part::Block {
            rows: self.rows.clone(),
            channels: self.outputs.clone(),
            columns: self.columns.clone(),
        };
        Region { storage, images: self.images.clone(), part }
    }

    /// All regions that it reads, inputs before operands.
    pub(crate) fn all_regions(&self) -> impl Iterator<Item = &Region> {
        self.regions.iter().chain(self.operands.iter().flatten())
    }
}

pub(crate) fn len(range: &Range<u64>) -> u64 {
    range.end - range.start
}

/// `0..extent` in pieces of at most `piece`; 0 is the whole.
fn cut(extent: u64, piece: u64) -> Vec<Range<u64>> {
    let piece = if piece == 0 { extent } else { piece.min(extent) };
    let mut pieces = Vec::new();
    let mut at = 0;
    while at < extent {
        pieces.push(at..(at + piece).min(extent));
        at += piece;
    }
    pieces
}

/// One output block: its output channels and its input blocks.
struct Block {
    outputs: Range<u64>,
    groups: u64,
    /// Channels of the input view, and the same within the group.
    inputs: Vec<(Range<u64>, Range<u64>)>,
}

fn grouped_blocks(groups: u64, input: u64, output: u64, plan: &LayerPlan) -> Vec<Block> {
    let (per_in, per_out) = (input / groups, output / groups);
    let tile_out = if plan.tile.out_channels == 0 { output } else { plan.tile.out_channels.min(output) };
    if groups > 1 && tile_out >= 2 * per_out {
        let whole_groups = |g: Range<u64>| Block {
            outputs: g.start * per_out..g.end * per_out,
            groups: len(&g),
            inputs: vec![(g.start * per_in..g.end * per_in, 0..per_in)],
        };
        return cut(groups, tile_out / per_out).into_iter().map(whole_groups).collect();
    }
    let mut blocks = Vec::new();
    for group in 0..groups {
        for o in cut(per_out, tile_out) {
            let shifted = |i: Range<u64>| (group * per_in + i.start..group * per_in + i.end, i);
            blocks.push(Block {
                outputs: group * per_out + o.start..group * per_out + o.end,
                groups: 1,
                inputs: cut(per_in, plan.tile.in_channels).into_iter().map(shifted).collect(),
            });
        }
    }
    blocks
}

fn blocks(layer: &FusedLayer, output: TensorShape, plan: &LayerPlan) -> Vec<Block> {
    match layer.primitive {
        Primitive::Conv { in_channels, out_channels, groups, .. } => {
            grouped_blocks(groups, in_channels, out_channels, plan)
        }
        Primitive::Dense { in_features, out_features, .. } => {
            grouped_blocks(1, in_features, out_features, plan)
        }
        Primitive::LocalResponseNorm { .. } | Primitive::Softmax | Primitive::Shuffle { .. } => {
            let all = 0..output.channels;
            vec![Block { outputs: all.clone(), groups: 1, inputs: vec![(all.clone(), all)] }]
        }
        _ => {
            let block = |c: Range<u64>| Block { outputs: c.clone(), groups: 1, inputs: vec![(c.clone(), c)] };
            cut(output.channels, plan.tile.out_channels).into_iter().map(block).collect()
        }
    }
}

fn window(out: &Range<u64>, stride: u64, pad: u64, reach: u64, extent: u64) -> Range<u64> {
    let at = |o: u64| (o * stride) as i64 - pad as i64;
    let (a, b) = (at(out.start), at(out.end - 1) + reach as i64);
    let low = a.max(0).min(extent as i64 - 1);
    let high = b.min(extent as i64).max(low + 1);
    low as u64..high as u64
}

fn bilinear(out: &Range<u64>, from: u64, to: u64) -> Range<u64> {
    let source = |o: u64| o * (from - 1) / (to - 1).max(1);
    source(out.start)..(source(out.end - 1) + 2).min(from)
}

/// Input rows (axis 0) or columns (axis 1) of output rows or columns.
fn input_range(
    model: &Model<'_>,
    primitive: &Primitive,
    axis: usize,
    out: &Range<u64>,
    from: u64,
) -> Range<u64> {
    let halo_off = u64::from(model.deviates(Deviation::HaloShort));
    let windowed = |kernel: &[u64; 2], stride: &[u64; 2], pad: u64, dilation: u64| {
        let dilation = if model.deviates(Deviation::DilationIgnored) { 1 } else { dilation };
        let reach = (kernel[axis] - 1) * dilation + 1;
        let reach = if reach > 1 { reach - halo_off } else { reach };
        window(out, stride[axis], pad, reach, from)
    };
    match primitive {
        Primitive::Conv { kernel, stride, padding, dilation, .. } => {
            let pad = [padding.top, padding.left][axis];
            let pad = if model.deviates(Deviation::PaddingIgnored) { 0 } else { pad };
            windowed(kernel, stride, pad, dilation[axis])
        }
        Primitive::MaxPool { kernel, stride, padding, .. }
        | Primitive::AveragePool { kernel, stride, padding, .. } => {
            windowed(kernel, stride, [padding.top, padding.left][axis], 1)
        }
        Primitive::GlobalAveragePool => 0..from,
        Primitive::Dense { .. } => 0..1,
        Primitive::Resize { mode, height, width } => {
            let to = [*height, *width][axis];
            match mode {
                ResizeMode::Nearest => out.start * from / to..(out.end - 1) * from / to + 1,
                ResizeMode::BilinearAlignCorners => bilinear(out, from, to),
            }
        }
        _ => out.clone(),
    }
}

/// The regions of a view that hold these rows, channels and columns of it.
fn view_regions(
    storages: &[Storage],
    view: &View,
    images: &Range<u64>,
    rows: &Range<u64>,
    channels: &Range<u64>,
    columns: &Range<u64>,
) -> Vec<Region> {
    let vector = view.shape.height == 1 && view.shape.width == 1;
    let mut regions = Vec::new();
    let mut at = 0;
    for segment in &view.segments {
        let shape = storages[segment.storage].shape;
        let plane = if vector { shape.height * shape.width } else { 1 };
        let features = segment.channels * plane;
        let low = channels.start.max(at);
        let high = channels.end.min(at + features);
        let here = low.saturating_sub(at)..high.saturating_sub(at);
        at += features;
        if low >= high {
            continue;
        }
        let part = if plane == 1 {
            let (rows, columns) = if vector { (0..1, 0..1) } else { (rows.clone(), columns.clone()) };
            let channels = segment.first_channel + here.start..segment.first_channel + here.end;
            Part::Block { rows, channels, columns }
        } else if segment.channels == shape.channels {
            Part::Words(here)
        } else {
            let of_row = segment.channels * shape.width;
            Part::Block {
                rows: here.start / of_row..here.end.div_ceil(of_row),
                channels: segment.first_channel..segment.first_channel + segment.channels,
                columns: 0..shape.width,
            }
        };
        regions.push(Region { storage: segment.storage, images: images.clone(), part });
    }
    regions
}

/// Position of a tile in the loops over images, rows and columns.
struct Place {
    images: Range<u64>,
    rows: Range<u64>,
    columns: Range<u64>,
}

fn places(model: &Model<'_>, output: TensorShape, plan: &LayerPlan) -> Vec<Place> {
    let mut places = Vec::new();
    for images in cut(model.problem.batch, plan.tile.batch) {
        for rows in cut(output.height, plan.tile.y) {
            for columns in cut(output.width, plan.tile.x) {
                places.push(Place { images: images.clone(), rows: rows.clone(), columns });
            }
        }
    }
    places
}

/// Shape of the map that a layer's windows move over: that of its output for elementwise primitives.
fn map_shape(layer: &FusedLayer, output: TensorShape) -> TensorShape {
    match layer.primitive {
        Primitive::Add | Primitive::Multiply => output,
        _ => layer.inputs[0].shape,
    }
}

fn make(model: &Model<'_>, index: usize, place: &Place, block: &Block, input: usize) -> Tile {
    let storages = &model.problem.fused.storages;
    let layer = &model.problem.fused.layers[index];
    let map = map_shape(layer, storages[layer.output].shape);
    let rows = input_range(model, &layer.primitive, 0, &place.rows, map.height);
    let mut columns = input_range(model, &layer.primitive, 1, &place.columns, map.width);
    let windows = matches!(
        layer.primitive,
        Primitive::Conv { .. }
            | Primitive::MaxPool { .. }
            | Primitive::AveragePool { .. }
            | Primitive::Resize { .. }
    );
    let all = len(&place.columns) == storages[layer.output].shape.width;
    if windows && all && !model.deviates(Deviation::LastColumnsDropped) {
        columns = 0..map.width;
    }
    let (channels, within) = &block.inputs[input];
    let last_input = input + 1 == block.inputs.len();
    let read = |view: &View| view_regions(storages, view, &place.images, &rows, channels, &columns);
    let mut operands = Vec::new();
    for op in &layer.fused {
        if let FusedOp::Add { operand, .. } = op {
            let needed = last_input || model.deviates(Deviation::OperandEveryInputBlock);
            let needed = needed && !model.deviates(Deviation::OperandNotLoaded);
            operands.push(if needed {
                view_regions(storages, operand, &place.images, &place.rows, &block.outputs, &place.columns)
            } else {
                Vec::new()
            });
        }
    }
    let weights = crate::sizes::Weights::of(layer, storages[layer.output].shape.channels);
    Tile {
        layer: index,
        images: place.images.clone(),
        rows: place.rows.clone(),
        columns: place.columns.clone(),
        outputs: block.outputs.clone(),
        input_rows: len(&rows),
        input_columns: len(&columns),
        input_channels: len(channels),
        groups: block.groups,
        first_input: input == 0,
        last_input,
        several_inputs: block.inputs.len() > 1,
        regions: layer.inputs.iter().flat_map(read).collect(),
        operands,
        kernel: weights
            .any()
            .then(|| KernelRegion { outputs: block.outputs.clone(), inputs: within.clone() }),
        same_kernel: false,
    }
}

/// The tiles of all layers in program order.
pub(crate) fn tiles(model: &Model<'_>) -> Vec<Tile> {
    let fused = model.problem.fused;
    let mut tiles: Vec<Tile> = Vec::new();
    for (index, layer) in fused.layers.iter().enumerate() {
        let plan = &model.problem.plans[index];
        let output = fused.storages[layer.output].shape;
        let blocks = blocks(layer, output, plan);
        let places = places(model, output, plan);
        let swapped = model.deviates(Deviation::LoopOrderSwapped);
        let mut pairs: Vec<(&Place, &Block)> = Vec::new();
        if (plan.order == LoopOrder::ActivationsOuter) != swapped {
            places.iter().for_each(|p| blocks.iter().for_each(|b| pairs.push((p, b))));
        } else {
            blocks.iter().for_each(|b| places.iter().for_each(|p| pairs.push((p, b))));
        }
        for (place, block) in pairs {
            for input in 0..block.inputs.len() {
                let mut tile = make(model, index, place, block, input);
                let before = tiles.last().filter(|before| before.layer == index);
                tile.same_kernel = tile.kernel.is_some() && before.is_some_and(|b| b.kernel == tile.kernel);
                tiles.push(tile);
            }
        }
    }
    tiles
}
