//! Section 3 of the cycle model: where objects lie in memory.

use crate::geometry::{KernelRegion, Region};
use crate::outcome::Failure;
use crate::residency::{LayerResidency, readers};
use crate::{Deviation, Model};
use std::ops::Range;

/// An object and its mask.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Object {
    data: u64,
    mask: u64,
    image_stride: u64,
}

/// Addresses of everything that is ever in memory.
pub(crate) struct Layout {
    storages: Vec<Object>,
    weights: Vec<Object>,
}

/// Contiguous bytes.
pub(crate) type Run = Range<u64>;

fn run(start: u64, bytes: u64) -> Run {
    start..start + bytes
}

/// Length of an activation's data per image, in whole stripes, and of the image with its mask.
fn strides(model: &Model<'_>, storage: usize) -> (u64, u64) {
    let shape = model.problem.fused.storages[storage].shape;
    let words = shape.channels * shape.height * shape.width;
    let stripe = stripe(model);
    let bits = words * model.problem.accelerator.word_bits;
    let data = bits.div_ceil(8).next_multiple_of(stripe);
    let both = data + model.mask_bytes(words).next_multiple_of(stripe);
    let banks = model.memory.ranks * model.memory.banks_per_rank;
    let unit = if both >= stripe * banks { stripe * banks } else { stripe * banks.div_ceil(4) };
    let unit = if model.deviates(Deviation::ImagesOnStripes) { stripe } else { unit };
    (data, both.next_multiple_of(unit))
}

fn stripe(model: &Model<'_>) -> u64 {
    if model.deviates(Deviation::ObjectsUnaligned) {
        return 1;
    }
    model.memory.row_bytes * model.memory.channels
}

fn check(model: &Model<'_>, end: u64) -> Result<(), Failure> {
    let capacity = model.memory.capacity_bytes;
    if end > capacity {
        return Err(Failure::Memory { need: end, capacity });
    }
    Ok(())
}

/// Places the image and the weights; also answers the first byte behind them.
fn place_fixed(model: &Model<'_>) -> Result<(Object, Vec<Object>, u64), Failure> {
    let (data, image_stride) = strides(model, 0);
    let image = Object { data: 0, mask: data, image_stride };
    let mut at = model.problem.batch * image_stride;
    check(model, at)?;
    let mut weights = Vec::new();
    for layer in 0..model.problem.fused.layers.len() {
        let words = model.weights(layer);
        let mut object = Object { data: at, ..Object::default() };
        if words.any() {
            let mut end = at + (words.words() * model.problem.accelerator.word_bits).div_ceil(8);
            let mask = model.mask_bytes(words.kernel_words());
            if mask > 0 {
                object.mask = end.next_multiple_of(stripe(model));
                end = object.mask + mask;
            }
            check(model, end)?;
            at = end.next_multiple_of(stripe(model));
        }
        weights.push(object);
    }
    Ok((image, weights, at))
}

/// The lowest stripe at or after `base` with `size` bytes that none of `taken` holds.
fn first_fit(taken: &[(usize, Run)], base: u64, size: u64, stripe: u64) -> u64 {
    let mut at = base;
    while taken.iter().any(|(_, used)| used.start < at + size && at < used.end) {
        at += stripe;
    }
    at
}

/// Storages that need memory at a layer, in order of their index.
fn needed_at(model: &Model<'_>, layer: usize, plan: &LayerResidency) -> Vec<usize> {
    let mut needed: Vec<usize> =
        plan.evicted.iter().filter(|(_, written)| *written).map(|(storage, _)| *storage).collect();
    if !plan.output_resident {
        needed.push(model.problem.fused.layers[layer].output);
    }
    needed.sort_unstable();
    needed
}

pub(crate) fn place(model: &Model<'_>, plan: &[LayerResidency]) -> Result<Layout, Failure> {
    let fused = model.problem.fused;
    let (image, weights, base) = place_fixed(model)?;
    let mut storages = vec![Object::default(); fused.storages.len()];
    storages[0] = image;
    let mut taken: Vec<(usize, Run)> = Vec::new();
    for (layer, plan) in plan.iter().enumerate() {
        let last_use = |s: usize| {
            let last_reader = readers(model, s).last().copied();
            last_reader.max(fused.storages[s].producer)
        };
        taken.retain(|(s, _)| fused.outputs.contains(s) || last_use(*s) >= Some(layer));
        for storage in needed_at(model, layer, plan) {
            if storage == 0 || taken.iter().any(|(s, _)| *s == storage) {
                continue;
            }
            let (data, image_stride) = strides(model, storage);
            let size = model.problem.batch * image_stride;
            let start = first_fit(&taken, base, size, stripe(model));
            check(model, start + size)?;
            storages[storage] = Object { data: start, mask: start + data, image_stride };
            taken.push((storage, run(start, size)));
        }
    }
    Ok(Layout { storages, weights })
}

impl Layout {
    /// Runs of a region's data.
    pub(crate) fn data(&self, model: &Model<'_>, region: &Region) -> Vec<Run> {
        let object = self.storages[region.storage];
        let shape = model.problem.fused.storages[region.storage].shape;
        let ppm = model.activation_ppm(region.storage);
        let place = |(image, word, words): (u64, u64, u64)| {
            let first = object.data + image * object.image_stride;
            run(first + word * model.problem.accelerator.word_bits / 8, model.bytes(words, ppm))
        };
        region.runs(shape).into_iter().map(place).collect()
    }

    /// Runs of a region's mask.
    pub(crate) fn mask(&self, model: &Model<'_>, region: &Region) -> Vec<Run> {
        let object = self.storages[region.storage];
        let shape = model.problem.fused.storages[region.storage].shape;
        let place = |(image, word, words): (u64, u64, u64)| {
            run(object.mask + image * object.image_stride + word / 8, words.div_ceil(8))
        };
        region.runs(shape).into_iter().map(place).collect()
    }

    /// Runs of a region of a layer's weights.
    pub(crate) fn kernel(&self, model: &Model<'_>, layer: usize, region: &KernelRegion) -> Vec<Run> {
        let (kernel, per_channel) = model.weights(layer).runs(region);
        let at = |word: u64| self.weights[layer].data + word * model.problem.accelerator.word_bits / 8;
        let ppm = model.weight_ppm(layer);
        let mut runs: Vec<Run> =
            kernel.into_iter().map(|(word, words)| run(at(word), model.bytes(words, ppm))).collect();
        if !model.deviates(Deviation::PerChannelWordsForgotten) {
            runs.extend(per_channel.map(|(word, words)| run(at(word), model.bytes(words, 1_000_000))));
        }
        runs
    }

    /// Runs of the mask of a region of a layer's kernel.
    pub(crate) fn kernel_mask(&self, model: &Model<'_>, layer: usize, region: &KernelRegion) -> Vec<Run> {
        let (kernel, _) = model.weights(layer).runs(region);
        let place = |(word, words): (u64, u64)| run(self.weights[layer].mask + word / 8, words.div_ceil(8));
        kernel.into_iter().map(place).collect()
    }
}
