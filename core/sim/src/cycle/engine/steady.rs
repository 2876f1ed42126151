//! Steady stretches in closed form.
//!
//! Blocks of images repeat: the tiles of one block are those of the block before, on the next images. At the start of each
//! block the engine's whole state is written down relative to the clock and to the images (free times, queues, space, open
//! rows). When a state returns, what follows repeats with that period, and whole periods are skipped: times move on by the
//! period, counts by what the period counted. The answer equals the one that is followed step by step.

use super::super::error::CycleError;
use super::super::machine::FastHasher;
use super::super::tiles::{Region, WHOLE_PPM};
use super::Engine;
use super::channels::NONE;
use super::layer::LayerRun;
use super::pattern::greatest_divisor;
use super::tasks::{Cargo, Task, region_code};

/// States that are remembered at most.
const MOST_STATES: usize = 300;
/// Blocks of images below which nothing is worth remembering.
const FEWEST_BLOCKS: u64 = 4;

/// An object in memory whose accessed part moves from block to block.
#[derive(Debug, Clone, Copy)]
struct Moving {
    storage: usize,
    /// Pages of a channel.
    first: u64,
    last: u64,
    /// Pages per block of images.
    shift: u64,
    /// Pages per image.
    each: u64,
}

/// A page that no block up to the horizon visits: it conflicts with whatever comes to its bank.
const DEAD: u64 = u64::MAX - 1;

/// A state at the start of a block of images.
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

/// What a layer remembers of its blocks of images.
pub(super) struct Steady {
    moving: Vec<Moving>,
    /// Pages of the layer's weights and their mask.
    weights: [(u64, u64); 2],
    /// Blocks after which all moving objects are back on the same banks.
    period: u64,
    /// The last block that is as large as the first.
    last_full: u64,
    states: Vec<State>,
    outer: u64,
}

impl<'a> Engine<'a> {
    /// What to remember of a layer; nothing if its blocks are few or do not repeat.
    pub(super) fn steady(&self, run: &LayerRun<'a>) -> Option<Steady> {
        let tiles = &run.schedule.tiles;
        let facts = &self.machine.memory.facts;
        let aligned = facts.row_bytes.is_multiple_of(facts.interleave_bytes);
        let blocks = tiles.image_blocks();
        if self.options.step_by_step || self.record.is_some() || blocks < FEWEST_BLOCKS || !aligned {
            return None;
        }
        let stripe = facts.row_bytes * facts.channels;
        let banks = facts.ranks * facts.banks_per_rank;
        let mut moving = Vec::new();
        let read = super::super::tiles::LayerTiles::read(&self.workload.layers[run.index]);
        let loaded = read.into_iter().filter(|s| !run.schedule.resident_inputs.contains(s));
        let stored = (!run.schedule.output_resident).then_some(tiles.output);
        for storage in loaded.chain(stored) {
            let placed = self.schedule.addresses.storages[storage];
            let (first, each) = (placed.base / stripe, placed.stride / stripe);
            let shift = each * tiles.tile_images;
            moving.push(Moving { storage, first, last: first + each * tiles.images, shift, each });
        }
        let (placed, layout) = (self.schedule.addresses.weights[run.index], tiles.weights);
        let pages = |base: u64, bytes: u64| (base / stripe, (base + bytes).div_ceil(stripe));
        let weights = [
            pages(placed.base, self.atlas.sizes.bytes(layout.words, WHOLE_PPM)),
            pages(placed.mask_base, layout.kernel_words.div_ceil(8)),
        ];
        let period =
            moving.iter().fold(1, |period, m| least_common(period, banks / greatest_divisor(m.shift, banks)));
        let full = tiles.images.is_multiple_of(tiles.tile_images);
        let last_full = if full { blocks - 1 } else { blocks - 2 };
        Some(Steady { moving, weights, period, last_full, states: Vec::new(), outer: 0 })
    }

    /// Called at the start of every block of images but the first: skips ahead if this state has been before.
    pub(super) fn skip(&mut self) -> Result<(), CycleError> {
        let Some(mut run) = self.run.take() else { return Ok(()) };
        let Some(mut steady) = run.steady.take() else {
            self.run = Some(run);
            return Ok(());
        };
        if steady.outer != run.at.outer {
            steady.outer = run.at.outer;
            steady.states.clear();
        }
        let block = run.at.n;
        if block < steady.last_full {
            let (code, horizon) = self.encode(&run, &steady);
            let hash = FastHasher::of(&code);
            let same = |state: &&State| {
                state.horizon >= block
                    && (block - state.block).is_multiple_of(steady.period)
                    && state.hash == hash
                    && state.code == code
            };
            if let Some(state) = steady.states.iter().rev().find(same) {
                let end = steady.last_full.min(horizon);
                let times = end.saturating_sub(block) / (block - state.block);
                if times > 0 {
                    self.leap(&mut run, &steady, state, times)
                        .ok_or_else(|| CycleError::too_large("the number of cycles"))?;
                }
                steady.states.clear();
            } else if steady.states.len() < MOST_STATES {
                let counts = self.counts(&mut run).iter().map(|count| **count).collect();
                let open = self.channels.channels.iter().flat_map(|c| c.open.iter().copied()).collect();
                steady.states.push(State {
                    block,
                    horizon,
                    now: self.now,
                    tile: self.tile,
                    hash,
                    code,
                    counts,
                    open,
                });
            }
        }
        run.steady = Some(steady);
        self.run = Some(run);
        Ok(())
    }

    /// Everything that decides what happens next, relative to the clock and to the block of images; and the first block that
    /// may find a page open which was left there before the pass.
    fn encode(&mut self, run: &LayerRun<'a>, steady: &Steady) -> (Vec<u64>, u64) {
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
        code.extend([NONE, run.held.data, run.held.mask]);
        let first_image = run.schedule.tiles.images(run.at.n).start;
        for task in self.loads.iter().chain(&self.stores) {
            code.extend([task.kind as u64, self.tile.wrapping_sub(task.tile), ahead(task.ready), task.space]);
            if let (Cargo::Activations(region), true) = (task.cargo, task.layer == run.index) {
                code.extend([region.storage as u64, region.images.start.wrapping_sub(first_image)]);
                code.extend(region_code(&region));
            }
        }
        code.push(NONE);
        let mut horizon = u64::MAX;
        let pending: Vec<u64> = steady.moving.iter().map(|m| self.pending(m, first_image)).collect();
        for channel in &self.channels.channels {
            code.extend([ahead(channel.free), channel.direction]);
            code.extend(channel.open.iter().map(|page| {
                if *page == NONE {
                    return NONE;
                }
                let Some((index, moving)) = steady.moving_at(*page) else {
                    let own = steady.weights.iter().any(|(first, last)| (*first..*last).contains(page));
                    return if own { *page } else { DEAD };
                };
                let image = (page - moving.first) / moving.each;
                if image >= first_image {
                    horizon = horizon.min(image / run.schedule.tiles.tile_images);
                    return DEAD;
                }
                if image < pending[index] {
                    return DEAD;
                }
                // Distinct from a page that stands still, whatever the numbers.
                (page.wrapping_sub(run.at.n.wrapping_mul(moving.shift))) ^ ((index as u64 + 1) << 56)
            }));
        }
        (code, horizon)
    }

    /// The first image of an object that is still to be moved: the next tile's, or that of a store that waits.
    fn pending(&self, object: &Moving, next: u64) -> u64 {
        let of_object = |task: &Task| match task.cargo {
            Cargo::Activations(region) if region.storage == object.storage => Some(region.images.start),
            _ => None,
        };
        self.stores.iter().filter_map(of_object).fold(next, u64::min)
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
    fn leap(&mut self, run: &mut LayerRun<'a>, steady: &Steady, state: &State, times: u64) -> Option<()> {
        let now = self.now;
        let ticks = (now - state.now).checked_mul(times)?;
        let blocks = (run.at.n - state.block) * times;
        let tiles = (self.tile - state.tile).checked_mul(times)?;
        let images = blocks * run.schedule.tiles.tile_images;
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
                if let Some((_, moving)) = steady.moving_at(*page).filter(|_| touched) {
                    *page += blocks * moving.shift;
                }
            }
        }
        self.tile += tiles;
        run.at.n += blocks;
        run.regions.iter_mut().for_each(|region| move_region(region, images));
        self.load_print = None;
        self.store_print = None;
        Some(())
    }
}

impl Steady {
    /// The moving object that a page belongs to.
    fn moving_at(&self, page: u64) -> Option<(usize, &Moving)> {
        self.moving.iter().enumerate().find(|(_, m)| (m.first..m.last).contains(&page))
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

fn least_common(a: u64, b: u64) -> u64 {
    (a / greatest_divisor(a, b)).saturating_mul(b).max(1)
}
