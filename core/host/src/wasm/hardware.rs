//! Kinds `accel-module` and `memory` in the sandbox.

use super::bindings::codebench::plugin::types;
use super::bindings::exports::codebench::plugin::{accel_module, memory};
use super::configured;
use super::sandbox::{Pool, Sandbox, pool_of};
use crate::checks;
use bytemuck::Pod;
use codebench_api::{AccelModule, Configuration, Maker, Memory, PluginError};
use codebench_model::{
    Activation, Cause, EventFacts, MemoryFacts, ModuleFacts, PrimitiveKind, ROW_LAYOUT, TileCost, TileSize,
    TileWork, TransferCost, TransferProfile,
};
use std::sync::Arc;

/// A configured accel-module.
struct Module {
    pool: Pool<accel_module::Guest>,
    facts: ModuleFacts,
}

/// The maker of accel-module `id`.
pub(super) fn accel_module(sandbox: &Arc<Sandbox>, id: &str) -> Result<Maker, String> {
    let indices = Arc::new(accel_module::GuestIndices::new(&sandbox.pre).map_err(|e| e.to_string())?);
    let (sandbox, id): (_, Arc<str>) = (sandbox.clone(), id.into());
    Ok(Maker::AccelModule(Arc::new(move |configuration: &Configuration<'_>| {
        let given = configured(configuration);
        let pool = pool_of!(sandbox, indices, id, given);
        let facts = pool
            .pure("facts", usize::MAX, |w| {
                Ok(Ok(w.exports.instance().call_facts(&mut w.store, w.instance)?))
            })
            .and_then(|facts| module_facts(facts).map_err(|e| pool.error("facts", e)))?;
        Ok(Box::new(Module { pool, facts }) as Box<dyn AccelModule>)
    })))
}

impl AccelModule for Module {
    fn facts(&self) -> ModuleFacts {
        self.facts.clone()
    }

    fn cost(&self, works: &[TileWork], costs: &mut [TileCost]) -> Result<(), PluginError> {
        let answer = self.pool.pure("cost", size_of_val(costs), |w| {
            let rows = bytemuck::cast_slice(works);
            w.exports.instance().call_cost(&mut w.store, w.instance, ROW_LAYOUT, rows)
        })?;
        copy(&answer, costs)
            .and_then(|()| checks::tile_costs(costs, self.facts.events.len()))
            .map_err(|e| self.pool.error("cost", e))
    }
}

/// A configured memory.
struct SandboxedMemory {
    pool: Pool<memory::Guest>,
    facts: MemoryFacts,
}

/// The maker of memory `id`.
pub(super) fn memory(sandbox: &Arc<Sandbox>, id: &str) -> Result<Maker, String> {
    let indices = Arc::new(memory::GuestIndices::new(&sandbox.pre).map_err(|e| e.to_string())?);
    let (sandbox, id): (_, Arc<str>) = (sandbox.clone(), id.into());
    Ok(Maker::Memory(Arc::new(move |configuration: &Configuration<'_>| {
        let given = configured(configuration);
        let pool = pool_of!(sandbox, indices, id, given);
        let facts = pool
            .pure("facts", usize::MAX, |w| {
                Ok(Ok(w.exports.instance().call_facts(&mut w.store, w.instance)?))
            })
            .and_then(|facts| memory_facts(facts).map_err(|e| pool.error("facts", e)))?;
        Ok(Box::new(SandboxedMemory { pool, facts }) as Box<dyn Memory>)
    })))
}

impl Memory for SandboxedMemory {
    fn facts(&self) -> MemoryFacts {
        self.facts.clone()
    }

    fn cost(&self, profiles: &[TransferProfile], costs: &mut [TransferCost]) -> Result<(), PluginError> {
        let answer = self.pool.pure("cost", size_of_val(costs), |w| {
            let rows = bytemuck::cast_slice(profiles);
            w.exports.instance().call_cost(&mut w.store, w.instance, ROW_LAYOUT, rows)
        })?;
        copy(&answer, costs)
            .and_then(|()| checks::transfer_costs(costs, self.facts.events.len()))
            .map_err(|e| self.pool.error("cost", e))
    }
}

/// The numbers of `answer` as the rows of `costs`.
fn copy<C: Pod>(answer: &[u64], costs: &mut [C]) -> Result<(), PluginError> {
    let costs: &mut [u64] = bytemuck::cast_slice_mut(costs);
    checks::count("list of costs", answer.len(), costs.len())?;
    costs.copy_from_slice(answer);
    Ok(())
}

fn event(event: types::Event) -> EventFacts {
    let cause = match event.cause {
        types::Cause::Mac => Cause::Mac,
        types::Cause::BufferRead => Cause::BufferRead,
        types::Cause::BufferWrite => Cause::BufferWrite,
        types::Cause::Dma => Cause::Dma,
        types::Cause::Memory => Cause::Memory,
        types::Cause::Vector => Cause::Vector,
        types::Cause::Control => Cause::Control,
    };
    EventFacts { name: event.name, cause, energy_pj: event.energy_pj }
}

/// Codes as what they stand for.
fn decoded<T>(name: &str, codes: &[u64], of_code: fn(u64) -> Option<T>) -> Result<Vec<T>, PluginError> {
    let unknown =
        |code| PluginError::contract(format!("its facts list {name} {code}, which this host does not know"));
    codes.iter().map(|code| of_code(*code).ok_or_else(|| unknown(code))).collect()
}

fn module_facts(f: accel_module::Facts) -> Result<ModuleFacts, PluginError> {
    let facts = ModuleFacts {
        area_mm2: f.area_mm2,
        leakage_mw: f.leakage_mw,
        primitives: decoded("primitive", &f.primitives, PrimitiveKind::of_code)?,
        activations: decoded("activation", &f.activations, Activation::of_code)?,
        peak_macs_per_cycle: f.peak_macs_per_cycle,
        preferred_tile: TileSize {
            batch: f.preferred_tile.batch,
            y: f.preferred_tile.y,
            x: f.preferred_tile.x,
            in_channels: f.preferred_tile.in_channels,
            out_channels: f.preferred_tile.out_channels,
        },
        capacity_bytes: f.capacity_bytes,
        read_bytes_per_cycle: f.read_bytes_per_cycle,
        write_bytes_per_cycle: f.write_bytes_per_cycle,
        skips_zero_activations: f.skips_zero_activations,
        skips_zero_weights: f.skips_zero_weights,
        events: f.events.into_iter().map(event).collect(),
    };
    checks::module_facts(&facts)?;
    Ok(facts)
}

fn memory_facts(f: memory::Facts) -> Result<MemoryFacts, PluginError> {
    let facts = MemoryFacts {
        clock_khz: f.clock_khz,
        channels: f.channels,
        ranks: f.ranks,
        banks_per_rank: f.banks_per_rank,
        row_bytes: f.row_bytes,
        burst_bytes: f.burst_bytes,
        interleave_bytes: f.interleave_bytes,
        capacity_bytes: f.capacity_bytes,
        read_to_write_mem_cycles: f.read_to_write_mem_cycles,
        write_to_read_mem_cycles: f.write_to_read_mem_cycles,
        refresh_every_mem_cycles: f.refresh_every_mem_cycles,
        refresh_mem_cycles: f.refresh_mem_cycles,
        area_mm2: f.area_mm2,
        leakage_mw: f.leakage_mw,
        background_mw: f.background_mw,
        events: f.events.into_iter().map(event).collect(),
        refresh_event: f.refresh_event.map(event),
    };
    checks::memory_facts(&facts)?;
    Ok(facts)
}
