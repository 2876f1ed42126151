//! Section 5 of the cycle model: which storages are kept in the activation buffer, and which weights.

use crate::geometry::{KernelRegion, Tile};
use crate::outcome::Failure;
use crate::sizes::Bytes;
use crate::{Deviation, Model};
use codebench_model::Role;
use codebench_model::hardware::{FusedLayer, FusedOp, View};

/// What happens before and during one layer.
#[derive(Debug, Clone, Default)]
pub(crate) struct LayerResidency {
    /// Storages that leave the buffer, in order; whether each is written back.
    pub(crate) evicted: Vec<(usize, bool)>,
    /// How many of them, the last ones, made room for the output.
    pub(crate) evicted_for_output: usize,
    /// Storages that are loaded whole, in order.
    pub(crate) promoted: Vec<usize>,
    /// Storages kept in the buffer while the layer runs, its output aside.
    pub(crate) resident: Vec<usize>,
    /// Whether the output is kept.
    pub(crate) output_resident: bool,
    /// Whether each region of weights is loaded once.
    pub(crate) weights_kept: bool,
}

pub(crate) fn read_views(layer: &FusedLayer) -> Vec<&View> {
    let mut views: Vec<&View> = layer.inputs.iter().collect();
    for op in &layer.fused {
        if let FusedOp::Add { operand, .. } = op {
            views.push(operand);
        }
    }
    views
}

/// Storages that a layer reads, each once, in order of inputs then operands.
pub(crate) fn reads(layer: &FusedLayer) -> Vec<usize> {
    let mut storages = Vec::new();
    for segment in read_views(layer).into_iter().flat_map(|view| &view.segments) {
        if !storages.contains(&segment.storage) {
            storages.push(segment.storage);
        }
    }
    storages
}

/// Layers that read a storage.
pub(crate) fn readers(model: &Model<'_>, storage: usize) -> Vec<usize> {
    let layers = &model.problem.fused.layers;
    (0..layers.len()).filter(|&l| reads(&layers[l]).contains(&storage)).collect()
}

/// Space that a layer needs beside its residents.
struct Working<'a> {
    model: &'a Model<'a>,
    layer: usize,
    tiles: Vec<&'a Tile>,
}

impl Working<'_> {
    /// The largest bytes of all regions of a tile in one storage.
    fn input(&self, storage: usize) -> Bytes {
        let mut largest = Bytes::default();
        for tile in &self.tiles {
            let regions = tile.all_regions().filter(|region| region.storage == storage);
            let sum = regions.map(|r| self.model.region_bytes(r)).fold(Bytes::default(), |a, b| a + b);
            largest = largest.max(sum);
        }
        largest
    }

    fn output_tile(&self) -> Bytes {
        self.tiles.iter().map(|t| self.model.output_bytes(t)).fold(Bytes::default(), Bytes::max)
    }

    fn kernel_mask(&self) -> u64 {
        let kernels = self.tiles.iter().filter_map(|t| t.kernel.as_ref());
        kernels.map(|k| self.model.kernel_bytes(self.layer, k).mask).max().unwrap_or(0)
    }

    /// The need without the mask of the kernel.
    fn activations(&self, resident: &[usize], output_resident: bool) -> Bytes {
        let model = self.model;
        let layer = &model.problem.fused.layers[self.layer];
        let mut need = Bytes::default();
        for &storage in resident {
            need = need + model.storage_bytes(storage);
        }
        for storage in reads(layer) {
            if !resident.contains(&storage) {
                need = need + self.input(storage);
            }
        }
        need + if output_resident { model.storage_bytes(layer.output) } else { self.output_tile() }
    }

    fn fits(&self, resident: &[usize], output_resident: bool) -> bool {
        let need = self.activations(resident, output_resident);
        let (data, mask) = capacities(self.model);
        need.data <= data && need.mask + self.kernel_mask() <= mask
    }

    /// The distinct regions of the layer's weights.
    fn kernels(&self) -> Vec<&KernelRegion> {
        let mut distinct: Vec<&KernelRegion> = Vec::new();
        for kernel in self.tiles.iter().filter_map(|t| t.kernel.as_ref()) {
            if !distinct.contains(&kernel) {
                distinct.push(kernel);
            }
        }
        distinct
    }

    fn weights_kept(&self, resident: &[usize], output_resident: bool) -> bool {
        let all = self.kernels().into_iter().map(|k| self.model.kernel_bytes(self.layer, k));
        let all = all.fold(Bytes::default(), |a, b| a + b);
        let masks = self.activations(resident, output_resident).mask + all.mask;
        all.data <= weight_capacity(self.model) && masks <= capacities(self.model).1
    }
}

/// Bytes of the activation and of the mask buffer.
pub(crate) fn capacities(model: &Model<'_>) -> (u64, u64) {
    let capacity = |role| model.of_role(role).next().map_or(0, |m| model.facts[m].capacity_bytes);
    (capacity(Role::ActivationBuffer), capacity(Role::MaskBuffer))
}

pub(crate) fn weight_capacity(model: &Model<'_>) -> u64 {
    model.of_role(Role::WeightBuffer).next().map_or(0, |m| model.facts[m].capacity_bytes)
}

/// State between layers.
struct Keeper<'a> {
    model: &'a Model<'a>,
    resident: Vec<usize>,
    in_memory: Vec<usize>,
}

impl Keeper<'_> {
    fn next_reader(&self, storage: usize, at_or_after: usize) -> Option<usize> {
        readers(self.model, storage).into_iter().find(|&reader| reader >= at_or_after)
    }

    /// The storage to evict first: the farthest next reader, then the larger index.
    fn farthest(&self, among: &[usize], layer: usize) -> Option<usize> {
        let nearest_first = self.model.deviates(Deviation::EvictNearest);
        let distance = |s: &usize| {
            let reader = self.next_reader(*s, layer).unwrap_or(usize::MAX);
            (if nearest_first { usize::MAX - reader } else { reader }, *s)
        };
        among.iter().copied().max_by_key(distance)
    }

    fn evict(&mut self, storage: usize, now: &mut LayerResidency) {
        self.resident.retain(|&s| s != storage);
        let write_back = !self.in_memory.contains(&storage);
        let write_back = write_back && !self.model.deviates(Deviation::NoWriteBack);
        now.evicted.push((storage, write_back || self.model.deviates(Deviation::WriteBackClean)));
        self.in_memory.push(storage);
    }

    fn make_room(&mut self, work: &Working<'_>, now: &mut LayerResidency) -> Result<(), Failure> {
        let read = reads(&self.model.problem.fused.layers[work.layer]);
        while !work.fits(&self.resident, false) {
            let resident = &self.resident;
            let (own, other): (Vec<usize>, Vec<usize>) = resident.iter().partition(|s| read.contains(s));
            let among = if other.is_empty() { own } else { other };
            let Some(storage) = self.farthest(&among, work.layer) else {
                let need = work.activations(&self.resident, false);
                let (data, mask) = capacities(self.model);
                return Err(if need.data > data {
                    Failure::ActivationBuffer { layer: work.layer, need: need.data, capacity: data }
                } else {
                    let need = need.mask + work.kernel_mask();
                    Failure::MaskBuffer { layer: work.layer, need, capacity: mask }
                });
            };
            self.evict(storage, now);
        }
        Ok(())
    }

    fn promote(&mut self, work: &Working<'_>, now: &mut LayerResidency) {
        if self.model.deviates(Deviation::NoPromotion) {
            return;
        }
        for storage in reads(&self.model.problem.fused.layers[work.layer]) {
            if self.resident.contains(&storage) || self.next_reader(storage, work.layer + 1).is_none() {
                continue;
            }
            let mut with = self.resident.clone();
            with.push(storage);
            if work.fits(&with, false) {
                self.resident = with;
                now.promoted.push(storage);
            }
        }
    }

    fn keep_output(&mut self, work: &Working<'_>, now: &mut LayerResidency) {
        let fused = &self.model.problem.fused;
        let layer = &fused.layers[work.layer];
        let Some(first_reader) = self.next_reader(layer.output, 0) else { return };
        if fused.outputs.contains(&layer.output) {
            return;
        }
        if work.fits(&self.resident, true) {
            now.output_resident = true;
            return;
        }
        let read = reads(layer);
        let mut candidates = self.resident.clone();
        candidates.retain(|s| !read.contains(s));
        candidates.retain(|s| self.next_reader(*s, work.layer).is_some_and(|r| r > first_reader));
        let mut left = self.resident.clone();
        let mut victims = Vec::new();
        while let Some(storage) = self.farthest(&candidates, work.layer) {
            candidates.retain(|&s| s != storage);
            left.retain(|&s| s != storage);
            victims.push(storage);
            if work.fits(&left, true) {
                now.output_resident = true;
                now.evicted_for_output = victims.len();
                victims.into_iter().for_each(|s| self.evict(s, now));
                return;
            }
        }
    }
}

fn check_weights(work: &Working<'_>) -> Result<(), Failure> {
    let capacity = weight_capacity(work.model);
    let regions = work.kernels().into_iter().map(|k| work.model.kernel_bytes(work.layer, k).data);
    let need = regions.max().unwrap_or(0);
    if need > capacity {
        return Err(Failure::WeightBuffer { layer: work.layer, need, capacity });
    }
    Ok(())
}

/// The plan of every layer.
pub(crate) fn plan(model: &Model<'_>, tiles: &[Tile]) -> Result<Vec<LayerResidency>, Failure> {
    let mut keeper = Keeper { model, resident: Vec::new(), in_memory: vec![0] };
    let mut plans = Vec::new();
    for (index, layer) in model.problem.fused.layers.iter().enumerate() {
        let mut now = LayerResidency::default();
        let work =
            Working { model, layer: index, tiles: tiles.iter().filter(|t| t.layer == index).collect() };
        check_weights(&work)?;
        let dead = |s: &usize| readers(model, *s).iter().all(|&reader| reader < index);
        keeper.resident.retain(|s| !dead(s));
        keeper.make_room(&work, &mut now)?;
        keeper.promote(&work, &mut now);
        keeper.keep_output(&work, &mut now);
        now.weights_kept = work.weights_kept(&keeper.resident, now.output_resident)
            && !model.deviates(Deviation::WeightsStreamed);
        now.resident = keeper.resident.clone();
        if now.output_resident {
            keeper.resident.push(layer.output);
        } else {
            keeper.in_memory.push(layer.output);
        }
        plans.push(now);
    }
    Ok(plans)
}
