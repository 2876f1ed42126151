//! The event-driven simulation of a schedule.
//!
//! Three queues in program order (compute, stores, loads) advance over integer time. A task's end is known when it starts,
//! so the next event is the earliest start among three heads; ties go to compute, then stores, then loads.

mod channels;
mod compute;
mod footprint;
mod layer;
mod pattern;
mod space;
mod steady;
mod tasks;
#[cfg(test)]
mod tests;
mod transfer;

use super::error::CycleError;
use super::machine::{FastMap, Machine};
use super::plan::Schedule;
use super::tiles::Sizes;
use super::timeline::{LayerTimeline, Record, Timeline};
use channels::Channels;
use codebench_model::hardware::{Densities, FusedWorkload};
use codebench_model::{MAX_EVENTS, TensorShape};
pub(crate) use compute::{module_cost, module_costs, variant_of};
use layer::LayerRun;
use space::Space;
use std::collections::VecDeque;
use tasks::{Atlas, Placement, Task};
use transfer::TransferPrice;

/// How to simulate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// Whether every task is recorded; the record of a large network is large. Tasks are followed one by one then.
    pub record: bool,
    /// Whether steady stretches are followed one by one too; the answer is the same.
    pub step_by_step: bool,
}

/// Tasks that are followed one by one before giving up.
const MOST_TASKS: u64 = 1 << 29;

/// What is known of a storage while the simulation runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct StorageState {
    /// When all computes of its producer have ended; known once all have started.
    computed: u64,
    /// Stores and write-backs of it that have not started.
    pending: u64,
    /// When those that have started have ended.
    stored: u64,
    /// When the computes that read it have ended, so far.
    read: u64,
}

/// The next event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Compute,
    Store,
    Load,
}

struct Engine<'a> {
    machine: &'a Machine,
    workload: &'a FusedWorkload,
    schedule: &'a Schedule,
    densities: &'a Densities,
    options: Options,
    atlas: Atlas<'a>,
    channels: Channels<'a>,
    now: u64,
    dma_free: u64,
    module_free: Vec<u64>,
    spaces: [Space; 3],
    storages: Vec<StorageState>,
    /// Loads of the next tile; those before have started.
    loads: VecDeque<Task>,
    stores: VecDeque<Task>,
    /// What the heads of the queues touch, once it is known.
    load_print: Option<Placement>,
    store_print: Option<Placement>,
    prices: FastMap<(u64, u64), TransferPrice>,
    /// The latest end of a compute so far.
    computes_end: u64,
    /// The end of the compute that started last.
    last_compute_end: u64,
    /// When its pipeline is free.
    last_compute_free: u64,
    /// The end of the store that started last.
    data_stored: u64,
    run: Option<LayerRun<'a>>,
    /// Number of the next tile in program order.
    tile: u64,
    timelines: Vec<LayerTimeline>,
    /// Latest end of a task of each layer.
    ends: Vec<u64>,
    /// Memory cycles of the bus, per layer and channel.
    occupied: Vec<u64>,
    stepped: u64,
    record: Option<Record>,
}

/// Follows a schedule.
pub(crate) fn run(
    machine: &Machine,
    workload: &FusedWorkload,
    schedule: &Schedule,
    densities: &Densities,
    options: Options,
) -> Result<Timeline, CycleError> {
    let shapes: Vec<TensorShape> = workload.storages.iter().map(|s| s.shape).collect();
    let mut engine = Engine::new(machine, workload, schedule, densities, &shapes, options);
    engine.check_tasks()?;
    engine.begin_layer(0)?;
    while let Some((event, time)) = engine.next_event() {
        engine.now = time;
        engine.stepped += 1;
        if engine.stepped > MOST_TASKS {
            return Err(CycleError::too_many_tasks());
        }
        if let Some(record) = &engine.record {
            super::trace::check(record)?;
        }
        match event {
            Event::Compute => engine.start_compute()?,
            Event::Store => engine.start_store()?,
            Event::Load => engine.start_load()?,
        }
    }
    engine.finish()
}

impl<'a> Engine<'a> {
    fn new(
        machine: &'a Machine,
        workload: &'a FusedWorkload,
        schedule: &'a Schedule,
        densities: &'a Densities,
        shapes: &'a [TensorShape],
        options: Options,
    ) -> Self {
        let layers = schedule.layers.len();
        let timeline = LayerTimeline {
            events: vec![[0; MAX_EVENTS]; machine.modules.len()],
            ..LayerTimeline::default()
        };
        Engine {
            machine,
            workload,
            schedule,
            densities,
            options,
            atlas: Atlas::new(
                schedule,
                shapes,
                Sizes { word_bits: machine.context.word_bits },
                &machine.memory.facts,
            ),
            channels: Channels::new(machine),
            now: 0,
            dma_free: 0,
            module_free: vec![0; machine.modules.len()],
            spaces: machine.capacities().map(Space::new),
            storages: vec![StorageState::default(); workload.storages.len()],
            loads: VecDeque::new(),
            stores: VecDeque::new(),
            load_print: None,
            store_print: None,
            prices: FastMap::default(),
            computes_end: 0,
            last_compute_end: 0,
            last_compute_free: 0,
            data_stored: 0,
            run: None,
            tile: 0,
            timelines: vec![timeline; layers],
            ends: vec![0; layers],
            occupied: vec![0; layers * machine.memory.facts.channels as usize],
            stepped: 0,
            record: options.record.then(Record::default),
        }
    }

    /// Refuses at once what would be given up after minutes: where there are so many tiles, those that are followed at least are counted.
    fn check_tasks(&self) -> Result<(), CycleError> {
        let sum =
            |of: &dyn Fn(usize) -> u64| (0..self.schedule.layers.len()).map(of).fold(0, u64::saturating_add);
        let tiles = sum(&|index| self.schedule.layers[index].tiles.count());
        if tiles > MOST_TASKS && sum(&|index| self.least_followed(index)) > MOST_TASKS {
            return Err(CycleError::too_many_tasks());
        }
        Ok(())
    }

    /// The earliest start among the heads of the queues; `None` if nothing can start any more.
    fn next_event(&mut self) -> Option<(Event, u64)> {
        let compute = self.compute_ready().map(|time| (time, Event::Compute));
        let store = self.store_ready().map(|time| (time, Event::Store));
        let load = self.load_ready().map(|time| (time, Event::Load));
        [compute, store, load].into_iter().flatten().min().map(|(time, event)| (event, time))
    }

    fn finish(mut self) -> Result<Timeline, CycleError> {
        if self.run.is_some() || !self.loads.is_empty() || !self.stores.is_empty() {
            return Err(CycleError::Deadlock { cycle: self.now, waiting: self.waiting() });
        }
        let every = self.machine.memory.facts.refresh_every_mem_cycles;
        let channels = self.channels.channels.len();
        let (mut latest, mut refreshes) = (0, 0);
        let mut occupied = vec![0_u64; channels];
        for (index, layer) in self.timelines.iter_mut().enumerate() {
            layer.cycles = self.ends[index].saturating_sub(latest);
            latest = latest.max(self.ends[index]);
            for (sum, bus) in occupied.iter_mut().zip(&self.occupied[index * channels..]) {
                *sum = sum
                    .checked_add(*bus)
                    .ok_or_else(|| CycleError::too_large("the time of the memory's bus"))?;
            }
            if every > 0 {
                let so_far = occupied.iter().map(|sum| sum / every).sum::<u64>();
                layer.refreshes = so_far - refreshes;
                refreshes = so_far;
            }
        }
        Ok(Timeline {
            layers: self.timelines,
            main_layers: self.workload.layers.iter().map(|layer| layer.layer).collect(),
            total_cycles: latest,
            stepped_tasks: self.stepped,
            record: self.record,
        })
    }

    /// Which tasks wait for what.
    fn waiting(&self) -> String {
        let mut waiting = Vec::new();
        if let Some(run) = &self.run {
            waiting.push(match self.loads.front() {
                Some(load) => format!(
                    "tile {} of {} waits for its {:?}, which needs {} bytes of the {}",
                    self.tile,
                    run.pricer.name(),
                    load.kind,
                    load.space,
                    ["activation buffer", "weight buffer", "mask buffer"][load.buffer()],
                ),
                None => format!("tile {} of {} waits for space for its output", self.tile, run.pricer.name()),
            });
        }
        if let Some(store) = self.stores.front() {
            waiting.push(format!("{:?} of tile {} waits", store.kind, store.tile));
        }
        let used: Vec<String> = self.spaces.iter().map(|s| s.used().to_string()).collect();
        waiting.push(format!("in use: {} bytes of activation, weight and mask buffer", used.join(", ")));
        waiting.join("; ")
    }
}
