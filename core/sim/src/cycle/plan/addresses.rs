//! Where objects lie in main memory.

use super::super::error::{CycleError, Infeasible};
use super::super::machine::Machine;
use super::super::remedy::{Holder, Remedy};
use super::super::tiles::{Sizes, WHOLE_PPM, reference};
use super::LayerSchedule;
use codebench_model::TensorShape;
use codebench_model::hardware::FusedWorkload;

/// An object and its mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Placed {
    pub(crate) base: u64,
    /// Bytes from one image to the next.
    pub(crate) stride: u64,
    /// Mask of the first image.
    pub(crate) mask_base: u64,
}

/// Where everything lies.
#[derive(Debug, Clone)]
pub(crate) struct Addresses {
    /// Per storage; zero if it is never in memory.
    pub(crate) storages: Vec<Placed>,
    /// Per layer.
    pub(crate) weights: Vec<Placed>,
    /// Behind the last byte of all.
    pub(crate) end: u64,
}

struct Memory<'a> {
    workload: &'a FusedWorkload,
    stripe: u64,
    /// Stripes after which the banks are the same again.
    banks: u64,
    capacity: u64,
    sizes: Sizes,
    compressed: bool,
    images: u64,
}

/// Places the image, weights and activations.
pub(super) fn place(
    machine: &Machine,
    workload: &FusedWorkload,
    layers: &[LayerSchedule],
) -> Result<Addresses, CycleError> {
    let facts = &machine.memory.facts;
    let memory = Memory {
        workload,
        stripe: facts.row_bytes * facts.channels,
        banks: facts.ranks * facts.banks_per_rank,
        capacity: facts.capacity_bytes,
        sizes: Sizes { word_bits: machine.context.word_bits },
        compressed: machine.compressed(),
        images: machine.batch,
    };
    let mut storages = vec![Placed::default(); workload.storages.len()];
    let (image, mut end) = memory.activations(0, workload.storages[0].shape, 0)?;
    storages[0] = image;
    let mut weights = Vec::with_capacity(layers.len());
    for (index, layer) in layers.iter().enumerate() {
        let (placed, next) = memory.weights(end, layer, index)?;
        weights.push(placed);
        end = next;
    }
    let end = memory.storages(layers, end, &mut storages)?;
    Ok(Addresses { storages, weights, end })
}

impl Memory<'_> {
    fn stripes(&self, bytes: u64) -> u64 {
        bytes.div_ceil(self.stripe).saturating_mul(self.stripe)
    }

    /// `end` if it lies within the memory.
    fn check(&self, end: u64, layer: usize) -> Result<u64, CycleError> {
        if end <= self.capacity {
            return Ok(end);
        }
        let Some(layer) = self.workload.layers.get(layer) else {
            return Err(CycleError::too_large("the image"));
        };
        Err(CycleError::Infeasible(Infeasible {
            layer: reference(layer),
            holder: Holder::Memory,
            needed_bytes: end,
            capacity_bytes: self.capacity,
            at_smallest: false,
            remedies: vec![Remedy::Capacities(vec![(Holder::Memory, end)])],
        }))
    }

    fn weights(&self, start: u64, layer: &LayerSchedule, index: usize) -> Result<(Placed, u64), CycleError> {
        let layout = layer.tiles.weights;
        if layout.words == 0 {
            return Ok((Placed::default(), start));
        }
        let end = self.check(start.saturating_add(self.sizes.bytes(layout.words, WHOLE_PPM)), index)?;
        let mut placed = Placed { base: start, ..Placed::default() };
        if !self.compressed || layout.kernel_words == 0 {
            return Ok((placed, self.stripes(end)));
        }
        placed.mask_base = self.stripes(end);
        let end = self.check(placed.mask_base.saturating_add(layout.kernel_words.div_ceil(8)), index)?;
        Ok((placed, self.stripes(end)))
    }

    /// Data and mask of activations that start at `start`, and where they end.
    fn activations(&self, start: u64, shape: TensorShape, layer: usize) -> Result<(Placed, u64), CycleError> {
        let words = shape.elements().unwrap_or(u64::MAX);
        let data = self.stripes(self.sizes.bytes(words, WHOLE_PPM));
        let mask = if self.compressed { self.stripes(words.div_ceil(8)) } else { 0 };
        let stride = self.rounds(data.saturating_add(mask));
        let end = self.check(start.saturating_add(stride.saturating_mul(self.images)), layer)?;
        Ok((Placed { base: start, stride, mask_base: start.saturating_add(data) }, end))
    }

    /// Whole rounds of the banks for what is that long, quarters for less, so that images soon fall on the same banks again.
    fn rounds(&self, bytes: u64) -> u64 {
        let round = self.stripe.saturating_mul(self.banks);
        let unit = if bytes >= round { round } else { self.stripe.saturating_mul(self.banks.div_ceil(4)) };
        bytes.div_ceil(unit).saturating_mul(unit)
    }

    fn storages(
        &self,
        layers: &[LayerSchedule],
        floor: u64,
        storages: &mut [Placed],
    ) -> Result<u64, CycleError> {
        let releases = self.releases();
        // Taken spans, ascending: start, end, storage.
        let mut taken: Vec<(u64, u64, usize)> = Vec::new();
        let mut highest = floor;
        for (index, layer) in layers.iter().enumerate() {
            taken.retain(|(_, _, storage)| releases[*storage] >= index);
            let mut needed: Vec<usize> =
                layer.evictions.iter().filter(|e| e.write_back).map(|e| e.storage).collect();
            if !layer.output_resident {
                needed.push(layer.tiles.output);
            }
            needed.sort_unstable();
            for storage in needed {
                let shape = self.workload.storages[storage].shape;
                let (_, size) = Memory { capacity: u64::MAX, ..*self }.activations(0, shape, index)?;
                let mut start = floor;
                let mut slot = 0;
                for (from, to, _) in &taken {
                    if *from >= start.saturating_add(size) {
                        break;
                    }
                    start = *to;
                    slot += 1;
                }
                let (placed, end) = self.activations(start, shape, index)?;
                storages[storage] = placed;
                highest = highest.max(end);
                taken.insert(slot, (start, end, storage));
            }
        }
        Ok(highest)
    }

    /// Per storage: the last layer that needs it in memory.
    fn releases(&self) -> Vec<usize> {
        let storages = &self.workload.storages;
        let mut last: Vec<usize> = storages.iter().map(|s| s.producer.unwrap_or(0)).collect();
        for (index, layer) in self.workload.layers.iter().enumerate() {
            for storage in super::super::tiles::LayerTiles::read(layer) {
                last[storage] = last[storage].max(index);
            }
        }
        for output in &self.workload.outputs {
            last[*output] = usize::MAX;
        }
        last
    }
}
