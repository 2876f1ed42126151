//! Transfers that wait in the load queue and in the store queue.

use super::super::machine::FastMap;
use super::super::plan::{Placed, Schedule};
use super::super::tiles::{KernelRegion, Region, RegionPart, Sizes, Span, WHOLE_PPM};
use super::footprint::{Footprint, Mapping};
use super::pattern::{Pattern, Summary, repeats};
use codebench_model::hardware::TaskKind;
use codebench_model::{MemoryFacts, TensorShape};
use std::rc::Rc;

/// Activation, weight and mask buffer, as indices of spaces.
pub(super) const ACTIVATIONS: usize = 0;
pub(super) const WEIGHTS: usize = 1;
pub(super) const MASKS: usize = 2;

/// What a transfer moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cargo {
    Activations(Region),
    Weights(KernelRegion),
}

/// A transfer that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Task {
    pub(super) kind: TaskKind,
    pub(super) cargo: Cargo,
    /// Number of its tile in program order.
    pub(super) tile: u64,
    pub(super) layer: usize,
    /// Not before: what it waits for, beside its destination and the way there.
    pub(super) ready: u64,
    /// Space that a load takes.
    pub(super) space: u64,
    /// Space of data and mask that a store gives back when it and those before it have ended: last store only.
    pub(super) frees: Option<(u64, u64)>,
}

impl Task {
    pub(super) fn is_mask(&self) -> bool {
        matches!(
            self.kind,
            TaskKind::LoadMask
                | TaskKind::LoadWeightsMask
                | TaskKind::PromotionMask
                | TaskKind::StoreMask
                | TaskKind::WriteBackMask
        )
    }

    /// Whether it moves data from the buffers to memory.
    pub(super) fn is_store(&self) -> bool {
        matches!(
            self.kind,
            TaskKind::Store | TaskKind::StoreMask | TaskKind::WriteBack | TaskKind::WriteBackMask
        )
    }

    /// The buffer at its end.
    pub(super) fn buffer(&self) -> usize {
        match self.kind {
            TaskKind::LoadWeights => WEIGHTS,
            _ if self.is_mask() => MASKS,
            _ => ACTIVATIONS,
        }
    }

    pub(super) fn storage(&self) -> Option<usize> {
        match self.cargo {
            Cargo::Activations(region) => Some(region.storage),
            Cargo::Weights(_) => None,
        }
    }
}

/// Patterns that are kept.
const MOST_PATTERNS: usize = 1 << 12;

/// What tells the patterns of a simulation apart, but for the images that they start at.
type PatternKey = [u64; 9];

/// A pattern, and how many pages behind the first image its own one lies.
pub(super) type Placement = (Rc<Pattern>, u64);

/// Where the runs of a transfer lie.
pub(super) struct Atlas<'a> {
    pub(super) schedule: &'a Schedule,
    pub(super) shapes: &'a [TensorShape],
    pub(super) sizes: Sizes,
    mapping: Mapping,
    stripe: u64,
    known: FastMap<PatternKey, Rc<Pattern>>,
    footprint: Footprint,
    summary: Summary,
}

impl<'a> Atlas<'a> {
    pub(super) fn new(
        schedule: &'a Schedule,
        shapes: &'a [TensorShape],
        sizes: Sizes,
        facts: &MemoryFacts,
    ) -> Self {
        let mapping = Mapping::new(facts);
        Atlas {
            schedule,
            shapes,
            sizes,
            mapping,
            stripe: facts.row_bytes * facts.channels,
            known: FastMap::default(),
            footprint: Footprint::new(&mapping),
            summary: Summary::new(facts.ranks * facts.banks_per_rank),
        }
    }

    /// What a task does to the memory.
    pub(super) fn map(&mut self, task: &Task) -> Placement {
        let mask = task.is_mask();
        match task.cargo {
            Cargo::Activations(region) => self.activations(region, mask),
            Cargo::Weights(region) => {
                let spans =
                    [region.outputs.start, region.outputs.end, region.inputs.start, region.inputs.end];
                let [from, to, first, last] = spans;
                let layer = task.layer as u64 | 1 << 63;
                let key = [
                    layer,
                    u64::from(mask),
                    from,
                    to,
                    first,
                    last,
                    region.kernel_words,
                    region.channel_words,
                    0,
                ];
                if let Some(known) = self.known.get(&key) {
                    return (known.clone(), 0);
                }
                self.footprint.clear();
                self.weights(&region, task.layer, mask);
                (self.keep(key, 1, 0), 0)
            }
        }
    }

    fn activations(&mut self, region: Region, mask: bool) -> Placement {
        let placed = self.schedule.addresses.storages[region.storage];
        let count = region.images.len();
        let [a, b, c, d, e, f] = region_code(&region);
        let mut key = [region.storage as u64, u64::from(mask), a, b, c, d, e, f, count];
        // Images a whole number of stripes apart touch the same, some pages behind.
        let shift = match repeats(&self.mapping) {
            true => placed.stride / self.stripe,
            false => {
                key[1] |= region.images.start << 1;
                0
            }
        };
        let behind = if shift > 0 { region.images.start * shift } else { 0 };
        if let Some(known) = self.known.get(&key) {
            return (known.clone(), behind);
        }
        let first = if shift > 0 { 0 } else { region.images.start };
        let one = Region { images: Span::new(first, first + 1), ..region };
        if shift > 0 && count > 1 {
            self.add(&one, placed, mask);
            if let Some(pattern) = self.summary.pattern(&self.footprint, count, shift) {
                return (self.insert(key, pattern), behind);
            }
        }
        self.add(&Region { images: Span::new(first, first + count), ..region }, placed, mask);
        (self.keep(key, 1, 0), behind)
    }

    fn keep(&mut self, key: PatternKey, images: u64, shift: u64) -> Rc<Pattern> {
        let none = Pattern { touches: Vec::new(), bytes: 0 };
        let pattern = self.summary.pattern(&self.footprint, images, shift).unwrap_or(none);
        self.insert(key, pattern)
    }

    fn insert(&mut self, key: PatternKey, pattern: Pattern) -> Rc<Pattern> {
        if self.known.len() >= MOST_PATTERNS {
            self.known.clear();
        }
        let pattern = Rc::new(pattern);
        self.known.insert(key, pattern.clone());
        pattern
    }

    /// Fills the footprint with the runs of a region.
    fn add(&mut self, region: &Region, at: Placed, mask: bool) {
        let ppm = self.schedule.storage_ppm[region.storage];
        let (mapping, sizes, footprint) = (&self.mapping, self.sizes, &mut self.footprint);
        footprint.clear();
        let shape = self.shapes[region.storage];
        let words = region.run_words(shape);
        let bytes = if mask { words.div_ceil(8) } else { sizes.bytes(words, ppm) };
        region.runs(shape, |image, word, _| {
            let offset = if mask { at.mask_base + word / 8 } else { at.base + sizes.offset(word) };
            footprint.add(mapping, offset + image * at.stride, bytes);
        });
    }

    fn weights(&mut self, region: &KernelRegion, layer: usize, mask: bool) {
        let layout = self.schedule.layers[layer].tiles.weights;
        let at = self.schedule.addresses.weights[layer];
        let ppm = self.schedule.weight_ppm[layer];
        let (mapping, sizes, footprint) = (&self.mapping, self.sizes, &mut self.footprint);
        let mut run = |word: u64, words: u64| match mask {
            true => footprint.add(mapping, at.mask_base + word / 8, words.div_ceil(8)),
            false => footprint.add(mapping, at.base + sizes.offset(word), sizes.bytes(words, ppm)),
        };
        let each = region.inputs.len() * layout.kernel_area;
        if region.kernel_words > 0 && each == layout.kernel_stride {
            run(region.outputs.start * layout.kernel_stride, region.kernel_words);
        } else if region.kernel_words > 0 {
            for output in region.outputs.start..region.outputs.end {
                run(output * layout.kernel_stride + region.inputs.start * layout.kernel_area, each);
            }
        }
        if region.channel_words > 0 && !mask {
            let word = layout.kernel_words + region.outputs.start * layout.per_channel;
            let start = at.base + sizes.offset(word);
            footprint.add(mapping, start, sizes.bytes(region.channel_words, WHOLE_PPM));
        }
    }
}

/// What tells regions of the same storage apart, but for their images.
pub(super) fn region_code(region: &Region) -> [u64; 6] {
    match region.part {
        RegionPart::Box { y, c, x } => [y.start, y.end, c.start, c.end, x.start, x.end],
        RegionPart::Words(words) => [words.start, words.end, u64::MAX, 0, 0, 0],
    }
}
