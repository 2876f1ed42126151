//! Starting transfers.

use super::super::error::CycleError;
use super::super::tiles::reference;
use super::super::timeline::{Occupation, Unit};
use super::Engine;
use super::compute::module_cost;
use super::pattern::Pattern;
use super::tasks::{ACTIVATIONS, Cargo, MASKS, Task, WEIGHTS};
use codebench_model::hardware::{TaskKind, TaskRecord};
use codebench_model::{MAX_EVENTS, Role, TileWork};

/// What a transfer costs on the DMA and on the buffer at its end.
#[derive(Debug, Clone, Default)]
pub(super) struct TransferPrice {
    pub(super) busy: u64,
    pub(super) fill: u64,
    pub(super) events: Vec<(usize, [u64; MAX_EVENTS])>,
}

impl Engine<'_> {
    /// When the head of the load queue can start.
    pub(super) fn load_ready(&mut self) -> Option<u64> {
        let task = *self.loads.front()?;
        let (pattern, _) = self.load_print.get_or_insert_with(|| self.atlas.map(&task));
        let mut ready = self.now.max(task.ready).max(self.dma_free).max(self.channels.free(pattern));
        if let Some(storage) = task.storage() {
            let state = &self.storages[storage];
            if state.pending > 0 {
                return None;
            }
            ready = ready.max(state.stored).max(state.computed);
        }
        Some(ready.max(self.spaces[task.buffer()].earliest(self.now, task.space)?))
    }

    /// When the head of the store queue can start.
    pub(super) fn store_ready(&mut self) -> Option<u64> {
        let task = *self.stores.front()?;
        let (pattern, _) = self.store_print.get_or_insert_with(|| self.atlas.map(&task));
        let ready = self.now.max(task.ready).max(self.dma_free);
        Some(ready.max(self.channels.free(pattern)))
    }

    pub(super) fn start_load(&mut self) -> Result<(), CycleError> {
        let Some(task) = self.loads.pop_front() else { return Ok(()) };
        self.spaces[task.buffer()].take(self.now, task.space);
        let (end, turnaround) = self.transfer(&task)?;
        if let Some(run) = &mut self.run {
            let slot = usize::from(matches!(task.kind, TaskKind::LoadWeights | TaskKind::LoadWeightsMask));
            if end >= run.loaded[slot] {
                run.loaded[slot] = end;
                run.turnaround = turnaround;
            }
        }
        Ok(())
    }

    pub(super) fn start_store(&mut self) -> Result<(), CycleError> {
        let Some(task) = self.stores.pop_front() else { return Ok(()) };
        let (end, _) = self.transfer(&task)?;
        let Some(storage) = task.storage() else { return Ok(()) };
        let state = &mut self.storages[storage];
        state.pending -= 1;
        // Data and mask of one tile follow each other; what they hold is free when both have ended.
        let both = if task.is_mask() { end.max(self.data_stored) } else { end };
        self.data_stored = end;
        state.stored = state.stored.max(end);
        if let Some((data, mask)) = task.frees {
            self.spaces[ACTIVATIONS].release(both, data);
            self.spaces[MASKS].release(both, mask);
        }
        Ok(())
    }

    /// Moves the bytes of the head of a queue, from now on: when it ends, and how long the bus turned around.
    fn transfer(&mut self, task: &Task) -> Result<(u64, u64), CycleError> {
        let store = task.is_store();
        let print = if store { self.store_print.take() } else { self.load_print.take() };
        let (pattern, shift) = print.unwrap_or_else(|| self.atlas.map(task));
        let bytes = pattern.bytes;
        let layer = reference(&self.workload.layers[task.layer]);
        let key = (task.buffer() as u64 * 2 + u64::from(store), bytes);
        if self.machine.forgetful || !self.prices.contains_key(&key) {
            let price = self.price(task, bytes)?;
            self.prices.insert(key, price);
        }
        let (busy, fill) = self.charge(task, key)?;
        let channels = self.channels.channels.len();
        let occupied = &mut self.occupied[task.layer * channels..][..channels];
        let moved =
            self.channels.transfer(self.now, u64::from(store), (&pattern, shift), occupied, &layer)?;
        let too_large = || CycleError::too_large("the number of cycles");
        let timeline = &mut self.timelines[task.layer];
        for (sum, count) in timeline.memory_events.iter_mut().zip(&moved.events) {
            *sum = sum.checked_add(*count).ok_or_else(too_large)?;
        }
        self.dma_free = self.now.checked_add(busy).ok_or_else(too_large)?;
        let end = self.dma_free.max(moved.complete).checked_add(fill).ok_or_else(too_large)?;
        self.ends[task.layer] = self.ends[task.layer].max(end);
        self.note(task, &pattern, end);
        Ok((end, moved.turnaround))
    }

    /// Adds a transfer's events and bytes to its layer.
    fn charge(&mut self, task: &Task, key: (u64, u64)) -> Result<(u64, u64), CycleError> {
        let too_large = || CycleError::too_large("the bytes or events of transfers");
        let Some(price) = self.prices.get(&key) else { return Ok((1, 0)) };
        let timeline = &mut self.timelines[task.layer];
        for (module, events) in &price.events {
            for (sum, count) in timeline.events[*module].iter_mut().zip(events) {
                *sum = sum.checked_add(*count).ok_or_else(too_large)?;
            }
        }
        let moved = &mut timeline.memory_bytes;
        let sum = match (task.is_store(), task.is_mask(), task.cargo) {
            (true, true, _) => &mut moved.masks_written,
            (true, false, _) => &mut moved.activations_written,
            (false, true, _) => &mut moved.masks_read,
            (false, false, Cargo::Weights(_)) => &mut moved.weights_read,
            (false, false, Cargo::Activations(_)) => &mut moved.activations_read,
        };
        *sum = sum.checked_add(key.1).ok_or_else(too_large)?;
        let slot = 2 * task.buffer() + usize::from(!task.is_store());
        let sum = &mut timeline.buffer_bytes[slot];
        *sum = sum.checked_add(key.1).ok_or_else(too_large)?;
        Ok((price.busy, price.fill))
    }

    fn price(&self, task: &Task, bytes: u64) -> Result<TransferPrice, CycleError> {
        let roles = &self.machine.roles;
        let layer = reference(&self.workload.layers[task.layer]);
        let too_large = || CycleError::too_large("the cost of a transfer");
        let store = task.is_store();
        let carried = TileWork {
            read_bytes: if store { 0 } else { bytes },
            write_bytes: if store { bytes } else { 0 },
            mask_bytes: if task.is_mask() { bytes } else { 0 },
            ..TileWork::default()
        };
        let mut price = TransferPrice { busy: 1, ..TransferPrice::default() };
        for module in &roles.dma {
            let cost = module_cost(self.machine, *module, &carried, &layer)?;
            price.busy = price.busy.max(cost.busy_cycles);
            price.fill = price.fill.checked_add(cost.fill_cycles).ok_or_else(too_large)?;
            price.events.push((*module, cost.events));
        }
        let buffer = match task.buffer() {
            WEIGHTS => roles.weight_buffer,
            MASKS => roles.mask_buffer.unwrap_or(roles.activation_buffer),
            _ => roles.activation_buffer,
        };
        // The buffer sees the other side of the transfer.
        let seen = TileWork {
            read_bytes: carried.write_bytes,
            write_bytes: carried.read_bytes,
            ..TileWork::default()
        };
        let cost = module_cost(self.machine, buffer, &seen, &layer)?;
        price.busy = price.busy.max(cost.busy_cycles);
        price.events.push((buffer, cost.events));
        Ok(price)
    }

    fn note(&mut self, task: &Task, pattern: &Pattern, end: u64) {
        let Some(record) = &mut self.record else { return };
        let (start, index) = (self.now, record.tasks.len());
        record.tasks.push(TaskRecord {
            start,
            end,
            tile: task.tile,
            layer: task.layer,
            kind: task.kind,
            storage: task.storage(),
        });
        let mut occupy = |unit: Unit, end: u64| {
            record.occupations.push(Occupation { unit, start, end, task: index });
        };
        for (module, modules) in self.machine.modules.iter().enumerate() {
            if modules.role == Role::Dma {
                occupy(Unit::Module(module), self.dma_free);
            }
        }
        for touch in &pattern.touches {
            occupy(Unit::Channel(touch.channel), self.channels.channels[touch.channel].free);
        }
    }
}
