//! Tile sizes and loop orders where the user leaves them open (section 9 of the cycle model).

mod layer;
mod memory;

use super::super::error::CycleError;
use super::super::machine::Machine;
use super::super::tiles::{Sizes, WHOLE_PPM};
use super::Need;
use codebench_model::hardware::{Densities, FusedWorkload, LayerPlan, LoopOrder};
use codebench_model::{LoopPolicy, TileSize};
use layer::{Ask, Outline};
use memory::Rate;
pub(crate) use memory::peak_bytes_per_tick;

/// Most tiles that a layer is cut into for the sake of overlap.
const MOST_TILES: u64 = 64;
/// Estimated ticks that a tile costs whatever it does.
const TILE_TICKS: f64 = 1.0;
/// Ways to double the output blocks, and the spatial blocks, beyond what the buffers ask for.
const DOUBLINGS: [u32; 2] = [5, 4];

/// Finds tiles layer by layer, in the order of the plan.
pub(super) struct AutoTiler<'a> {
    machine: &'a Machine,
    workload: &'a FusedWorkload,
    densities: &'a Densities,
    storage_ppm: &'a [u64],
    weight_ppm: &'a [u64],
    sizes: Sizes,
    rate: Rate,
    /// Estimated ticks of the last tile of the layer before: what its successor's first loads can hide behind.
    tail: f64,
}

impl<'a> AutoTiler<'a> {
    pub(super) fn new(
        machine: &'a Machine,
        workload: &'a FusedWorkload,
        densities: &'a Densities,
        storage_ppm: &'a [u64],
        weight_ppm: &'a [u64],
    ) -> Result<Self, CycleError> {
        let sizes = Sizes { word_bits: machine.context.word_bits };
        let rate = Rate::measure(machine)?;
        Ok(AutoTiler { machine, workload, densities, storage_ppm, weight_ppm, sizes, rate, tail: 0.0 })
    }

    /// The plan of a layer whose input storages are resident as `resident` says, when `free` is what resident storages
    /// leave of the activation and mask buffers.
    pub(super) fn choose(
        &mut self,
        index: usize,
        resident: &[bool],
        free: Need,
    ) -> Result<LayerPlan, CycleError> {
        let outline = Outline::new(self.workload, index, self.machine)?;
        let ask = self.ask(&outline, index, resident, free);
        let base = self.shrink(&outline, &ask);
        let mut tiles = Vec::new();
        for outs in 0..=DOUBLINGS[0] {
            for spaces in 0..=DOUBLINGS[1] {
                let tile = outline.split(base, 1 << outs, 1 << spaces);
                let blocks = outline.blocks(tile);
                let many = blocks.tiles() > MOST_TILES && (outs, spaces) != (0, 0);
                if many || (outs > 0 && tile == outline.split(base, 1 << (outs - 1), 1 << spaces)) {
                    continue;
                }
                tiles.push(tile);
            }
        }
        let mut best: Option<(f64, f64, LayerPlan)> = None;
        for (tile, busy) in tiles.iter().zip(outline.busy(self.machine, &ask, &tiles)?) {
            let (time, tail, order) = self.estimate(&outline, &ask, *tile, busy);
            let time = time + TILE_TICKS * outline.blocks(*tile).tiles() as f64;
            if best.as_ref().is_none_or(|(least, ..)| time < *least) {
                best = Some((time, tail, LayerPlan { tile: *tile, order }));
            }
        }
        let (_, tail, plan) =
            best.unwrap_or((0.0, 0.0, LayerPlan { tile: base, order: LoopOrder::ActivationsOuter }));
        self.tail = tail;
        Ok(plan)
    }

    /// The plan of a layer with a tile of the user's.
    pub(super) fn nest(
        &mut self,
        index: usize,
        tile: TileSize,
        resident: &[bool],
        free: Need,
    ) -> Result<LayerPlan, CycleError> {
        let order = match self.machine.loop_order {
            LoopPolicy::ActivationsOuter => LoopOrder::ActivationsOuter,
            LoopPolicy::WeightsOuter => LoopOrder::WeightsOuter,
            LoopPolicy::Auto => {
                let outline = Outline::new(self.workload, index, self.machine)?;
                let ask = self.ask(&outline, index, resident, free);
                let clipped = outline.clipped(tile);
                let busy = outline.busy(self.machine, &ask, &[clipped])?;
                let (_, tail, order) = self.estimate(&outline, &ask, clipped, busy[0]);
                self.tail = tail;
                order
            }
        };
        Ok(LayerPlan { tile, order })
    }

    /// The next smaller tile, for a layer that does not fit with `tile`; none if there is no smaller one.
    pub(super) fn smaller(&self, index: usize, tile: TileSize) -> Result<Option<TileSize>, CycleError> {
        let outline = Outline::new(self.workload, index, self.machine)?;
        Ok(self.next_smaller(&outline, outline.clipped(tile)))
    }

    /// Cuts images first, then rows, columns, output channels, and at last input channels.
    fn next_smaller(&self, outline: &Outline<'_>, tile: TileSize) -> Option<TileSize> {
        let mut next = tile;
        let wish = outline.wish;
        if next.batch > 1 {
            next.batch = outline.smaller(next.batch, wish.batch);
        } else if next.y > 1 && outline.cuts_space {
            next.y = outline.smaller(next.y, wish.y);
        } else if next.x > 1 && outline.cuts_space {
            next.x = outline.smaller(next.x, wish.x);
        } else if next.out_channels > 1 && outline.cuts_channels {
            next.out_channels = outline.smaller_out(next.out_channels);
        } else if next.in_channels > 1 && outline.has_kernel {
            next.in_channels = outline.smaller(next.in_channels, wish.in_channels);
        } else {
            return None;
        }
        Some(next)
    }

    fn ask(&self, outline: &Outline<'_>, index: usize, resident: &[bool], free: Need) -> Ask {
        let compressed = self.machine.compressed();
        let [activations, weights, masks] = self.machine.capacities();
        let size = |words: u64, ppm: u64| Need {
            data: self.sizes.bytes(words, ppm),
            mask: if compressed { words.div_ceil(8) } else { 0 },
        };
        let mut input_ppm = 0;
        let mut loaded = Need::default();
        for storage in super::LayerTiles::read(outline.layer) {
            if !resident[storage] {
                let words = self.workload.storages[storage].shape.elements().unwrap_or(u64::MAX);
                loaded =
                    loaded.plus(size(words.saturating_mul(self.machine.batch), self.storage_ppm[storage]));
                input_ppm = input_ppm.max(self.storage_ppm[storage]);
            }
        }
        let output = outline.layer.output;
        let words = outline.output.elements().unwrap_or(u64::MAX).saturating_mul(self.machine.batch);
        let whole = size(words, self.storage_ppm[output]);
        let kept = !self.workload.outputs.contains(&output)
            && loaded.plus(whole).data <= free.data
            && (!compressed || loaded.plus(whole).mask <= free.mask);
        let mut all_weights = size(outline.kernel_words, self.weight_ppm[index]);
        all_weights.data =
            all_weights.data.saturating_add(self.sizes.bytes(outline.channel_words, WHOLE_PPM));
        let storage = outline.layer.inputs.first().and_then(|v| v.segments.first()).map_or(0, |s| s.storage);
        Ask {
            sizes: self.sizes,
            input_ppm,
            output_ppm: self.storage_ppm[output],
            weight_ppm: self.weight_ppm[index],
            loads_inputs: loaded != Need::default(),
            input_bytes: loaded.data.saturating_add(loaded.mask),
            output_bytes: if kept { 0 } else { whole.data.saturating_add(whole.mask) },
            weights: all_weights,
            activation_budget: (free.data / 2).max(activations / 4),
            weight_budget: weights / 2,
            mask_budget: if compressed { (free.mask / 4).max(masks / 8) } else { u64::MAX },
            weight_capacity: weights,
            densities: [
                self.densities.activation_ppm[storage],
                self.densities.weight_ppm[index],
                self.densities.overlap_ppm,
            ],
        }
    }

    /// The largest tile that fits: outputs are cut first where weights are too large, then images, rows, columns, and
    /// at last input channels.
    fn shrink(&self, outline: &Outline<'_>, ask: &Ask) -> TileSize {
        let mut tile = outline.whole();
        while ask.weights_of(outline, tile) && tile.out_channels > 1 {
            tile.out_channels = outline.smaller_out(tile.out_channels);
        }
        while ask.weights_of(outline, tile) && tile.in_channels > 1 {
            tile.in_channels = outline.smaller(tile.in_channels, outline.wish.in_channels);
        }
        while ask.activations_of(outline, tile) {
            match self.next_smaller(outline, tile) {
                Some(smaller) => tile = smaller,
                None => break,
            }
        }
        tile
    }

    /// Estimated ticks of the layer, ticks of its last tile, and the better loop order, where a tile keeps the main module busy for
    /// `busy` ticks.
    fn estimate(&self, outline: &Outline<'_>, ask: &Ask, tile: TileSize, busy: u64) -> (f64, f64, LoopOrder) {
        let blocks = outline.blocks(tile);
        let tiles = blocks.tiles() as f64;
        let compute = busy as f64;
        let halo = outline.halo(tile);
        let (outer, inner, space) = (blocks.outer as f64, blocks.inner as f64, blocks.space as f64);
        let kept = ask.weights.data <= ask.weight_capacity;
        let weights = ask.weights.data.saturating_add(ask.weights.mask) as f64;
        let inputs = ask.input_bytes as f64 * halo;
        let store = ask.output_bytes as f64 / tiles / self.rate.bytes_per_tick;
        // Ticks of loads of a tile in the first pass over the weights, and after it.
        let time = |passes: f64, first_tiles: f64, weights: f64, inputs: f64| {
            let per_tile = inputs / tiles + weights * (passes - 1.0) / (tiles - first_tiles).max(1.0);
            let ticks = |bytes: f64| match bytes > 0.0 {
                true => bytes / self.rate.bytes_per_tick + self.rate.latency,
                false => 0.0,
            };
            let first = ticks(inputs / tiles + weights / first_tiles) + store;
            let later = ticks(per_tile) + store;
            let exposed = (first - self.tail).max(0.0).min(first);
            exposed
                + (first_tiles - 1.0) * compute.max(first)
                + (tiles - first_tiles) * compute.max(later)
                + compute
        };
        let repeats = |again: bool, times: f64| if again { times } else { 1.0 };
        let activations_outer = time(
            repeats(!kept && outer * inner > 1.0, space),
            outer * inner,
            weights,
            inputs * repeats(inner > 1.0, outer),
        );
        let weights_outer = time(
            repeats(!kept && inner > 1.0, space),
            if inner > 1.0 && !kept { outer * inner } else { tiles },
            weights,
            inputs * repeats(space * inner > 1.0, outer),
        );
        let weights_first = match self.machine.loop_order {
            LoopPolicy::Auto => weights_outer < activations_outer,
            LoopPolicy::ActivationsOuter => false,
            LoopPolicy::WeightsOuter => true,
        };
        match weights_first {
            true => (weights_outer, compute, LoopOrder::WeightsOuter),
            false => (activations_outer, compute, LoopOrder::ActivationsOuter),
        }
    }
}
