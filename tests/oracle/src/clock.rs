//! Sections 6 and 8 of the cycle model: every tick, what ends, then what starts.

use crate::coverage::Coverage;
use crate::geometry::Tile;
use crate::modules::{Assigned, stages};
use crate::outcome::{Failure, LayerTotals, Outcome, TaskKind, TaskRecord};
use crate::residency::{LayerResidency, capacities, weight_capacity};
use crate::tasks::{Claim, Task, Transfer};
use crate::transfer::{Channels, Share, shares};
use crate::{Deviation, Model};
use codebench_model::{MAX_EVENTS, Role, TileCost, TileWork};
use std::collections::BTreeMap;

/// Why a task cannot start yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Blocked {
    Tasks,
    Hardware,
    Space,
}

struct Clock<'a> {
    model: &'a Model<'a>,
    assigned: &'a [Assigned],
    tiles: &'a [Tile],
    tasks: Vec<Task>,
    shares: Vec<BTreeMap<u64, Share>>,
    start: Vec<Option<u64>>,
    end: Vec<Option<u64>>,
    ended: Vec<bool>,
    /// Computes, stores and write-backs, loads and promotions: tasks not yet started, the head last.
    queues: [Vec<usize>; 3],
    running: Vec<usize>,
    held: Vec<Claim>,
    module_free: Vec<u64>,
    channels: Channels,
    /// Occupied memory cycles per layer and channel.
    bus: Vec<Vec<u64>>,
    layers: Vec<LayerTotals>,
    coverage: Coverage,
    tick: u64,
}

/// Runs the tasks to their ends.
pub(crate) fn run(
    model: &Model<'_>,
    assigned: &[Assigned],
    tiles: &[Tile],
    plan: &[LayerResidency],
    tasks: Vec<Task>,
) -> Result<Outcome, Failure> {
    let queue = |kinds: &[TaskKind]| {
        let own = (0..tasks.len()).rev().filter(|&t| kinds.contains(&tasks[t].kind));
        own.collect::<Vec<usize>>()
    };
    let queues = [
        queue(&[TaskKind::Compute]),
        queue(&[TaskKind::Store, TaskKind::WriteBack]),
        queue(&[TaskKind::Load, TaskKind::Promotion]),
    ];
    let layers = model.problem.fused.layers.len();
    let empty =
        LayerTotals { module_events: vec![[0; MAX_EVENTS]; model.facts.len()], ..LayerTotals::default() };
    let mut clock = Clock {
        model,
        assigned,
        tiles,
        shares: tasks.iter().map(|t| shares(model, t.transfer.as_ref().map_or(&[], |t| &t.runs))).collect(),
        start: vec![None; tasks.len()],
        end: vec![None; tasks.len()],
        ended: vec![false; tasks.len()],
        queues,
        running: Vec::new(),
        held: Vec::new(),
        module_free: vec![0; model.facts.len()],
        channels: Channels::new(model),
        bus: vec![vec![0; model.memory.channels as usize]; layers],
        layers: vec![empty; layers],
        coverage: Coverage::of(model, assigned, tiles, plan),
        tick: 0,
        tasks,
    };
    clock.advance()?;
    Ok(clock.outcome())
}

impl Clock<'_> {
    fn advance(&mut self) -> Result<(), Failure> {
        loop {
            self.end_tasks();
            while self.start_one()? {}
            if self.ended.iter().all(|&ended| ended) {
                return Ok(());
            }
            let idle = self.module_free.iter().all(|&free| free <= self.tick);
            if self.running.is_empty() && idle && self.channels.all_free(self.tick) {
                return Err(self.deadlock());
            }
            self.tick += 1;
        }
    }

    fn deadlock(&self) -> Failure {
        let heads = self.queues.iter().filter_map(|queue| queue.last());
        let describe = |&task: &usize| {
            let Task { kind, layer, tile, index, .. } = &self.tasks[task];
            format!("{kind:?} {index} of tile {tile} in layer {layer}")
        };
        let waiting = heads.map(describe).collect::<Vec<_>>().join("; ");
        Failure::Deadlock { tick: self.tick, waiting }
    }

    fn end_tasks(&mut self) {
        let now = Some(self.tick);
        let (done, running): (Vec<usize>, Vec<usize>) =
            self.running.iter().partition(|&&task| self.end[task] == now);
        self.running = running;
        if done.is_empty() {
            return;
        }
        done.iter().for_each(|&task| self.ended[task] = true);
        let ended = &self.ended;
        for claim in &mut self.held {
            claim.released_by.retain(|&task| !ended[task]);
        }
        self.held.retain(|claim| !claim.released_by.is_empty());
    }

    fn start_one(&mut self) -> Result<bool, Failure> {
        let order = if self.model.deviates(Deviation::LoadsBeforeStores) { [0, 2, 1] } else { [0, 1, 2] };
        for queue in order {
            let Some(&task) = self.queues[queue].last() else { continue };
            match self.blocked(task) {
                None => {
                    self.queues[queue].pop();
                    self.begin(task)?;
                    return Ok(true);
                }
                Some(Blocked::Space) => self.coverage.full_buffer = true,
                Some(Blocked::Tasks | Blocked::Hardware) => {}
            }
        }
        Ok(false)
    }

    fn blocked(&mut self, task: usize) -> Option<Blocked> {
        let (ended, start) = (&self.ended, &self.start);
        let waiting = &mut self.tasks[task];
        waiting.after_end_of.retain(|&other| !ended[other]);
        waiting.after_start_of.retain(|&other| start[other].is_none());
        if !waiting.after_end_of.is_empty() || !waiting.after_start_of.is_empty() {
            return Some(Blocked::Tasks);
        }
        if !self.hardware_is_free(task) {
            return Some(Blocked::Hardware);
        }
        let fits = |claim: &Claim| self.used(claim.buffer) + claim.bytes <= self.capacity(claim.buffer);
        let fits = self.tasks[task].claims.iter().all(fits) || self.model.deviates(Deviation::SpaceIgnored);
        (!fits).then_some(Blocked::Space)
    }

    fn used(&self, buffer: Role) -> u64 {
        self.held.iter().filter(|claim| claim.buffer == buffer).map(|claim| claim.bytes).sum()
    }

    fn capacity(&self, buffer: Role) -> u64 {
        match buffer {
            Role::ActivationBuffer => capacities(self.model).0,
            Role::MaskBuffer => capacities(self.model).1,
            _ => weight_capacity(self.model),
        }
    }

    fn hardware_is_free(&self, task: usize) -> bool {
        let free = |module: usize| self.module_free[module] <= self.tick;
        if self.tasks[task].transfer.is_some() {
            return self.model.of_role(Role::Dma).all(free)
                && self.channels.are_free(&self.shares[task], self.tick);
        }
        let tile = &self.tiles[self.tasks[task].tile];
        stages(self.model, &self.assigned[tile.layer], tile).into_iter().all(|(module, _)| free(module))
    }

    fn begin(&mut self, task: usize) -> Result<(), Failure> {
        let end = match self.tasks[task].transfer.clone() {
            Some(transfer) => self.move_bytes(task, &transfer)?,
            None => self.compute(task)?,
        };
        self.start[task] = Some(self.tick);
        self.end[task] = Some(end);
        self.running.push(task);
        let claims = std::mem::take(&mut self.tasks[task].claims);
        self.held.extend(claims);
        Ok(())
    }

    /// Asks a module, counts its events in a layer and answers with its cost.
    fn ask(&mut self, layer: usize, module: usize, work: TileWork) -> Result<TileCost, Failure> {
        let mut cost = [TileCost::default()];
        let (_, implementation) = &self.model.problem.accelerator.modules[module];
        implementation.cost(&[work], &mut cost).map_err(|e| Failure::Refused(e.to_string()))?;
        let [cost] = cost;
        for (sum, count) in self.layers[layer].module_events[module].iter_mut().zip(cost.events) {
            *sum += count;
        }
        Ok(cost)
    }

    fn count_buffer(&mut self, layer: usize, work: &TileWork) {
        let buffers = [Role::ActivationBuffer, Role::WeightBuffer, Role::MaskBuffer];
        for (number, _) in buffers.iter().enumerate().filter(|(_, role)| role.code() == work.role) {
            self.layers[layer].buffer_bytes[2 * number] += work.read_bytes;
            self.layers[layer].buffer_bytes[2 * number + 1] += work.write_bytes;
        }
    }

    fn move_bytes(&mut self, task: usize, transfer: &Transfer) -> Result<u64, Failure> {
        let layer = self.tasks[task].layer;
        let bytes = transfer.runs.iter().map(|run| run.end - run.start).sum();
        let reads = transfer.direction == 0;
        let (read_bytes, write_bytes) = if reads { (bytes, 0) } else { (0, bytes) };
        let mask_bytes = if transfer.buffer == Role::MaskBuffer { bytes } else { 0 };
        let (mut busy, mut fill) = (1, 0);
        let dma: Vec<usize> = self.model.of_role(Role::Dma).collect();
        for &module in &dma {
            let role = Role::Dma.code();
            let work = TileWork { role, read_bytes, write_bytes, mask_bytes, ..TileWork::default() };
            let cost = self.ask(layer, module, work)?;
            busy = busy.max(cost.busy_cycles);
            fill += cost.fill_cycles;
        }
        let buffer: Vec<usize> = self.model.of_role(transfer.buffer).collect();
        for module in buffer {
            let role = transfer.buffer.code();
            let work =
                TileWork { role, read_bytes: write_bytes, write_bytes: read_bytes, ..TileWork::default() };
            self.count_buffer(layer, &work);
            busy = busy.max(self.ask(layer, module, work)?.busy_cycles);
        }
        dma.iter().for_each(|&module| self.module_free[module] = self.tick + busy);
        let moved = self
            .channels
            .start(self.model, &self.shares[task], transfer.direction, self.tick)
            .map_err(Failure::Refused)?;
        self.coverage.turnaround |= moved.turned;
        self.coverage.empty_transfer |= self.shares[task].is_empty();
        moved.bus.iter().for_each(|&(channel, bus)| self.bus[layer][channel as usize] += bus);
        let totals = &mut self.layers[layer];
        totals.memory_read_bytes += read_bytes;
        totals.memory_write_bytes += write_bytes;
        for (sum, count) in totals.memory_events.iter_mut().zip(moved.events.events) {
            *sum += count;
        }
        Ok((self.tick + busy).max(moved.complete) + fill)
    }

    fn compute(&mut self, task: usize) -> Result<u64, Failure> {
        let layer = self.tasks[task].layer;
        let tile = &self.tiles[self.tasks[task].tile];
        let stages = stages(self.model, &self.assigned[layer], tile);
        if let Some((_, row)) = stages.first() {
            self.layers[layer].macs += row.macs;
            self.layers[layer].effective_macs += row.effective_macs;
        }
        let mut busy_of: BTreeMap<usize, u64> = BTreeMap::new();
        let mut fill = 0;
        let mut reads = [0; 3];
        let mut writes = [0; 3];
        for (module, work) in stages {
            let cost = self.ask(layer, module, work)?;
            *busy_of.entry(module).or_default() += cost.busy_cycles;
            fill += cost.fill_cycles;
            reads[0] += cost.activation_read_bytes;
            reads[1] += cost.weight_read_bytes;
            reads[2] += cost.mask_read_bytes;
            writes[0] += cost.activation_write_bytes;
            if !self.model.deviates(Deviation::MaskWritesIgnored) {
                writes[2] += cost.mask_write_bytes;
            }
        }
        let mut busy = busy_of.values().copied().max().unwrap_or(0).max(1);
        let buffers = [Role::ActivationBuffer, Role::WeightBuffer, Role::MaskBuffer];
        for (number, role) in buffers.into_iter().enumerate() {
            let (read_bytes, write_bytes) = (reads[number], writes[number]);
            let ignored = self.model.deviates(Deviation::BufferTrafficIgnored);
            let Some(module) = self.model.of_role(role).next() else { continue };
            if read_bytes + write_bytes == 0 || ignored {
                continue;
            }
            let work = TileWork { role: role.code(), read_bytes, write_bytes, ..TileWork::default() };
            self.count_buffer(layer, &work);
            let cost = self.ask(layer, module, work)?;
            busy = busy.max(cost.busy_cycles);
            fill += cost.fill_cycles;
        }
        busy_of.keys().for_each(|&module| self.module_free[module] = self.tick + busy);
        let fill = if self.model.deviates(Deviation::FillIgnored) { 0 } else { fill };
        Ok(self.tick + busy + fill)
    }

    fn outcome(mut self) -> Outcome {
        let record = |(task, (start, end)): (&Task, (&Option<u64>, &Option<u64>))| TaskRecord {
            kind: task.kind,
            layer: task.layer,
            tile: task.tile,
            index: task.index,
            storage: task.storage,
            mask: task.transfer.as_ref().is_some_and(|t| t.buffer == Role::MaskBuffer),
            bytes: task.transfer.iter().flat_map(|t| &t.runs).map(|run| run.end - run.start).sum(),
            start: start.unwrap_or(0),
            end: end.unwrap_or(0),
        };
        let tasks: Vec<TaskRecord> =
            self.tasks.iter().zip(self.start.iter().zip(&self.end)).map(record).collect();
        let mut before = 0;
        for (layer, totals) in self.layers.iter_mut().enumerate() {
            let ends = tasks.iter().filter(|task| task.layer == layer).map(|task| task.end);
            let latest = ends.max().unwrap_or(0);
            totals.cycles = latest.saturating_sub(before);
            before = before.max(latest);
        }
        self.count_refreshes();
        self.coverage.refresh = self.layers.iter().any(|layer| layer.refreshes > 0);
        let runs = |task: Task| task.transfer.map_or_else(Vec::new, |transfer| transfer.runs);
        let runs = self.tasks.into_iter().map(runs).collect();
        Outcome { tasks, runs, total_cycles: before, layers: self.layers, coverage: self.coverage }
    }

    fn count_refreshes(&mut self) {
        let every = self.model.memory.refresh_every_mem_cycles;
        if every == 0 {
            return;
        }
        for channel in 0..self.model.memory.channels as usize {
            let mut occupied = 0;
            for (totals, bus) in self.layers.iter_mut().zip(&self.bus) {
                let before = occupied / every;
                occupied += bus[channel];
                totals.refreshes += occupied / every - before;
            }
        }
    }
}
