//! Transfers that wait in the load queue and in the store queue.

use super::super::plan::{Placed, Schedule};
use super::super::tiles::{KernelRegion, Region, Sizes, WHOLE_PPM, WeightLayout};
use super::footprint::{Footprint, Mapping};
use codebench_model::TensorShape;
use codebench_model::hardware::TaskKind;

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

/// Where the runs of a transfer lie.
pub(super) struct Atlas<'a> {
    pub(super) schedule: &'a Schedule,
    pub(super) shapes: &'a [TensorShape],
    pub(super) sizes: Sizes,
    pub(super) mapping: Mapping,
}

impl Atlas<'_> {
    /// Adds the runs of a task to a footprint.
    pub(super) fn map(&self, task: &Task, footprint: &mut Footprint) {
        footprint.clear();
        match task.cargo {
            Cargo::Activations(region) => {
                let placed = self.schedule.addresses.storages[region.storage];
                let ppm = self.schedule.storage_ppm[region.storage];
                self.activations(&region, placed, ppm, task.is_mask(), footprint);
            }
            Cargo::Weights(region) => {
                let layout = self.schedule.layers[task.layer].tiles.weights;
                let placed = self.schedule.addresses.weights[task.layer];
                let ppm = self.schedule.weight_ppm[task.layer];
                self.weights(&region, placed, layout, ppm, task.is_mask(), footprint);
            }
        }
    }

    fn activations(&self, region: &Region, at: Placed, ppm: u64, mask: bool, footprint: &mut Footprint) {
        let (mapping, sizes) = (&self.mapping, self.sizes);
        region.runs(self.shapes[region.storage], |image, word, words| {
            if mask {
                footprint.add(mapping, at.mask_base + image * at.mask_stride + word / 8, words.div_ceil(8));
            } else {
                let start = at.base + image * at.stride + sizes.offset(word);
                footprint.add(mapping, start, sizes.bytes(words, ppm));
            }
        });
    }

    fn weights(
        &self,
        region: &KernelRegion,
        at: Placed,
        layout: WeightLayout,
        ppm: u64,
        mask: bool,
        footprint: &mut Footprint,
    ) {
        let (mapping, sizes) = (&self.mapping, self.sizes);
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
