//! Steady stretches in closed form.
//!
//! Blocks of tiles repeat: of images, rows, columns, output channels or input channels. At the start of a block the engine's
//! whole state is written down relative to the clock and, where activations move with the images, to the images (free times,
//! queues, space, open rows). When a state returns, what follows repeats with that period, and whole periods are skipped:
//! times move on by the period, counts by what the period counted. The answer equals the one that is followed step by step.

mod images;
mod loops;

use super::super::error::CycleError;
use super::super::machine::FastHasher;
use super::super::tiles::{KernelRegion, LayerTiles, Position, Region};
use super::Engine;
use super::channels::NONE;
use super::layer::LayerRun;
use super::tasks::{Cargo, Task, region_code};
use images::Images;
use loops::{Loop, Stretch};

/// A state at the start of a block.
struct State {
    block: u64,
    /// What follows up to this block does not depend on pages that were open before the pass.
    horizon: u64,
    now: u64,
    tile: u64,
    hash: u64,
    code: Vec<u64>,
    counts: Vec<u64>,
    /// Open pages of all banks.
    open: Vec<u64>,
}

/// What a layer remembers of its blocks.
pub(super) struct Steady {
    stretches: Vec<Stretch>,
}

impl<'a> Engine<'a> {
    /// What to remember of a layer; nothing if its blocks are few or do not repeat.
    pub(super) fn steady(&self, run: &LayerRun<'a>) -> Option<Steady> {
        if self.options.step_by_step || self.record.is_some() {
            return None;
        }
        let mut stretches = self.fixed(run.index);
        if let Some((images, last)) = Images::of(self, run) {
            stretches.push(Stretch::of_images(images, &run.schedule.tiles, last));
        }
        (!stretches.is_empty()).then_some(Steady { stretches })
    }

    /// Tiles of a layer that are followed one by one whatever repeats: all, unless blocks of images or tiles on chip may be skipped.
    pub(super) fn least_followed(&self, index: usize) -> u64 {
        let schedule = &self.schedule.layers[index];
        let tiles = &schedule.tiles;
        if self.options.step_by_step || self.record.is_some() {
            return tiles.count();
        }
        let images = tiles.image_blocks().max(1);
        match self.fixed(index).is_empty() {
            true => tiles.count() / images * images.min(2),
            false => 0,
        }
    }

    /// The loops of a layer whose blocks repeat on chip.
    fn fixed(&self, index: usize) -> Vec<Stretch> {
        let schedule = &self.schedule.layers[index];
        let read = LayerTiles::read(&self.workload.layers[index]);
        let inputs_resident = read.iter().all(|storage| schedule.resident_inputs.contains(storage));
        Stretch::fixed(&schedule.tiles, inputs_resident, schedule.output_resident, schedule.weights_kept)
    }

    /// Called at the start of the tile after `before`: skips ahead if a block begins whose state has been before.
    pub(super) fn skip(&mut self, before: Position) -> Result<(), CycleError> {
        let Some(mut run) = self.run.take() else { return Ok(()) };
        let mut steady = run.steady.take();
        let tiles = &run.schedule.tiles;
        let outcome = match (&mut steady, Loop::between(tiles, before, run.at)) {
            (Some(steady), Some(which)) => {
                let found = steady.stretches.iter_mut().find(|stretch| stretch.which == which);
                match found.and_then(|stretch| stretch.until(tiles, run.at).map(|last| (stretch, last))) {
                    Some((stretch, last)) => self.look(&mut run, stretch, last),
                    None => Some(()),
                }
            }
            _ => Some(()),
        };
        run.steady = steady;
        self.run = Some(run);
        outcome.ok_or_else(|| CycleError::too_large("the number of cycles"))
    }

    /// Skips to `last` at most if the state at this block has been before, else remembers it; `None` if numbers leave 64 bits.
    fn look(&mut self, run: &mut LayerRun<'a>, stretch: &mut Stretch, last: u64) -> Option<()> {
        let block = stretch.which.block(run.at);
        let (code, horizon) = self.encode(run, stretch);
        let hash = FastHasher::of(&code);
        let period = stretch.images.as_ref().map_or(1, |images| images.period);
        let same = |state: &&State| {
            state.horizon >= block
                && (block - state.block).is_multiple_of(period)
                && state.hash == hash
                && state.code == code
        };
        if let Some(state) = stretch.states.iter().rev().find(same) {
            let end = last.min(horizon);
            let times = end.saturating_sub(block) / (block - state.block);
            if times > 0 {
                self.leap(run, stretch, state, times)?;
            }
            stretch.skip();
        } else if stretch.states.len() < stretch.which.most_states() {
            let counts = self.counts(run).iter().map(|count| **count).collect();
            let open = self.channels.channels.iter().flat_map(|c| c.open.iter().copied()).collect();
            let (now, tile) = (self.now, self.tile);
            stretch.states.push(State { block, horizon, now, tile, hash, code, counts, open });
        }
        Some(())
    }

    /// Everything that decides what happens next, relative to the clock and to the block; and the first block that
    /// may find a page open which was left there before the pass.
    fn encode(&mut self, run: &LayerRun<'a>, stretch: &Stretch) -> (Vec<u64>, u64) {
        let now = self.now;
        let ahead = |time: u64| time.saturating_sub(now);
        let banks: usize = self.channels.channels.iter().map(|channel| channel.open.len() + 2).sum();
        let mut code = Vec::with_capacity(256 + banks);
        code.extend([self.dma_free, self.computes_end, self.last_compute_end].map(ahead));
        code.extend([self.last_compute_free, self.data_stored, run.depends, run.computes_end].map(ahead));
        code.push(ahead(self.ends[run.index]));
        code.extend(self.module_free.iter().map(|time| ahead(*time)));
        for space in &mut self.spaces {
            space.encode(now, &mut code);
        }
        for (index, state) in self.storages.iter().enumerate() {
            let times = [ahead(state.computed), ahead(state.stored), state.pending];
            if times != [0; 3] {
                code.push(index as u64);
                code.extend(times);
            }
        }
        code.extend([NONE, run.held.data, run.held.mask, run.price as u64]);
        let first_image = run.schedule.tiles.images(run.at.n).start;
        for task in self.loads.iter().chain(&self.stores) {
            code.extend([task.kind as u64, self.tile.wrapping_sub(task.tile), ahead(task.ready), task.space]);
            match task.cargo {
                Cargo::Activations(region) if task.layer == run.index => {
                    code.extend([region.storage as u64, region.images.start.wrapping_sub(first_image)]);
                    code.extend(region_code(&region));
                }
                Cargo::Activations(_) => {}
                Cargo::Weights(KernelRegion { outputs, inputs, .. }) => {
                    code.extend([outputs.start, outputs.end, inputs.start, inputs.end]);
                }
            }
        }
        code.push(NONE);
        let stores: Vec<&Task> = self.stores.iter().collect();
        let mut pages = stretch.images.as_ref().map(|i| i.pages(&run.schedule.tiles, run.at.n, &stores));
        for channel in &self.channels.channels {
            code.extend([ahead(channel.free), channel.direction]);
            code.extend(channel.open.iter().map(|page| pages.as_mut().map_or(*page, |p| p.encode(*page))));
        }
        (code, pages.map_or(u64::MAX, |pages| pages.horizon))
    }

    /// Everything that only counts.
    fn counts<'b>(&'b mut self, run: &'b mut LayerRun<'a>) -> Vec<&'b mut u64> {
        let timeline = &mut self.timelines[run.index];
        let channels = self.channels.channels.len();
        let moved = &mut timeline.memory_bytes;
        let mut counts: Vec<&mut u64> = timeline.events.iter_mut().flatten().collect();
        counts.extend(&mut timeline.memory_events);
        counts.extend(&mut timeline.buffer_bytes);
        counts.extend([
            &mut moved.activations_read,
            &mut moved.weights_read,
            &mut moved.masks_read,
            &mut moved.activations_written,
            &mut moved.masks_written,
        ]);
        counts.extend(&mut self.occupied[run.index * channels..][..channels]);
        counts.extend(&mut run.stalls);
        // New sizes of tiles come last: they were zero before.
        counts.extend(&mut run.pricer.counts);
        counts
    }

    /// Moves on by `times` periods from `state` to now; `None` if numbers leave 64 bits.
    fn leap(&mut self, run: &mut LayerRun<'a>, stretch: &Stretch, state: &State, times: u64) -> Option<()> {
        let now = self.now;
        let ticks = (now - state.now).checked_mul(times)?;
        let blocks = (stretch.which.block(run.at) - state.block) * times;
        let tiles = (self.tile - state.tile).checked_mul(times)?;
        for (index, count) in self.counts(run).into_iter().enumerate() {
            let before = state.counts.get(index).copied().unwrap_or(0);
            *count = count.checked_add((*count - before).checked_mul(times)?)?;
        }
        self.now = now.checked_add(ticks)?;
        let later = |time: &mut u64| -> Option<()> {
            if *time > now {
                *time = time.checked_add(ticks)?;
            }
            Some(())
        };
        for time in [&mut self.dma_free, &mut self.computes_end, &mut self.last_compute_end] {
            later(time)?;
        }
        for time in [&mut self.last_compute_free, &mut self.data_stored, &mut self.ends[run.index]] {
            later(time)?;
        }
        later(&mut run.computes_end)?;
        self.module_free.iter_mut().try_for_each(later)?;
        for space in &mut self.spaces {
            space.shift(ticks)?;
        }
        for storage in &mut self.storages {
            later(&mut storage.computed)?;
            later(&mut storage.stored)?;
        }
        let images = stretch.images.as_ref().map_or(0, |_| blocks * run.schedule.tiles.tile_images);
        for task in self.loads.iter_mut().chain(&mut self.stores) {
            later(&mut task.ready)?;
            move_task(task, run.index, images, tiles);
        }
        let mut before = state.open.iter();
        for channel in &mut self.channels.channels {
            later(&mut channel.free)?;
            for page in &mut channel.open {
                // What a period does not touch stays.
                let touched = before.next().is_none_or(|before| before != page);
                let moved = stretch.images.as_ref().and_then(|images| images.moved(*page, blocks));
                if let Some(moved) = moved.filter(|_| touched) {
                    *page = moved;
                }
            }
        }
        self.tile += tiles;
        stretch.which.advance(&mut run.at, blocks);
        run.regions.iter_mut().for_each(|region| move_region(region, images));
        self.load_print = None;
        self.store_print = None;
        Some(())
    }
}

fn move_task(task: &mut Task, layer: usize, images: u64, tiles: u64) {
    task.tile += tiles;
    if let (Cargo::Activations(region), true) = (&mut task.cargo, task.layer == layer) {
        move_region(region, images);
    }
}

fn move_region(region: &mut Region, images: u64) {
    region.images.start += images;
    region.images.end += images;
}
