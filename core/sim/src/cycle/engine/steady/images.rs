//! What moves with the images of a layer: the pages of its activations.

use super::super::super::tiles::{LayerTiles, WHOLE_PPM};
use super::super::Engine;
use super::super::channels::NONE;
use super::super::layer::LayerRun;
use super::super::pattern::greatest_divisor;
use super::super::tasks::{Cargo, Task};

/// Blocks of images below which nothing is worth remembering.
const FEWEST_BLOCKS: u64 = 4;
/// A page that no block up to the horizon visits: it conflicts with whatever comes to its bank.
const DEAD: u64 = u64::MAX - 1;

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

/// Activations of a layer that move with its blocks of images.
pub(super) struct Images {
    moving: Vec<Moving>,
    /// Pages of the layer's weights and their mask.
    weights: [(u64, u64); 2],
    /// Blocks after which all moving objects are back on the same banks.
    pub(super) period: u64,
}

/// Where a state's blocks of images begin, as far as pages are concerned.
pub(super) struct Pages<'s> {
    images: &'s Images,
    block: u64,
    tile_images: u64,
    first_image: u64,
    /// By moving object: the first image that is still to be moved.
    pending: Vec<u64>,
    /// The first block that may find a page open which was left there before the pass.
    pub(super) horizon: u64,
}

impl Images {
    /// Of a layer, and the last block that is as large as the first; `None` if its blocks are few or do not repeat.
    pub(super) fn of(engine: &Engine<'_>, run: &LayerRun<'_>) -> Option<(Images, u64)> {
        let tiles = &run.schedule.tiles;
        let facts = &engine.machine.memory.facts;
        let aligned = facts.row_bytes.is_multiple_of(facts.interleave_bytes);
        let blocks = tiles.image_blocks();
        if blocks < FEWEST_BLOCKS || !aligned {
            return None;
        }
        let stripe = facts.row_bytes * facts.channels;
        let banks = facts.ranks * facts.banks_per_rank;
        let mut moving = Vec::new();
        let read = LayerTiles::read(&engine.workload.layers[run.index]);
        let loaded = read.into_iter().filter(|s| !run.schedule.resident_inputs.contains(s));
        let stored = (!run.schedule.output_resident).then_some(tiles.output);
        for storage in loaded.chain(stored) {
            let placed = engine.schedule.addresses.storages[storage];
            let (first, each) = (placed.base / stripe, placed.stride / stripe);
            let shift = each * tiles.tile_images;
            moving.push(Moving { storage, first, last: first + each * tiles.images, shift, each });
        }
        let (placed, layout) = (engine.schedule.addresses.weights[run.index], tiles.weights);
        let pages = |base: u64, bytes: u64| (base / stripe, (base + bytes).div_ceil(stripe));
        let weights = [
            pages(placed.base, engine.atlas.sizes.bytes(layout.words, WHOLE_PPM)),
            pages(placed.mask_base, layout.kernel_words.div_ceil(8)),
        ];
        let period =
            moving.iter().fold(1, |period, m| least_common(period, banks / greatest_divisor(m.shift, banks)));
        let full = tiles.images.is_multiple_of(tiles.tile_images);
        let last_full = if full { blocks - 1 } else { blocks - 2 };
        Some((Images { moving, weights, period }, last_full))
    }

    /// How pages are written down at the start of block `block`, with the stores that wait.
    pub(super) fn pages<'s>(&'s self, tiles: &LayerTiles, block: u64, stores: &[&Task]) -> Pages<'s> {
        let first_image = tiles.images(block).start;
        let pending = self.moving.iter().map(|object| {
            let of_object = |task: &&Task| match task.cargo {
                Cargo::Activations(region) if region.storage == object.storage => Some(region.images.start),
                _ => None,
            };
            stores.iter().filter_map(of_object).fold(first_image, u64::min)
        });
        Pages {
            images: self,
            block,
            tile_images: tiles.tile_images,
            first_image,
            pending: pending.collect(),
            horizon: u64::MAX,
        }
    }

    /// Where a page lies after `blocks` more, if it belongs to what moves.
    pub(super) fn moved(&self, page: u64, blocks: u64) -> Option<u64> {
        self.moving_at(page).map(|(_, moving)| page + blocks * moving.shift)
    }

    /// The moving object that a page belongs to.
    fn moving_at(&self, page: u64) -> Option<(usize, &Moving)> {
        self.moving.iter().enumerate().find(|(_, m)| (m.first..m.last).contains(&page))
    }
}

impl Pages<'_> {
    /// An open page relative to the block of images, as far as anything to come depends on it.
    pub(super) fn encode(&mut self, page: u64) -> u64 {
        if page == NONE {
            return NONE;
        }
        let Some((index, moving)) = self.images.moving_at(page) else {
            let own = self.images.weights.iter().any(|(first, last)| (*first..*last).contains(&page));
            return if own { page } else { DEAD };
        };
        let image = (page - moving.first) / moving.each;
        if image >= self.first_image {
            self.horizon = self.horizon.min(image / self.tile_images);
            return DEAD;
        }
        if image < self.pending[index] {
            return DEAD;
        }
        // Distinct from a page that stands still, whatever the numbers.
        (page.wrapping_sub(self.block.wrapping_mul(moving.shift))) ^ ((index as u64 + 1) << 56)
    }
}

fn least_common(a: u64, b: u64) -> u64 {
    (a / greatest_divisor(a, b)).saturating_mul(b).max(1)
}
