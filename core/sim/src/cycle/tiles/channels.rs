//! Blocks along channels: which outputs, which inputs, which weights.

use super::super::fuse::features_per_channel;
use super::axis::{clip, cut};
use super::region::{Region, RegionPart};
use super::{Block, Span};
use codebench_model::hardware::{FusedLayer, FusedOp, LayerPlan, Storage, View};
use codebench_model::{Primitive, TensorShape};

/// A channel block, an output block of it and an input block of that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChannelBlock {
    pub(crate) out: Span,
    /// Channels of the inputs.
    pub(crate) input: Span,
    pub(crate) groups: u64,
    /// Whether partial sums start here.
    pub(crate) first: bool,
    /// Whether partial sums are complete here.
    pub(crate) last: bool,
    pub(crate) weights: KernelRegion,
    /// What it reads of each input's segments.
    pub(crate) inputs: Vec<Part>,
    /// What the fused additions read.
    pub(crate) operands: Vec<Part>,
    /// How many parts of `operands` belong to each fused addition, in order.
    pub(crate) operand_parts: Vec<usize>,
    /// Blocks of one class cost the same.
    pub(crate) class: u32,
}

/// A part of a layer's weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KernelRegion {
    pub(crate) outputs: Span,
    /// Within a group.
    pub(crate) inputs: Span,
    pub(crate) kernel_words: u64,
    pub(crate) channel_words: u64,
}

impl KernelRegion {
    pub(crate) fn words(&self) -> u64 {
        self.kernel_words.saturating_add(self.channel_words)
    }
}

/// What a channel block reads of one segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Channels, at the rows and columns of the tile.
    Channels { storage: usize, c: Span },
    /// All of the named rows and channels, whatever the rows and columns of the tile.
    Fixed { storage: usize, y: Span, c: Span, width: u64 },
    /// Words of a flattened storage.
    Words { storage: usize, words: Span },
}

impl Part {
    pub(crate) fn storage(&self) -> usize {
        match self {
            Part::Channels { storage, .. } | Part::Fixed { storage, .. } | Part::Words { storage, .. } => {
                *storage
            }
        }
    }

    /// The region of a tile.
    pub(crate) fn region(&self, images: Span, y: Span, x: Span) -> Region {
        let (storage, part) = match *self {
            Part::Channels { storage, c } => (storage, RegionPart::Box { y, c, x }),
            Part::Fixed { storage, y, c, width } => {
                (storage, RegionPart::Box { y, c, x: Span::new(0, width) })
            }
            Part::Words { storage, words } => (storage, RegionPart::Words(words)),
        };
        Region { storage, images, part }
    }

    /// Where it lies does not matter for its size.
    fn size_key(&self) -> (usize, u64, u64) {
        match self {
            Part::Channels { storage, c } => (*storage, c.len(), 0),
            Part::Fixed { storage, y, c, width } => (*storage, y.len() * c.len() * width, 1),
            Part::Words { storage, words } => (*storage, words.len(), 1),
        }
    }
}

/// What channel blocks are made from.
pub(super) struct Channels<'a> {
    pub(super) layer: &'a FusedLayer,
    pub(super) storages: &'a [Storage],
    pub(super) plan: LayerPlan,
    pub(super) per_channel: u64,
}

/// Output, input and group spans before weights and parts are added.
struct Cut {
    out: Span,
    input: Span,
    within: Span,
    groups: u64,
    first: bool,
    last: bool,
}

impl Channels<'_> {
    /// All blocks, input blocks fastest, and the number of input blocks.
    pub(super) fn blocks(&self) -> (Vec<ChannelBlock>, u64) {
        let output = self.storages[self.layer.output].shape;
        let (cuts, inner) = match &self.layer.primitive {
            Primitive::Conv { in_channels, out_channels, groups, .. } => {
                self.grouped(*groups, in_channels / groups, out_channels / groups)
            }
            Primitive::Dense { in_features, out_features, .. } => {
                self.grouped(1, *in_features, *out_features)
            }
            Primitive::LocalResponseNorm { .. } | Primitive::Softmax | Primitive::Shuffle { .. } => {
                (vec![single(Span::new(0, output.channels))], 1)
            }
            _ => (cut(output.channels, self.plan.tile.out_channels).map(single).collect(), 1),
        };
        let mut blocks: Vec<ChannelBlock> = cuts.into_iter().map(|cut| self.block(cut, output)).collect();
        classify(&mut blocks);
        (blocks, inner)
    }

    fn grouped(&self, groups: u64, inputs: u64, outputs: u64) -> (Vec<Cut>, u64) {
        let tile = self.plan.tile;
        let out = clip(tile.out_channels, groups * outputs);
        if groups > 1 && out >= 2 * outputs {
            let whole = |g: Span| Cut {
                out: Span::new(g.start * outputs, g.end * outputs),
                input: Span::new(g.start * inputs, g.end * inputs),
                within: Span::new(0, inputs),
                groups: g.len(),
                first: true,
                last: true,
            };
            return (cut(groups, out / outputs).map(whole).collect(), 1);
        }
        let mut cuts = Vec::new();
        for group in 0..groups {
            for o in cut(outputs, out) {
                for i in cut(inputs, tile.in_channels) {
                    cuts.push(Cut {
                        out: Span::new(group * outputs + o.start, group * outputs + o.end),
                        input: Span::new(group * inputs + i.start, group * inputs + i.end),
                        within: i,
                        groups: 1,
                        first: i.start == 0,
                        last: i.end == inputs,
                    });
                }
            }
        }
        (cuts, inputs.div_ceil(clip(tile.in_channels, inputs)))
    }

    fn block(&self, cut: Cut, output: TensorShape) -> ChannelBlock {
        let layer = self.layer;
        let kernel = match &layer.primitive {
            Primitive::Conv { kernel, .. } => kernel[0] * kernel[1],
            Primitive::Dense { .. } => 1,
            _ => 0,
        };
        let weights = KernelRegion {
            outputs: cut.out,
            inputs: cut.within,
            kernel_words: cut.out.len() * cut.within.len() * kernel,
            channel_words: if cut.first { cut.out.len() * self.per_channel } else { 0 },
        };
        let spread = output.height > 1 || output.width > 1;
        let elementwise = matches!(layer.primitive, Primitive::Add | Primitive::Multiply) && spread;
        let inputs = layer.inputs.iter().flat_map(|v| self.parts(v, cut.input, elementwise)).collect();
        let operand = |op: &FusedOp| match op {
            FusedOp::Add { operand, .. } if cut.last => Some(self.parts(operand, cut.out, spread)),
            _ => None,
        };
        let operands: Vec<Vec<Part>> = layer.fused.iter().filter_map(operand).collect();
        let operand_parts = operands.iter().map(Vec::len).collect();
        let operands = operands.concat();
        let Cut { out, input, groups, first, last, .. } = cut;
        ChannelBlock { out, input, groups, first, last, weights, inputs, operands, operand_parts, class: 0 }
    }

    /// What channels `wanted` of a view read. In a `broadcast` place, C x 1 x 1 is read whatever the tile's rows.
    fn parts(&self, view: &View, wanted: Span, broadcast: bool) -> Vec<Part> {
        let mut parts = Vec::new();
        let mut at = 0;
        for segment in &view.segments {
            let (storage, shape) = (segment.storage, self.storages[segment.storage].shape);
            let each = features_per_channel(view, segment, self.storages);
            let (from, to) = (at, at + segment.channels * each);
            at = to;
            let (low, high) = (wanted.start.max(from), wanted.end.min(to));
            if low >= high {
                continue;
            }
            let within = Span::new(low - from, high - from);
            let c = Span::new(segment.first_channel, segment.first_channel + segment.channels);
            parts.push(if each == 1 {
                let c = Span::new(c.start + within.start, c.start + within.end);
                let single = view.shape.height == 1 && view.shape.width == 1;
                match broadcast && single {
                    true => Part::Fixed { storage, y: Span::new(0, 1), c, width: 1 },
                    false => Part::Channels { storage, c },
                }
            } else if c.len() == shape.channels {
                Part::Words { storage, words: within }
            } else {
                let row = c.len() * shape.width;
                let y = Span::new(within.start / row, within.end.div_ceil(row));
                Part::Fixed { storage, y, c, width: shape.width }
            });
        }
        parts
    }
}

fn single(out: Span) -> Cut {
    Cut { out, input: out, within: Span::new(0, 0), groups: 1, first: true, last: true }
}

/// Numbers the blocks by what their costs and sizes depend on.
fn classify(blocks: &mut [ChannelBlock]) {
    fn same(a: &ChannelBlock, b: &ChannelBlock) -> bool {
        let parts = |p: &[Part], q: &[Part]| {
            p.len() == q.len() && p.iter().zip(q).all(|(p, q)| p.size_key() == q.size_key())
        };
        a.out.len() == b.out.len()
            && a.input.len() == b.input.len()
            && (a.groups, a.first, a.last) == (b.groups, b.first, b.last)
            && a.weights.kernel_words == b.weights.kernel_words
            && a.weights.channel_words == b.weights.channel_words
            && a.operand_parts == b.operand_parts
            && parts(&a.inputs, &b.inputs)
            && parts(&a.operands, &b.operands)
    }
    let mut firsts: Vec<usize> = Vec::new();
    for index in 0..blocks.len() {
        // Neighbours are alike more often than not.
        let near =
            index.checked_sub(1).filter(|n| same(&blocks[*n], &blocks[index])).map(|n| blocks[n].class);
        let class =
            near.or_else(|| firsts.iter().position(|f| same(&blocks[*f], &blocks[index])).map(|c| c as u32));
        blocks[index].class = class.unwrap_or_else(|| {
            firsts.push(index);
            (firsts.len() - 1) as u32
        });
    }
}

/// Numbers the blocks of an axis by their extents.
pub(super) fn classes(blocks: &[Block]) -> Vec<u32> {
    let mut firsts: Vec<(u64, u64)> = Vec::new();
    blocks
        .iter()
        .map(|block| {
            let key = (block.out.len(), block.input.len());
            let known = firsts.iter().rposition(|f| *f == key);
            known.unwrap_or_else(|| {
                firsts.push(key);
                firsts.len() - 1
            }) as u32
        })
        .collect()
}
