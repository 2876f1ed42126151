//! A layer cut into tiles.

use super::super::error::{CycleError, LayerRef};
use super::axis::{Reach, blocks, clip};
use super::channels::{Channels, classes};
use super::region::{Region, RegionPart};
use super::{Block, ChannelBlock, Span};
use codebench_model::hardware::{FusedLayer, FusedOp, FusedWorkload, LayerPlan, LoopOrder};
use codebench_model::{Primitive, TensorShape};

/// Most blocks of rows, of columns, and of channels.
const MOST_BLOCKS: u64 = 1 << 20;

/// A layer cut into tiles.
#[derive(Debug, Clone)]
pub(crate) struct LayerTiles {
    pub(crate) order: LoopOrder,
    pub(crate) images: u64,
    pub(crate) tile_images: u64,
    pub(crate) y: Vec<Block>,
    pub(crate) x: Vec<Block>,
    pub(crate) y_class: Vec<u32>,
    pub(crate) x_class: Vec<u32>,
    pub(crate) channels: Vec<ChannelBlock>,
    pub(crate) channel_classes: u32,
    /// Input blocks.
    pub(crate) inner: u64,
    pub(crate) weights: WeightLayout,
    pub(crate) output: usize,
}

/// How a layer's weights lie in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WeightLayout {
    /// Words of one output's kernel over all inputs of its group.
    pub(crate) kernel_stride: u64,
    /// Words of one input's kernel.
    pub(crate) kernel_area: u64,
    pub(crate) kernel_words: u64,
    /// Words per output channel behind the kernel.
    pub(crate) per_channel: u64,
    pub(crate) words: u64,
}

/// Which tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Position {
    pub(crate) n: u64,
    pub(crate) y: usize,
    pub(crate) x: usize,
    /// Channel and output block.
    pub(crate) outer: u64,
    /// Input block.
    pub(crate) inner: u64,
}

impl LayerTiles {
    pub(crate) fn new(
        workload: &FusedWorkload,
        index: usize,
        plan: LayerPlan,
        images: u64,
        remedy: &str,
    ) -> Result<LayerTiles, CycleError> {
        let layer = &workload.layers[index];
        let output_shape = workload.storages[layer.output].shape;
        let input = layer.inputs.first().map_or(output_shape, |v| v.shape);
        let weights = weight_layout(layer, output_shape)
            .ok_or_else(|| CycleError::too_large(format!("the weights of {}", reference(layer))))?;
        check_count(layer, plan, output_shape, remedy)?;
        let along = |axis: usize, output: u64, size: u64, extent: u64| {
            blocks(output, size, extent, Reach::of(&layer.primitive, axis, output))
        };
        let y = along(0, output_shape.height, plan.tile.y, input.height);
        let mut x = along(1, output_shape.width, plan.tile.x, input.width);
        let same = matches!(Reach::of(&layer.primitive, 1, output_shape.width), Reach::Same);
        if let ([only], false) = (x.as_mut_slice(), same) {
            only.input = Span::new(0, input.width);
        }
        let storages = &workload.storages;
        let cutter = Channels { layer, storages, plan, per_channel: weights.per_channel };
        let (channels, inner) = cutter.blocks();
        Ok(LayerTiles {
            order: plan.order,
            images,
            tile_images: clip(plan.tile.batch, images),
            y_class: classes(&y),
            x_class: classes(&x),
            y,
            x,
            channel_classes: channels.iter().map(|c| c.class + 1).max().unwrap_or(0),
            channels,
            inner,
            weights,
            output: layer.output,
        })
    }

    /// Blocks of images.
    pub(crate) fn image_blocks(&self) -> u64 {
        self.images.div_ceil(self.tile_images)
    }

    /// Tiles of the layer, or the largest number.
    pub(crate) fn count(&self) -> u64 {
        let counts = [self.y.len(), self.x.len(), self.channels.len()];
        counts.iter().fold(self.image_blocks(), |product, count| product.saturating_mul(*count as u64))
    }

    /// Channel and output blocks.
    pub(crate) fn outer(&self) -> u64 {
        self.channels.len() as u64 / self.inner
    }

    /// Images of a block.
    pub(crate) fn images(&self, n: u64) -> Span {
        Span::new(n * self.tile_images, self.images.min((n + 1) * self.tile_images))
    }

    pub(crate) fn channel(&self, at: Position) -> &ChannelBlock {
        &self.channels[(at.outer * self.inner + at.inner) as usize]
    }

    /// The tile after `at`; `None` behind the last.
    pub(crate) fn next(&self, at: Position) -> Option<Position> {
        let mut next = at;
        next.inner += 1;
        if next.inner < self.inner {
            return Some(next);
        }
        next.inner = 0;
        if self.order == LoopOrder::ActivationsOuter {
            next.outer += 1;
            if next.outer < self.outer() {
                return Some(next);
            }
            next.outer = 0;
        }
        next.x += 1;
        if next.x < self.x.len() {
            return Some(next);
        }
        next.x = 0;
        next.y += 1;
        if next.y < self.y.len() {
            return Some(next);
        }
        next.y = 0;
        next.n += 1;
        if next.n < self.image_blocks() {
            return Some(next);
        }
        next.n = 0;
        if self.order == LoopOrder::WeightsOuter {
            next.outer += 1;
            if next.outer < self.outer() {
                return Some(next);
            }
        }
        None
    }

    /// Regions of activations that the tile reads: inputs, then operands.
    pub(crate) fn regions(&self, at: Position, mut each: impl FnMut(Region)) {
        let (images, y, x) = (self.images(at.n), self.y[at.y], self.x[at.x]);
        let channel = self.channel(at);
        channel.inputs.iter().for_each(|part| each(part.region(images, y.input, x.input)));
        channel.operands.iter().for_each(|part| each(part.region(images, y.out, x.out)));
    }

    /// The region of the output that the tile computes.
    pub(crate) fn output(&self, at: Position) -> Region {
        let part = RegionPart::Box { y: self.y[at.y].out, c: self.channel(at).out, x: self.x[at.x].out };
        Region { storage: self.output, images: self.images(at.n), part }
    }

    /// One tile of each size: every combination of distinct extents, at the fullest block of images.
    pub(crate) fn samples(&self) -> impl Iterator<Item = Position> + '_ {
        let ys = firsts(&self.y_class);
        let xs = firsts(&self.x_class);
        let channel_classes: Vec<u32> = self.channels.iter().map(|c| c.class).collect();
        let channels = firsts(&channel_classes);
        ys.into_iter().flat_map(move |y| {
            let channels = channels.clone();
            xs.clone().into_iter().flat_map(move |x| {
                channels.clone().into_iter().map(move |c| Position {
                    n: 0,
                    y,
                    x,
                    outer: c as u64 / self.inner,
                    inner: c as u64 % self.inner,
                })
            })
        })
    }

    /// Storages that the layer reads, inputs then operands, each once.
    pub(crate) fn read(layer: &FusedLayer) -> Vec<usize> {
        let mut storages = Vec::new();
        let operands = layer.fused.iter().filter_map(|op| match op {
            FusedOp::Add { operand, .. } => Some(operand),
            _ => None,
        });
        for segment in layer.inputs.iter().chain(operands).flat_map(|view| &view.segments) {
            if !storages.contains(&segment.storage) {
                storages.push(segment.storage);
            }
        }
        storages
    }
}

/// The first index of each class.
fn firsts(classes: &[u32]) -> Vec<usize> {
    let mut seen = Vec::new();
    for (index, class) in classes.iter().enumerate() {
        if *class as usize == seen.len() {
            seen.push(index);
        }
    }
    seen
}

fn check_count(
    layer: &FusedLayer,
    plan: LayerPlan,
    shape: TensorShape,
    remedy: &str,
) -> Result<(), CycleError> {
    let tile = plan.tile;
    let (inputs, groups) = match &layer.primitive {
        Primitive::Conv { in_channels, groups, .. } => (in_channels / (*groups).max(1), *groups),
        Primitive::Dense { in_features, .. } => (*in_features, 1),
        _ => (1, 1),
    };
    let count = |extent: u64, size: u64| extent.div_ceil(clip(size, extent));
    // Each group may end with a smaller block.
    let more = if groups > 1 { groups } else { 0 };
    let channels = (count(shape.channels, tile.out_channels).saturating_add(more))
        .saturating_mul(count(inputs, tile.in_channels));
    let counts = [
        (count(shape.height, tile.y), "rows"),
        (count(shape.width, tile.x), "columns"),
        (channels, "input and output channels"),
    ];
    match counts.into_iter().find(|(count, _)| *count > MOST_BLOCKS) {
        None => Ok(()),
        Some((count, what)) => Err(CycleError::Layer {
            layer: reference(layer),
            message: format!(
                "its tile cuts it into {count} blocks of {what}: at most {MOST_BLOCKS} are simulated; {remedy}"
            ),
        }),
    }
}

fn weight_layout(layer: &FusedLayer, output: TensorShape) -> Option<WeightLayout> {
    let (kernel_stride, kernel_area, bias) = match &layer.primitive {
        Primitive::Conv { in_channels, kernel, groups, bias, .. } => {
            let area = kernel[0].checked_mul(kernel[1])?;
            ((in_channels / (*groups).max(1)).checked_mul(area)?, area, *bias)
        }
        Primitive::Dense { in_features, bias, .. } => (*in_features, 1, *bias),
        _ => (0, 0, false),
    };
    let own = u64::from(matches!(layer.primitive, Primitive::BatchNorm { .. }));
    let norms = own + layer.fused.iter().filter(|op| matches!(op, FusedOp::BatchNorm { .. })).count() as u64;
    let per_channel = u64::from(bias) + 2 * norms;
    let kernel_words = kernel_stride.checked_mul(output.channels)?;
    let words = kernel_words.checked_add(per_channel.checked_mul(output.channels)?)?;
    Some(WeightLayout { kernel_stride, kernel_area, kernel_words, per_channel, words })
}

/// How messages call a fused layer.
pub(crate) fn reference(layer: &FusedLayer) -> LayerRef {
    LayerRef { index: layer.layer, primitive: layer.primitive.name(), name: None }
}
