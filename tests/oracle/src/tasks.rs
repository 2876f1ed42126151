//! Section 6 of the cycle model: the tasks of every tile, what each waits for and which space it takes.

use crate::geometry::{KernelRegion, Part, Region, Tile};
use crate::layout::{Layout, Run};
use crate::outcome::TaskKind;
use crate::residency::{LayerResidency, readers, reads};
use crate::sizes::Bytes;
use crate::{Deviation, Model};
use codebench_model::Role;

/// Space in a buffer that a task takes when it starts, until all of some tasks have ended.
#[derive(Debug, Clone)]
pub(crate) struct Claim {
    pub(crate) buffer: Role,
    pub(crate) bytes: u64,
    pub(crate) released_by: Vec<usize>,
}

/// A transfer's bytes.
#[derive(Debug, Clone)]
pub(crate) struct Transfer {
    /// 0 read, 1 write.
    pub(crate) direction: u64,
    pub(crate) buffer: Role,
    pub(crate) runs: Vec<Run>,
}

/// One task.
#[derive(Debug, Clone)]
pub(crate) struct Task {
    pub(crate) kind: TaskKind,
    pub(crate) layer: usize,
    pub(crate) tile: usize,
    pub(crate) index: usize,
    pub(crate) storage: Option<usize>,
    pub(crate) after_start_of: Vec<usize>,
    pub(crate) after_end_of: Vec<usize>,
    pub(crate) claims: Vec<Claim>,
    pub(crate) transfer: Option<Transfer>,
}

/// Tasks of one tile by kind.
#[derive(Debug, Clone, Default)]
struct OfTile {
    /// Evicted storage, tasks.
    write_backs: Vec<(usize, Vec<usize>)>,
    promotions: Vec<(usize, Vec<usize>)>,
    /// Loads of activation regions: task, storage, space.
    activations: Vec<(usize, usize, Claim)>,
    weights: Vec<(usize, Claim)>,
    compute: usize,
    stores: Vec<usize>,
}

/// Which tiles use the regions loaded for one of them.
struct Uses {
    /// Tile whose loads a tile uses.
    from: Vec<usize>,
}

impl Uses {
    fn last(&self, tile: usize) -> usize {
        self.from.iter().rposition(|&from| from == tile).unwrap_or(tile)
    }
}

struct Lister<'a> {
    model: &'a Model<'a>,
    tiles: &'a [Tile],
    plan: &'a [LayerResidency],
    layout: &'a Layout,
    activation_uses: Uses,
    kernel_uses: Uses,
    tasks: Vec<Task>,
    of_tiles: Vec<OfTile>,
}

/// Regions of a tile in storages that are not resident.
fn loaded_regions<'t>(tile: &'t Tile, plan: &LayerResidency) -> Vec<&'t Region> {
    tile.all_regions().filter(|region| !plan.resident.contains(&region.storage)).collect()
}

fn activation_uses(model: &Model<'_>, tiles: &[Tile], plan: &[LayerResidency]) -> Uses {
    let mut from: Vec<usize> = Vec::new();
    for (t, tile) in tiles.iter().enumerate() {
        let same = t > 0
            && tiles[t - 1].layer == tile.layer
            && loaded_regions(&tiles[t - 1], &plan[tile.layer]) == loaded_regions(tile, &plan[tile.layer]);
        let same = same && !model.deviates(Deviation::RegionsNotHeld);
        from.push(if same { from[t - 1] } else { t });
    }
    Uses { from }
}

fn kernel_uses(tiles: &[Tile], plan: &[LayerResidency]) -> Uses {
    let mut from: Vec<usize> = Vec::new();
    for (t, tile) in tiles.iter().enumerate() {
        let same = |u: usize| tiles[u].layer == tile.layer && tiles[u].kernel == tile.kernel;
        let found = if plan[tile.layer].weights_kept {
            (0..t).find(|&u| same(u))
        } else {
            t.checked_sub(1).filter(|&u| same(u)).map(|u| from[u])
        };
        from.push(found.unwrap_or(t));
    }
    Uses { from }
}

fn whole(model: &Model<'_>, storage: usize) -> Region {
    let shape = model.problem.fused.storages[storage].shape;
    let part = Part::Block { rows: 0..shape.height, channels: 0..shape.channels, columns: 0..shape.width };
    Region { storage, images: 0..model.problem.batch, part }
}

impl Lister<'_> {
    fn add(&mut self, kind: TaskKind, tile: usize, transfer: Option<Transfer>) -> usize {
        let of_tile = self.tasks.iter().rev().take_while(|task| task.tile == tile);
        let index = of_tile.filter(|task| task.kind == kind).count();
        self.tasks.push(Task {
            kind,
            layer: self.tiles[tile].layer,
            tile,
            index,
            storage: None,
            after_start_of: Vec::new(),
            after_end_of: Vec::new(),
            claims: Vec::new(),
            transfer,
        });
        self.tasks.len() - 1
    }

    /// Tasks that move a region's data and its mask.
    fn move_region(&mut self, kind: TaskKind, tile: usize, region: &Region) -> Vec<usize> {
        let direction = u64::from(matches!(kind, TaskKind::WriteBack | TaskKind::Store));
        let runs = self.layout.data(self.model, region);
        let data = Transfer { direction, buffer: Role::ActivationBuffer, runs };
        let mut tasks = vec![self.add(kind, tile, Some(data))];
        if self.model.compressed() && !self.model.deviates(Deviation::ActivationMasksNotMoved) {
            let runs = self.layout.mask(self.model, region);
            let mask = Transfer { direction, buffer: Role::MaskBuffer, runs };
            tasks.push(self.add(kind, tile, Some(mask)));
        }
        tasks.iter().for_each(|&task| self.tasks[task].storage = Some(region.storage));
        tasks
    }

    fn list_tile(&mut self, t: usize) {
        let tile = &self.tiles[t];
        let plan = &self.plan[tile.layer];
        let mut of_tile = OfTile::default();
        if t == 0 || self.tiles[t - 1].layer != tile.layer {
            for (storage, written) in &plan.evicted {
                if *written {
                    let tasks = self.move_region(TaskKind::WriteBack, t, &whole(self.model, *storage));
                    of_tile.write_backs.push((*storage, tasks));
                }
            }
            for &storage in &plan.promoted {
                let tasks = self.move_region(TaskKind::Promotion, t, &whole(self.model, storage));
                of_tile.promotions.push((storage, tasks));
            }
        }
        if self.activation_uses.from[t] == t {
            for region in loaded_regions(tile, plan) {
                let tasks = self.move_region(TaskKind::Load, t, region);
                let claims = self.claims(self.model.region_bytes(region), Role::ActivationBuffer);
                let storage = region.storage;
                of_tile
                    .activations
                    .extend(tasks.into_iter().zip(claims).map(|(task, claim)| (task, storage, claim)));
            }
        }
        if let Some(kernel) = tile.kernel.as_ref().filter(|_| self.kernel_uses.from[t] == t) {
            of_tile.weights = self.load_weights(t, kernel);
        }
        of_tile.compute = self.add(TaskKind::Compute, t, None);
        if tile.last_input && !plan.output_resident {
            let output = self.model.problem.fused.layers[tile.layer].output;
            of_tile.stores = self.move_region(TaskKind::Store, t, &tile.output_region(output));
        }
        self.of_tiles.push(of_tile);
    }

    fn load_weights(&mut self, t: usize, kernel: &KernelRegion) -> Vec<(usize, Claim)> {
        let layer = self.tiles[t].layer;
        let bytes = self.model.kernel_bytes(layer, kernel);
        let mut claims = self.claims(bytes, Role::WeightBuffer).into_iter();
        let mut loads = Vec::new();
        let runs = self.layout.kernel(self.model, layer, kernel);
        if let Some(claim) = claims.next().filter(|_| !runs.is_empty()) {
            let data = Transfer { direction: 0, buffer: Role::WeightBuffer, runs };
            loads.push((self.add(TaskKind::Load, t, Some(data)), claim));
        }
        let runs = self.layout.kernel_mask(self.model, layer, kernel);
        let masked = !runs.is_empty() && !self.model.deviates(Deviation::KernelMaskIgnored);
        if let Some(claim) = claims.next().filter(|_| masked) {
            let mask = Transfer { direction: 0, buffer: Role::MaskBuffer, runs };
            loads.push((self.add(TaskKind::Load, t, Some(mask)), claim));
        }
        loads
    }

    /// Space for data and, if there are masks, for the mask.
    fn claims(&self, bytes: Bytes, buffer: Role) -> Vec<Claim> {
        let claim = |buffer, bytes| Claim { buffer, bytes, released_by: Vec::new() };
        let mut claims = vec![claim(buffer, bytes.data)];
        if self.model.compressed() {
            claims.push(claim(Role::MaskBuffer, bytes.mask));
        }
        claims
    }

    fn computes_of(&self, layers: impl Fn(usize) -> bool) -> Vec<usize> {
        let tiles = self.tiles.iter().zip(&self.of_tiles);
        tiles.filter(|(tile, _)| layers(tile.layer)).map(|(_, of)| of.compute).collect()
    }

    /// Stores and write-backs of a storage.
    fn writes_of(&self, storage: usize, before_tile: usize) -> Vec<usize> {
        let mut writes = Vec::new();
        for (t, of_tile) in self.of_tiles.iter().enumerate() {
            if self.model.problem.fused.layers[self.tiles[t].layer].output == storage {
                writes.extend(&of_tile.stores);
            }
            if t <= before_tile {
                let own = of_tile.write_backs.iter().filter(|(s, _)| *s == storage);
                writes.extend(own.flat_map(|(_, tasks)| tasks));
            }
        }
        writes
    }

    /// Tasks whose ends release a storage that became resident at a layer.
    fn released_by(&self, storage: usize, since: usize) -> Vec<usize> {
        for (layer, plan) in self.plan.iter().enumerate().skip(since + 1) {
            if let Some((_, written)) = plan.evicted.iter().find(|(s, _)| *s == storage) {
                if !written {
                    return self.computes_of(|l| l < layer);
                }
                let write_backs = self.of_tiles.iter().zip(self.tiles).filter(|(_, t)| t.layer == layer);
                let own = write_backs.flat_map(|(of, _)| &of.write_backs).filter(|(s, _)| *s == storage);
                return own.flat_map(|(_, tasks)| tasks.clone()).collect();
            }
        }
        let readers = readers(self.model, storage);
        self.computes_of(|layer| layer >= since && readers.contains(&layer))
    }

    /// When the storage is complete in memory.
    fn complete(&self, storage: usize, tile: usize) -> Vec<usize> {
        let producer = self.model.problem.fused.storages[storage].producer;
        let mut tasks = self.computes_of(|layer| Some(layer) == producer);
        tasks.extend(self.writes_of(storage, tile));
        tasks
    }

    /// A load may overtake the compute of the tile before, not the one before that.
    fn follow_previous(&mut self, task: usize, t: usize) {
        let Some(previous) = t.checked_sub(1) else { return };
        let compute = self.of_tiles[previous].compute;
        if self.model.problem.accelerator.double_buffer && !self.model.deviates(Deviation::SingleBuffer) {
            self.tasks[task].after_start_of.push(compute);
        } else {
            self.tasks[task].after_end_of.push(compute);
        }
    }

    fn wire_transfers(&mut self, t: usize) {
        let of_tile = self.of_tiles[t].clone();
        let layer = self.tiles[t].layer;
        for (_, tasks) in &of_tile.write_backs {
            for &task in tasks {
                self.tasks[task].after_end_of = self.computes_of(|l| l < layer);
            }
        }
        for (storage, tasks) in &of_tile.promotions {
            let claims = self.claims(self.model.storage_bytes(*storage), Role::ActivationBuffer);
            for (&task, mut claim) in tasks.iter().zip(claims) {
                self.tasks[task].after_end_of = self.complete(*storage, t);
                self.follow_previous(task, t);
                claim.released_by = self.released_by(*storage, layer);
                self.tasks[task].claims = vec![claim];
            }
        }
        let last = self.of_tiles[self.activation_uses.last(t)].compute;
        for (task, storage, mut claim) in of_tile.activations {
            self.tasks[task].after_end_of = self.complete(storage, t);
            self.follow_previous(task, t);
            claim.released_by = vec![last];
            self.tasks[task].claims = vec![claim];
        }
        let last = self.of_tiles[self.kernel_uses.last(t)].compute;
        for (task, mut claim) in of_tile.weights {
            self.follow_previous(task, t);
            claim.released_by = vec![last];
            self.tasks[task].claims = vec![claim];
        }
        for task in of_tile.stores {
            self.tasks[task].after_end_of = vec![of_tile.compute];
        }
    }

    fn wire_compute(&mut self, t: usize) {
        let tile = &self.tiles[t];
        let plan = &self.plan[tile.layer];
        let mut after = Vec::new();
        let activations = &self.of_tiles[self.activation_uses.from[t]].activations;
        after.extend(activations.iter().map(|(task, _, _)| *task));
        after.extend(self.of_tiles[self.kernel_uses.from[t]].weights.iter().map(|(task, _)| *task));
        for storage in reads(&self.model.problem.fused.layers[tile.layer]) {
            if plan.resident.contains(&storage) && !self.model.deviates(Deviation::ResidentNotAwaited) {
                let producer = self.model.problem.fused.storages[storage].producer;
                after.extend(self.computes_of(|layer| Some(layer) == producer));
                let promoted = self.of_tiles[..=t].iter().flat_map(|of| &of.promotions);
                after.extend(promoted.filter(|(s, _)| *s == storage).flat_map(|(_, tasks)| tasks));
            }
        }
        let compute = self.of_tiles[t].compute;
        if let Some(previous) = t.checked_sub(1) {
            self.tasks[compute].after_start_of.push(self.of_tiles[previous].compute);
        }
        self.tasks[compute].after_end_of = after;
        self.tasks[compute].claims = self.output_claims(t);
    }

    fn output_claims(&self, t: usize) -> Vec<Claim> {
        let tile = &self.tiles[t];
        let output = self.model.problem.fused.layers[tile.layer].output;
        let (bytes, released_by) = if self.plan[tile.layer].output_resident {
            if t > 0 && self.tiles[t - 1].layer == tile.layer {
                return Vec::new();
            }
            (self.model.storage_bytes(output), self.released_by(output, tile.layer))
        } else if tile.first_input {
            let last = (t..).find(|&u| self.tiles[u].last_input).unwrap_or(t);
            (self.model.output_bytes(tile), self.of_tiles[last].stores.clone())
        } else {
            return Vec::new();
        };
        let mut claims = self.claims(bytes, Role::ActivationBuffer);
        claims.iter_mut().for_each(|claim| claim.released_by.clone_from(&released_by));
        claims
    }
}

/// Every task with its conditions, tile after tile in the order of [`TaskKind`].
pub(crate) fn list<'a>(
    model: &'a Model<'a>,
    tiles: &'a [Tile],
    plan: &'a [LayerResidency],
    layout: &'a Layout,
) -> Vec<Task> {
    let mut lister = Lister {
        model,
        tiles,
        plan,
        layout,
        activation_uses: activation_uses(model, tiles, plan),
        kernel_uses: kernel_uses(tiles, plan),
        tasks: Vec::new(),
        of_tiles: Vec::new(),
    };
    (0..tiles.len()).for_each(|t| lister.list_tile(t));
    for t in 0..tiles.len() {
        lister.wire_transfers(t);
        lister.wire_compute(t);
    }
    lister.tasks
}
