//! A layer as the tiler sees it: extents, and sizes of tiles without their blocks.

use super::super::super::engine::{module_costs, variant_of};
use super::super::super::error::{CycleError, LayerRef};
use super::super::super::machine::Machine;
use super::super::super::tiles::{Sizes, WHOLE_PPM, reference};
use super::super::Need;
use codebench_model::hardware::{FusedLayer, FusedOp, FusedWorkload};
use codebench_model::{Activation, ModuleFacts, Primitive, TensorShape, TileSize, TileWork};

/// Extents of a layer.
pub(super) struct Outline<'a> {
    pub(super) layer: &'a FusedLayer,
    name: LayerRef,
    input: TensorShape,
    pub(super) output: TensorShape,
    images: u64,
    groups: u64,
    /// Input and output channels of a group.
    group_inputs: u64,
    group_outputs: u64,
    kernel: [u64; 2],
    stride: [u64; 2],
    dilation: [u64; 2],
    pub(super) has_kernel: bool,
    /// Whether tiles may take a part of the rows and columns.
    pub(super) cuts_space: bool,
    /// Whether tiles may take a part of the channels.
    pub(super) cuts_channels: bool,
    pub(super) kernel_words: u64,
    pub(super) channel_words: u64,
    main: Option<usize>,
    pub(super) wish: TileSize,
}

/// What bounds a layer's tiles.
pub(super) struct Ask {
    pub(super) sizes: Sizes,
    pub(super) input_ppm: u64,
    pub(super) output_ppm: u64,
    pub(super) weight_ppm: u64,
    pub(super) loads_inputs: bool,
    /// Bytes loaded and stored, masks included; none of what is resident.
    pub(super) input_bytes: u64,
    pub(super) output_bytes: u64,
    pub(super) weights: Need,
    pub(super) activation_budget: u64,
    pub(super) weight_budget: u64,
    pub(super) mask_budget: u64,
    pub(super) weight_capacity: u64,
    pub(super) densities: [u64; 3],
}

/// How many blocks a tile makes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Blocks {
    pub(super) space: u64,
    pub(super) outer: u64,
    pub(super) inner: u64,
}

impl Blocks {
    pub(super) fn tiles(self) -> u64 {
        self.space.saturating_mul(self.outer).saturating_mul(self.inner)
    }
}

impl<'a> Outline<'a> {
    pub(super) fn new(
        workload: &'a FusedWorkload,
        index: usize,
        machine: &Machine,
    ) -> Result<Self, CycleError> {
        let layer = &workload.layers[index];
        let output = workload.storages[layer.output].shape;
        let input = layer.inputs.first().map_or(output, |v| v.shape);
        let (mut kernel, mut stride, mut dilation) = ([1, 1], [1, 1], [1, 1]);
        let (mut groups, mut bias) = (1, false);
        match &layer.primitive {
            Primitive::Conv { kernel: k, stride: s, dilation: d, groups: g, bias: b, .. } => {
                (kernel, stride, dilation, groups, bias) = (*k, *s, *d, *g, *b);
            }
            Primitive::MaxPool { kernel: k, stride: s, .. }
            | Primitive::AveragePool { kernel: k, stride: s, .. } => (kernel, stride) = (*k, *s),
            Primitive::Dense { bias: b, .. } => bias = *b,
            _ => {}
        }
        let has_kernel = matches!(layer.primitive, Primitive::Conv { .. } | Primitive::Dense { .. });
        let own = u64::from(matches!(layer.primitive, Primitive::BatchNorm { .. }));
        let norms =
            own + layer.fused.iter().filter(|op| matches!(op, FusedOp::BatchNorm { .. })).count() as u64;
        let group_inputs = input.channels / groups.max(1);
        let kernel_words = match has_kernel {
            true => output.channels.saturating_mul(group_inputs).saturating_mul(kernel[0] * kernel[1]),
            false => 0,
        };
        let whole = matches!(
            layer.primitive,
            Primitive::LocalResponseNorm { .. } | Primitive::Softmax | Primitive::Shuffle { .. }
        );
        let function = match &layer.primitive {
            Primitive::Activation { function } => Some(*function),
            _ => None,
        };
        let main = machine.main_module(layer.primitive.kind(), function);
        Ok(Outline {
            layer,
            name: reference(layer),
            input,
            output,
            images: machine.batch,
            groups,
            group_inputs,
            group_outputs: output.channels / groups.max(1),
            kernel,
            stride,
            dilation,
            has_kernel,
            cuts_space: output.height > 1 || output.width > 1,
            cuts_channels: !whole,
            kernel_words,
            channel_words: (u64::from(bias) + 2 * norms).saturating_mul(output.channels),
            main,
            wish: main.map(|m| machine.modules[m].facts.preferred_tile).unwrap_or_default(),
        })
    }

    pub(super) fn whole(&self) -> TileSize {
        TileSize {
            batch: self.images,
            y: self.output.height,
            x: self.output.width,
            in_channels: self.group_inputs.max(1),
            out_channels: self.output.channels,
        }
    }

    /// A tile with no more than the layer has.
    pub(super) fn clipped(&self, tile: TileSize) -> TileSize {
        let whole = self.whole();
        let clip = |size: u64, most: u64| if size == 0 { most } else { size.min(most) };
        TileSize {
            batch: clip(tile.batch, whole.batch),
            y: clip(tile.y, whole.y),
            x: clip(tile.x, whole.x),
            in_channels: clip(tile.in_channels, whole.in_channels),
            out_channels: clip(tile.out_channels, whole.out_channels),
        }
    }

    /// About half of `size`: a multiple of the wish, or the wish halved as often as need be.
    pub(super) fn smaller(&self, size: u64, wish: u64) -> u64 {
        let half = aligned(size.div_ceil(2), wish);
        if half < size { half } else { size.div_ceil(2).min(size.saturating_sub(1)).max(1) }
    }

    /// About half of the output channels; whole groups where there are several.
    pub(super) fn smaller_out(&self, size: u64) -> u64 {
        if self.groups > 1 && size > self.group_outputs {
            let groups = self.smaller(size / self.group_outputs, self.wish.out_channels);
            return groups * self.group_outputs;
        }
        self.smaller(size, self.wish.out_channels)
    }

    /// A tile cut into `outs` parts along output channels, and into `spaces` parts along images, then rows.
    pub(super) fn split(&self, tile: TileSize, outs: u64, spaces: u64) -> TileSize {
        let mut split = tile;
        for _ in 0..outs.ilog2() {
            if self.cuts_channels && split.out_channels > 1 {
                split.out_channels = self.smaller_out(split.out_channels);
            }
        }
        for _ in 0..spaces.ilog2() {
            if split.batch > 1 {
                split.batch = self.smaller(split.batch, self.wish.batch);
            } else if self.cuts_space && split.y > 1 {
                split.y = self.smaller(split.y, self.wish.y);
            }
        }
        split
    }

    pub(super) fn blocks(&self, tile: TileSize) -> Blocks {
        let space = (self.images.div_ceil(tile.batch))
            .saturating_mul(self.output.height.div_ceil(tile.y))
            .saturating_mul(self.output.width.div_ceil(tile.x));
        let whole_groups = self.groups > 1 && tile.out_channels >= 2 * self.group_outputs;
        let (outer, inner) = match (self.cuts_channels, whole_groups) {
            (false, _) => (1, 1),
            (true, true) => (self.groups.div_ceil(tile.out_channels / self.group_outputs), 1),
            (true, false) => {
                let outputs = self.group_outputs.div_ceil(tile.out_channels.min(self.group_outputs).max(1));
                let inner = if self.has_kernel { self.group_inputs.div_ceil(tile.in_channels) } else { 1 };
                (self.groups.saturating_mul(outputs), inner)
            }
        };
        Blocks { space, outer, inner }
    }

    /// Input channels of a tile.
    fn tile_inputs(&self, tile: TileSize) -> u64 {
        if !self.has_kernel {
            return tile.out_channels;
        }
        if self.groups > 1 && tile.out_channels >= 2 * self.group_outputs {
            return tile.out_channels / self.group_outputs * self.group_inputs;
        }
        tile.in_channels
    }

    fn input_extent(&self, axis: usize, out: u64) -> u64 {
        let (whole_out, whole_in) =
            [(self.output.height, self.input.height), (self.output.width, self.input.width)][axis];
        let window = self.has_kernel || self.kernel != [1, 1] || self.stride != [1, 1];
        if out >= whole_out || !window {
            // Resizes read in proportion.
            return whole_in.min((out.saturating_mul(whole_in)).div_ceil(whole_out.max(1)) + 1);
        }
        let reach = (self.kernel[axis] - 1).saturating_mul(self.dilation[axis]) + 1;
        whole_in.min((out - 1).saturating_mul(self.stride[axis]).saturating_add(reach))
    }

    /// Loaded words over words, for the rows and columns that neighbouring tiles share.
    pub(super) fn halo(&self, tile: TileSize) -> f64 {
        let rows = self.input_extent(0, tile.y) * self.output.height.div_ceil(tile.y);
        let columns = self.input_extent(1, tile.x) * self.output.width.div_ceil(tile.x);
        let share = |loaded: u64, all: u64| loaded as f64 / all.max(1) as f64;
        share(rows, self.input.height).max(1.0) * share(columns, self.input.width).max(1.0)
    }

    fn input_words(&self, tile: TileSize) -> u64 {
        let space = self.input_extent(0, tile.y).saturating_mul(self.input_extent(1, tile.x));
        let own = space.saturating_mul(self.tile_inputs(tile)).saturating_mul(tile.batch);
        let operands = self.layer.fused.iter().filter(|op| matches!(op, FusedOp::Add { .. })).count() as u64;
        own.saturating_mul((self.layer.inputs.len() as u64).max(1))
            .saturating_add(self.output_words(tile).saturating_mul(operands))
    }

    fn output_words(&self, tile: TileSize) -> u64 {
        let channels = match self.cuts_channels {
            true if self.groups == 1 || tile.out_channels >= 2 * self.group_outputs => tile.out_channels,
            true => tile.out_channels.min(self.group_outputs),
            false => self.output.channels,
        };
        tile.batch.saturating_mul(tile.y).saturating_mul(tile.x).saturating_mul(channels)
    }

    fn weight_words(&self, tile: TileSize) -> u64 {
        if !self.has_kernel {
            return 0;
        }
        let area = self.kernel[0] * self.kernel[1];
        let inputs = match self.groups > 1 && tile.out_channels >= 2 * self.group_outputs {
            true => self.group_inputs,
            false => tile.in_channels,
        };
        tile.out_channels.saturating_mul(inputs).saturating_mul(area)
    }

    /// Busy cycles of the main module for full tiles of these sizes.
    pub(super) fn busy(
        &self,
        machine: &Machine,
        ask: &Ask,
        tiles: &[TileSize],
    ) -> Result<Vec<u64>, CycleError> {
        let Some(main) = self.main else { return Ok(vec![1; tiles.len()]) };
        let facts = &machine.modules[main].facts;
        let works = tiles.iter().map(|tile| self.work(facts, ask, *tile)).collect();
        let costs = module_costs(machine, main, works, &self.name)?;
        Ok(costs.iter().map(|cost| cost.busy_cycles.max(1)).collect())
    }

    /// What a full tile asks of the main module.
    fn work(&self, facts: &ModuleFacts, ask: &Ask, tile: TileSize) -> TileWork {
        let inputs = self.tile_inputs(tile);
        let whole_groups = self.groups > 1 && tile.out_channels >= 2 * self.group_outputs;
        let groups = if whole_groups { tile.out_channels / self.group_outputs } else { 1 };
        let output_words = self.output_words(tile);
        let macs = match self.has_kernel {
            true => {
                output_words.saturating_mul(inputs / groups).saturating_mul(self.kernel[0] * self.kernel[1])
            }
            false => 0,
        };
        let [activation, weight, overlap] = ask.densities;
        let skipped = |skips: bool, density: u64| if skips { density } else { WHOLE_PPM };
        let either = facts.skips_zero_activations || facts.skips_zero_weights;
        let share = u128::from(skipped(facts.skips_zero_activations, activation))
            * u128::from(skipped(facts.skips_zero_weights, weight))
            * u128::from(skipped(either, overlap));
        let effective = (u128::from(macs) * share).div_ceil(u128::from(WHOLE_PPM).pow(3));
        let function = match &self.layer.primitive {
            Primitive::Activation { function } => function.code(),
            _ => 0,
        };
        let window = |extents: [u64; 2]| {
            if self.has_kernel || self.layer.inputs.len() == 1 { extents } else { [1, 1] }
        };
        let (kernel, stride, dilation) = (window(self.kernel), window(self.stride), window(self.dilation));
        debug_assert!(function == 0 || Activation::of_code(function).is_some());
        TileWork {
            primitive: self.layer.primitive.kind().code(),
            activation: function,
            batch: tile.batch,
            out_channels: output_words / (tile.batch * tile.y * tile.x).max(1),
            out_y: tile.y,
            out_x: tile.x,
            in_channels: inputs,
            in_y: self.input_extent(0, tile.y),
            in_x: self.input_extent(1, tile.x),
            groups,
            kernel_y: kernel[0],
            kernel_x: kernel[1],
            stride_y: stride[0],
            stride_x: stride[1],
            dilation_y: dilation[0],
            dilation_x: dilation[1],
            operands: self.layer.inputs.len().max(1) as u64,
            first_input_tile: 1,
            last_input_tile: 1,
            macs,
            effective_macs: u64::try_from(effective).unwrap_or(macs),
            activation_density_ppm: activation,
            weight_density_ppm: weight,
            overlap_ppm: overlap,
            read_bytes: ask.sizes.bytes(self.input_words(tile), ask.input_ppm),
            write_bytes: ask.sizes.bytes(output_words, ask.output_ppm),
            mask_bytes: 0,
            weight_bytes: ask.sizes.bytes(self.weight_words(tile), ask.weight_ppm),
            variant: variant_of(&self.layer.primitive),
            ..TileWork::default()
        }
    }
}

impl Ask {
    /// Whether the weights of a tile exceed their share of the buffers.
    pub(super) fn weights_of(&self, outline: &Outline<'_>, tile: TileSize) -> bool {
        let words = outline.weight_words(tile);
        let data = self.sizes.bytes(words, self.weight_ppm);
        data > self.weight_budget || (self.mask_budget < u64::MAX && words.div_ceil(8) > self.mask_budget)
    }

    /// Whether the activations of a tile exceed their share of the buffers.
    pub(super) fn activations_of(&self, outline: &Outline<'_>, tile: TileSize) -> bool {
        let input = if self.loads_inputs { outline.input_words(tile) } else { 0 };
        let output = if self.output_bytes > 0 { outline.output_words(tile) } else { 0 };
        let partial = outline.blocks(tile).inner > 1;
        let output_ppm = if partial { WHOLE_PPM } else { self.output_ppm };
        let data =
            (self.sizes.bytes(input, self.input_ppm)).saturating_add(self.sizes.bytes(output, output_ppm));
        let masks = input.div_ceil(8).saturating_add(output.div_ceil(8));
        data > self.activation_budget || (self.mask_budget < u64::MAX && masks > self.mask_budget)
    }
}

/// `size` rounded up to a multiple of the wish; below it, to the wish halved as often as possible.
fn aligned(size: u64, wish: u64) -> u64 {
    if wish == 0 {
        return size;
    }
    if size >= wish {
        return size.next_multiple_of(wish);
    }
    let mut unit = wish;
    while unit.is_multiple_of(2) && unit / 2 >= size {
        unit /= 2;
    }
    unit
}

#[cfg(test)]
mod tests {
    use super::aligned;

    #[test]
    fn sizes_fall_on_the_wish() {
        assert_eq!([300, 65, 64, 40, 32, 9].map(|s| aligned(s, 64)), [320, 128, 64, 64, 32, 16]);
        assert_eq!((aligned(5, 12), aligned(7, 0)), (6, 7));
    }
}
