//! Which storages stay in the activation buffer.

use super::super::error::{CycleError, Infeasible};
use super::super::machine::Machine;
use super::super::remedy::{Holder, Remedy};
use super::super::tiles::{LayerTiles, Sizes, WHOLE_PPM, reference};
use super::{Eviction, LayerSchedule, Need};
use codebench_model::hardware::{FusedWorkload, LayerPlan};

pub(super) struct Planner<'a> {
    workload: &'a FusedWorkload,
    storage_ppm: &'a [u64],
    weight_ppm: &'a [u64],
    whole: &'a [Need],
    sizes: Sizes,
    compressed: bool,
    capacity: Need,
    weight_capacity: u64,
    /// Per storage: the layers that read it, ascending.
    readers: Vec<Vec<usize>>,
    resident: Vec<bool>,
    in_memory: Vec<bool>,
}

/// What one layer asks of the buffers, beside the resident storages.
struct Wish {
    read: Vec<usize>,
    /// Per storage of `read`: the most that a tile has of it.
    tile: Vec<Need>,
    out: Need,
    /// Largest region of weights.
    region: Need,
    /// All regions of weights.
    all: Need,
}

impl<'a> Planner<'a> {
    pub(super) fn new(
        machine: &Machine,
        workload: &'a FusedWorkload,
        storage_ppm: &'a [u64],
        weight_ppm: &'a [u64],
        whole: &'a [Need],
    ) -> Self {
        let [activations, weights, masks] = machine.capacities();
        let mut readers = vec![Vec::new(); workload.storages.len()];
        for (index, layer) in workload.layers.iter().enumerate() {
            for storage in LayerTiles::read(layer) {
                readers[storage].push(index);
            }
        }
        let count = workload.storages.len();
        let mut in_memory = vec![false; count];
        in_memory[0] = true;
        Planner {
            workload,
            storage_ppm,
            weight_ppm,
            whole,
            sizes: Sizes { word_bits: machine.context.word_bits },
            compressed: machine.compressed(),
            capacity: Need { data: activations, mask: if machine.compressed() { masks } else { u64::MAX } },
            weight_capacity: weights,
            readers,
            resident: vec![false; count],
            in_memory,
        }
    }

    /// Storages whose last reader is before layer `index` are resident no more.
    pub(super) fn release_dead(&mut self, index: usize) {
        for (resident, readers) in self.resident.iter_mut().zip(&self.readers) {
            *resident &= readers.last().is_some_and(|last| *last >= index);
        }
    }

    /// What the plan of a layer may change.
    pub(super) fn state(&self) -> (Vec<bool>, Vec<bool>) {
        (self.resident.clone(), self.in_memory.clone())
    }

    /// Takes the plan of a layer back.
    pub(super) fn restore(&mut self, (resident, in_memory): (Vec<bool>, Vec<bool>)) {
        self.resident = resident;
        self.in_memory = in_memory;
    }

    /// Which storages are resident now.
    pub(super) fn resident(&self) -> &[bool] {
        &self.resident
    }

    /// What resident storages leave of the buffers.
    pub(super) fn free(&self) -> Need {
        let held = self.resident.iter().zip(self.whole).filter(|(r, _)| **r);
        let held = held.fold(Need::default(), |sum, (_, size)| sum.plus(*size));
        Need {
            data: self.capacity.data.saturating_sub(held.data),
            mask: self.capacity.mask.saturating_sub(held.mask),
        }
    }

    /// Decides what happens to storages before and in layer `index`.
    pub(super) fn layer(
        &mut self,
        index: usize,
        plan: LayerPlan,
        tiles: LayerTiles,
    ) -> Result<LayerSchedule, CycleError> {
        let wish = self.wish(index, &tiles);
        if wish.region.data > self.weight_capacity {
            return Err(self.infeasible(index, Holder::WeightBuffer, wish.region.data, self.weight_capacity));
        }
        let mut evictions = self.make_room(index, &wish)?;
        let promotions = self.promote(index, &wish);
        let output_resident = self.keep_output(index, &wish, &mut evictions);
        let output = self.workload.layers[index].output;
        self.resident[output] = output_resident;
        self.in_memory[output] = !output_resident;
        let out = if output_resident { 0 } else { wish.out.mask };
        let masks = self.held(&wish).mask.saturating_add(out);
        let weights_kept = wish.all.data <= self.weight_capacity
            && masks.saturating_add(wish.all.mask) <= self.capacity.mask;
        let kept = |s: &usize| self.resident[*s];
        Ok(LayerSchedule {
            plan,
            tiles,
            evictions,
            promotions,
            output_resident,
            resident_inputs: wish.read.iter().copied().filter(kept).collect(),
            dead: wish
                .read
                .iter()
                .copied()
                .filter(|s| kept(s) && self.readers[*s].last() == Some(&index))
                .collect(),
            weights_kept,
        })
    }

    fn wish(&self, index: usize, tiles: &LayerTiles) -> Wish {
        let read = LayerTiles::read(&self.workload.layers[index]);
        let mut tile = vec![Need::default(); read.len()];
        let mut out = Need::default();
        let ppm = match tiles.inner {
            1 => self.storage_ppm[tiles.output],
            _ => WHOLE_PPM,
        };
        let mut sums = tile.clone();
        for at in tiles.samples() {
            sums.fill(Need::default());
            tiles.regions(at, |region| {
                let slot = read.iter().position(|s| *s == region.storage).unwrap_or(0);
                sums[slot] = sums[slot].plus(self.size(region.words(), self.storage_ppm[region.storage]));
            });
            for (most, sum) in tile.iter_mut().zip(&sums) {
                *most = most.largest(*sum);
            }
            out = out.largest(self.size(tiles.output(at).words(), ppm));
        }
        let (mut region, mut all) = (Need::default(), Need::default());
        for channel in &tiles.channels {
            let weights = channel.weights;
            let mut size = self.size(weights.kernel_words, self.weight_ppm[index]);
            size.data = size.data.saturating_add(self.sizes.bytes(weights.channel_words, WHOLE_PPM));
            region = region.largest(size);
            all = all.plus(size);
        }
        Wish { read, tile, out, region, all }
    }

    fn size(&self, words: u64, ppm: u64) -> Need {
        let mask = if self.compressed { words.div_ceil(8) } else { 0 };
        Need { data: self.sizes.bytes(words, ppm), mask }
    }

    /// The need of the layer with the storages that are resident now; with `output` resident too, if it is given.
    fn need(&self, wish: &Wish, output: Option<usize>) -> Need {
        let masks = Need { data: 0, mask: wish.region.mask };
        self.held(wish).plus(output.map_or(wish.out, |o| self.whole[o])).plus(masks)
    }

    /// Resident storages, and what a tile has of the others that the layer reads.
    fn held(&self, wish: &Wish) -> Need {
        let held = self.resident.iter().zip(self.whole).filter(|(r, _)| **r);
        let mut need = held.fold(Need::default(), |sum, (_, size)| sum.plus(*size));
        for (storage, size) in wish.read.iter().zip(&wish.tile) {
            if !self.resident[*storage] {
                need = need.plus(*size);
            }
        }
        need
    }

    fn fits(&self, need: Need) -> bool {
        need.data <= self.capacity.data && need.mask <= self.capacity.mask
    }

    fn next_reader(&self, storage: usize, index: usize) -> usize {
        let readers = &self.readers[storage];
        readers.get(readers.partition_point(|r| *r < index)).copied().unwrap_or(usize::MAX)
    }

    fn evict(&mut self, storage: usize) -> Eviction {
        let write_back = !self.in_memory[storage];
        self.resident[storage] = false;
        self.in_memory[storage] = true;
        Eviction { storage, write_back }
    }

    fn make_room(&mut self, index: usize, wish: &Wish) -> Result<Vec<Eviction>, CycleError> {
        let mut evictions = Vec::new();
        loop {
            let need = self.need(wish, None);
            if self.fits(need) {
                return Ok(evictions);
            }
            let resident = (0..self.resident.len()).filter(|s| self.resident[*s]);
            let farthest = resident.max_by_key(|s| (!wish.read.contains(s), self.next_reader(*s, index), *s));
            match farthest {
                Some(storage) => evictions.push(self.evict(storage)),
                None if need.data > self.capacity.data => {
                    return Err(self.infeasible(
                        index,
                        Holder::ActivationBuffer,
                        need.data,
                        self.capacity.data,
                    ));
                }
                None => {
                    return Err(self.infeasible(index, Holder::MaskBuffer, need.mask, self.capacity.mask));
                }
            }
        }
    }

    fn promote(&mut self, index: usize, wish: &Wish) -> Vec<usize> {
        let mut promotions = Vec::new();
        for storage in &wish.read {
            let again = self.readers[*storage].last().is_some_and(|last| *last > index);
            if self.resident[*storage] || !again {
                continue;
            }
            self.resident[*storage] = true;
            if self.fits(self.need(wish, None)) {
                promotions.push(*storage);
            } else {
                self.resident[*storage] = false;
            }
        }
        promotions
    }

    fn keep_output(&mut self, index: usize, wish: &Wish, evictions: &mut Vec<Eviction>) -> bool {
        let output = self.workload.layers[index].output;
        let Some(first) = self.readers[output].first().copied() else { return false };
        if self.workload.outputs.contains(&output) {
            return false;
        }
        let with = self.need(wish, Some(output));
        if self.fits(with) {
            return true;
        }
        let later =
            |s: &usize| self.resident[*s] && !wish.read.contains(s) && self.next_reader(*s, index) > first;
        let mut candidates: Vec<usize> = (0..self.resident.len()).filter(later).collect();
        candidates.sort_by_key(|s| std::cmp::Reverse((self.next_reader(*s, index), *s)));
        let mut need = with;
        for (count, storage) in candidates.iter().enumerate() {
            need = need.minus(self.whole[*storage]);
            if self.fits(need) {
                for storage in &candidates[..=count] {
                    let eviction = self.evict(*storage);
                    evictions.push(eviction);
                }
                return true;
            }
        }
        false
    }

    fn infeasible(&self, index: usize, holder: Holder, needed: u64, capacity: u64) -> CycleError {
        CycleError::Infeasible(Infeasible {
            layer: reference(&self.workload.layers[index]),
            holder,
            needed_bytes: needed,
            capacity_bytes: capacity,
            at_smallest: false,
            remedies: vec![Remedy::Capacities(vec![(holder, needed)])],
        })
    }
}
