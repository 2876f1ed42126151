//! Running the tiles of a layer.

use super::super::error::CycleError;
use super::super::plan::{LayerSchedule, Need};
use super::super::tiles::{ChannelBlock, KernelRegion, Position, Region, WHOLE_PPM};
use super::super::timeline::{Occupation, Stall, Unit};
use super::Engine;
use super::compute::Pricer;
use super::steady::Steady;
use super::tasks::{ACTIVATIONS, Cargo, MASKS, Task, WEIGHTS};
use codebench_model::hardware::{TaskKind, TaskRecord};

/// The layer whose tiles are computed next.
pub(super) struct LayerRun<'a> {
    pub(super) index: usize,
    pub(super) schedule: &'a LayerSchedule,
    pub(super) pricer: Pricer<'a>,
    /// The tile that is computed next.
    pub(super) at: Position,
    /// Its price.
    pub(super) price: usize,
    first: bool,
    /// When the loads of the next tile have ended, so far: activations, weights.
    pub(super) loaded: [u64; 2],
    /// Ticks of turnaround of the latest load.
    pub(super) turnaround: u64,
    /// When the layers that made resident storages that it reads have ended.
    pub(super) depends: u64,
    /// Regions of activations that the next tile reads from memory.
    pub(super) regions: Vec<Region>,
    /// Those of the tile after it, while that is prepared.
    coming: Vec<Region>,
    /// Space of the loaded regions of activations.
    pub(super) held: Need,
    pub(super) computes_end: u64,
    pub(super) stalls: [u64; 4],
    pub(super) steady: Option<Steady>,
}

impl<'a> Engine<'a> {
    /// Queues what comes before a layer, and prepares its first tile.
    pub(super) fn begin_layer(&mut self, index: usize) -> Result<(), CycleError> {
        let (schedule, workload) = (self.schedule, self.workload);
        let Some(layer) = schedule.layers.get(index) else {
            self.run = None;
            return Ok(());
        };
        let fused = &workload.layers[index];
        let storage = fused.inputs.first().and_then(|v| v.segments.first()).map_or(0, |s| s.storage);
        let densities = [
            self.densities.activation_ppm[storage],
            self.densities.weight_ppm[index],
            self.densities.overlap_ppm,
        ];
        let mut pricer = Pricer::new(self.machine, fused, &layer.tiles, &schedule.storage_ppm, densities)?;
        let at = Position::default();
        let price = pricer.price(&layer.tiles, at, false)?;
        self.timelines[index].main_module = pricer.main();
        let made = layer.resident_inputs.iter().map(|s| self.storages[*s].computed);
        let run = LayerRun {
            index,
            schedule: layer,
            pricer,
            at,
            price,
            first: true,
            loaded: [0; 2],
            turnaround: 0,
            depends: made.max().unwrap_or(0),
            regions: Vec::new(),
            coming: Vec::new(),
            held: Need::default(),
            computes_end: 0,
            stalls: [0; 4],
            steady: None,
        };
        let steady = self.steady(&run);
        self.run = Some(LayerRun { steady, ..run });
        self.evict(index, layer);
        let ready = if self.machine.double_buffer { 0 } else { self.last_compute_end };
        for storage in &layer.promotions {
            let whole = Region::whole(*storage, self.atlas.shapes[*storage], self.machine.batch);
            let size = schedule.sizes[*storage];
            self.load(TaskKind::Promotion, Cargo::Activations(whole), size, ready);
        }
        self.prepare(at, ready);
        Ok(())
    }

    /// Write-backs before the layer, and the release of storages that are in memory already.
    fn evict(&mut self, index: usize, layer: &LayerSchedule) {
        for eviction in &layer.evictions {
            let size = self.schedule.sizes[eviction.storage];
            if !eviction.write_back {
                self.spaces[ACTIVATIONS].release(self.computes_end, size.data);
                self.spaces[MASKS].release(self.computes_end, size.mask);
                continue;
            }
            let shape = self.atlas.shapes[eviction.storage];
            let whole = Region::whole(eviction.storage, shape, self.machine.batch);
            let kinds = [TaskKind::WriteBack, TaskKind::WriteBackMask];
            self.queue_stores(kinds, whole, index, self.computes_end, size);
        }
    }

    fn queue_stores(&mut self, kinds: [TaskKind; 2], region: Region, layer: usize, ready: u64, size: Need) {
        let count = if self.machine.compressed() { 2 } else { 1 };
        for (slot, kind) in kinds.into_iter().take(count).enumerate() {
            let frees = (slot + 1 == count).then_some((size.data, size.mask));
            let cargo = Cargo::Activations(region);
            self.stores.push_back(Task { kind, cargo, tile: self.tile, layer, ready, space: 0, frees });
        }
        self.storages[region.storage].pending += count as u64;
    }

    /// Queues a load and that of its mask.
    fn load(&mut self, kind: TaskKind, cargo: Cargo, size: Need, ready: u64) {
        let Some(run) = &self.run else { return };
        let mask = match kind {
            TaskKind::Promotion => TaskKind::PromotionMask,
            TaskKind::Load => TaskKind::LoadMask,
            _ => TaskKind::LoadWeightsMask,
        };
        let (tile, layer) = (self.tile, run.index);
        self.loads.push_back(Task { kind, cargo, tile, layer, ready, space: size.data, frees: None });
        if size.mask > 0 {
            self.loads.push_back(Task {
                kind: mask,
                cargo,
                tile,
                layer,
                ready,
                space: size.mask,
                frees: None,
            });
        }
    }

    fn size(&self, words: u64, ppm: u64) -> Need {
        let mask = if self.machine.compressed() { words.div_ceil(8) } else { 0 };
        Need { data: self.atlas.sizes.bytes(words, ppm), mask }
    }

    fn weight_size(&self, layer: usize, weights: &KernelRegion) -> Need {
        let mut size = self.size(weights.kernel_words, self.schedule.weight_ppm[layer]);
        size.data = size.data.saturating_add(self.atlas.sizes.bytes(weights.channel_words, WHOLE_PPM));
        size
    }

    /// Queues the loads of the tile at `at`, whose regions of activations are compared with those of the tile before.
    fn prepare(&mut self, at: Position, ready: u64) {
        let Some(run) = &mut self.run else { return };
        let schedule = run.schedule;
        let first = run.first;
        let before = run.at;
        run.at = at;
        run.loaded = [0; 2];
        run.turnaround = 0;
        let same = !first && run.coming == run.regions;
        if first {
            collect(schedule, at, &mut run.coming);
        }
        std::mem::swap(&mut run.regions, &mut run.coming);
        let regions = std::mem::take(&mut run.regions);
        if !same {
            let mut held = Need::default();
            for region in &regions {
                let size = self.size(region.words(), self.schedule.storage_ppm[region.storage]);
                held = held.plus(size);
                self.load(TaskKind::Load, Cargo::Activations(*region), size, ready);
            }
            if let Some(run) = &mut self.run {
                run.held = held;
            }
        }
        let channel = schedule.tiles.channel(at);
        let fresh = match schedule.weights_kept {
            true => at.n == 0 && at.y == 0 && at.x == 0,
            false => first || !same_weights(schedule.tiles.channel(before), channel),
        };
        if fresh && channel.weights.words() > 0 {
            let layer = self.run.as_ref().map_or(0, |r| r.index);
            let size = self.weight_size(layer, &channel.weights);
            self.load(TaskKind::LoadWeights, Cargo::Weights(channel.weights), size, ready);
        }
        if let Some(run) = &mut self.run {
            run.regions = regions;
        }
    }

    /// When the next compute can start; `None` if that is not known yet.
    pub(super) fn compute_ready(&mut self) -> Option<u64> {
        let run = self.run.as_ref()?;
        if !self.loads.is_empty() {
            return None;
        }
        let [activations, weights] = run.loaded;
        let ready = self.now.max(activations).max(weights).max(run.depends).max(self.pipeline_free(run));
        let need = self.output_need(run);
        let data = self.spaces[ACTIVATIONS].earliest(self.now, need.data)?;
        Some(ready.max(data).max(self.spaces[MASKS].earliest(self.now, need.mask)?))
    }

    fn pipeline_free(&self, run: &LayerRun<'_>) -> u64 {
        let last = usize::from(run.schedule.tiles.channel(run.at).last);
        run.pricer.pipelines[last].iter().map(|m| self.module_free[*m]).max().unwrap_or(0)
    }

    /// Space that the next compute takes for its output.
    fn output_need(&self, run: &LayerRun<'_>) -> Need {
        if run.schedule.output_resident {
            return if run.first { self.schedule.sizes[run.schedule.tiles.output] } else { Need::default() };
        }
        match run.schedule.tiles.channel(run.at).first {
            true => run.pricer.prices[run.price].out,
            false => Need::default(),
        }
    }

    pub(super) fn start_compute(&mut self) -> Result<(), CycleError> {
        let Some(mut run) = self.run.take() else { return Ok(()) };
        let need = self.output_need(&run);
        self.blame(&mut run, need);
        self.spaces[ACTIVATIONS].take(self.now, need.data);
        self.spaces[MASKS].take(self.now, need.mask);
        let price = &run.pricer.prices[run.price];
        let too_large = || CycleError::too_large("the number of cycles");
        let free = self.now.checked_add(price.busy).ok_or_else(too_large)?;
        let end = free.checked_add(price.fill).ok_or_else(too_large)?;
        let out = price.out;
        let channel = run.schedule.tiles.channel(run.at);
        for module in &run.pricer.pipelines[usize::from(channel.last)] {
            self.module_free[*module] = free;
        }
        run.pricer.counts[run.price] += 1;
        run.computes_end = run.computes_end.max(end);
        run.first = false;
        self.computes_end = self.computes_end.max(end);
        self.last_compute_end = end;
        self.last_compute_free = free;
        self.ends[run.index] = self.ends[run.index].max(end);
        self.note_compute(&run, free, end);
        if channel.last && !run.schedule.output_resident {
            let kinds = [TaskKind::Store, TaskKind::StoreMask];
            self.queue_stores(kinds, run.schedule.tiles.output(run.at), run.index, end, out);
        }
        self.tile += 1;
        self.advance(run, end)
    }

    /// Goes on to the next tile or layer: what the tile that ends at `end` held is given back unless the next one uses it.
    fn advance(&mut self, mut run: LayerRun<'a>, end: u64) -> Result<(), CycleError> {
        let tiles = &run.schedule.tiles;
        let next = tiles.next(run.at);
        run.coming.clear();
        if let Some(next) = next {
            collect(run.schedule, next, &mut run.coming);
        }
        if next.is_none() || run.coming != run.regions {
            self.spaces[ACTIVATIONS].release(end, run.held.data);
            self.spaces[MASKS].release(end, run.held.mask);
        }
        let channel = tiles.channel(run.at);
        let done = match (run.schedule.weights_kept, next) {
            (_, None) => true,
            (true, _) => {
                run.at.n + 1 == tiles.image_blocks()
                    && run.at.y + 1 == tiles.y.len()
                    && run.at.x + 1 == tiles.x.len()
            }
            (false, Some(next)) => !same_weights(channel, tiles.channel(next)),
        };
        if done {
            let size = self.weight_size(run.index, &channel.weights);
            self.spaces[WEIGHTS].release(end, size.data);
            self.spaces[MASKS].release(end, size.mask);
        }
        let Some(next) = next else {
            let index = run.index;
            self.finish_layer(run)?;
            return self.begin_layer(index + 1);
        };
        let before = tiles.channel(run.at);
        let same = before.weights.words() > 0 && same_weights(before, tiles.channel(next));
        run.price = run.pricer.price(tiles, next, same)?;
        let (before, repeats) = (run.at, run.steady.is_some());
        self.run = Some(run);
        let ready = if self.machine.double_buffer { 0 } else { end };
        self.prepare(next, ready);
        if repeats { self.skip(before) } else { Ok(()) }
    }

    fn finish_layer(&mut self, run: LayerRun<'_>) -> Result<(), CycleError> {
        self.storages[run.schedule.tiles.output].computed = run.computes_end;
        for storage in &run.schedule.resident_inputs {
            let state = &mut self.storages[*storage];
            state.read = state.read.max(run.computes_end);
        }
        for storage in &run.schedule.dead {
            let (time, size) = (self.storages[*storage].read, self.schedule.sizes[*storage]);
            self.spaces[ACTIVATIONS].release(time, size.data);
            self.spaces[MASKS].release(time, size.mask);
        }
        let timeline = &mut self.timelines[run.index];
        timeline.peak_bytes = [0, 1, 2].map(|buffer: usize| self.spaces[buffer].take_peak(self.now));
        timeline.stall_cycles = run.stalls;
        let sum = |sum: &mut u64, count: u64, each: u64| -> Option<()> {
            *sum = sum.checked_add(count.checked_mul(each)?)?;
            Some(())
        };
        let add = |timeline: &mut super::LayerTimeline| -> Option<()> {
            for (price, count) in run.pricer.prices.iter().zip(&run.pricer.counts) {
                sum(&mut timeline.tiles, *count, 1)?;
                sum(&mut timeline.macs, *count, price.macs)?;
                sum(&mut timeline.effective_macs, *count, price.effective_macs)?;
                sum(&mut timeline.busy_cycles, *count, price.busy)?;
                sum(&mut timeline.main_busy_cycles, *count, price.main_busy)?;
                for (bytes, each) in timeline.buffer_bytes.iter_mut().zip(price.traffic) {
                    sum(bytes, *count, each)?;
                }
                for (module, events) in &price.events {
                    for (total, each) in timeline.events[*module].iter_mut().zip(events) {
                        sum(total, *count, *each)?;
                    }
                }
            }
            Some(())
        };
        add(timeline).ok_or_else(|| CycleError::too_large(format!("the events of {}", run.pricer.name())))
    }

    /// Charges the time for which the pipeline was free, but the tile could not start, to what it waited for last.
    fn blame(&mut self, run: &mut LayerRun<'_>, need: Need) {
        let free = self.pipeline_free(run).max(self.last_compute_free);
        let gap = self.now.saturating_sub(free);
        if gap == 0 {
            return;
        }
        let [activations, weights] = run.loaded;
        let activations = activations.max(run.depends);
        let latest = activations.max(weights);
        let space = need != Need::default() && latest < self.now;
        let turnaround = if space { 0 } else { run.turnaround.min(gap) };
        let cause = match (space, weights > activations) {
            (true, _) => Stall::BufferSpace,
            (false, true) => Stall::Weights,
            (false, false) => Stall::Activations,
        };
        run.stalls[cause as usize] += gap - turnaround;
        run.stalls[Stall::Turnaround as usize] += turnaround;
    }

    fn note_compute(&mut self, run: &LayerRun<'_>, free: u64, end: u64) {
        let Some(record) = &mut self.record else { return };
        let (start, task) = (self.now, record.tasks.len());
        let (tile, layer) = (self.tile, run.index);
        record.tasks.push(TaskRecord { start, end, tile, layer, kind: TaskKind::Compute, storage: None });
        let last = usize::from(run.schedule.tiles.channel(run.at).last);
        for module in &run.pricer.pipelines[last] {
            record.occupations.push(Occupation { unit: Unit::Module(*module), start, end: free, task });
        }
    }
}

/// Regions that the tile reads from memory.
fn collect(schedule: &LayerSchedule, at: Position, regions: &mut Vec<Region>) {
    regions.clear();
    schedule.tiles.regions(at, |region| {
        if !schedule.resident_inputs.contains(&region.storage) {
            regions.push(region);
        }
    });
}

fn same_weights(a: &ChannelBlock, b: &ChannelBlock) -> bool {
    a.weights == b.weights
}
