//! Kinds `accel-module` and `memory`.

use super::bindings::codebench::plugin::types::{Configuration, Error};
use super::bindings::exports::codebench::plugin::{accel_module, memory};
use super::{Component, Configured, Created, Plugins, absent, check_layout, find, has, never_made};
use bytemuck::{Pod, Zeroable};
use codebench_api::{AccelModule, Factory, Kind, Memory, PluginError};
use codebench_model::{ModuleFacts, ROW_LAYOUT, TileWork, TransferProfile};

/// Runs `cost` on `rows` as rows of `W` and answers its rows of `C`.
fn rows<W: Pod, C: Pod + Zeroable>(
    layout: u32,
    rows: &[u64],
    cost: impl FnOnce(&[W], &mut [C]) -> Result<(), PluginError>,
) -> Result<Vec<u64>, Error> {
    check_layout(layout, ROW_LAYOUT)?;
    let works: &[W] = bytemuck::try_cast_slice(rows)
        .map_err(|_| PluginError::contract(format!("{} numbers are no whole number of rows", rows.len())))?;
    let mut costs = vec![0u64; works.len() * size_of::<C>() / size_of::<u64>()];
    cost(works, bytemuck::cast_slice_mut(&mut costs))?;
    Ok(costs)
}

/// An instance.
pub struct ModuleInstance(Box<dyn AccelModule>);

impl<P: Plugins> accel_module::Guest for Component<P> {
    type Instance = Created<P, ModuleInstance>;
}

impl<P: Plugins> accel_module::GuestInstance for Created<P, ModuleInstance> {
    fn create(id: String, configuration: Configuration) -> Result<accel_module::Instance, Error> {
        if !const { has(P::PLUGINS, Kind::AccelModule) } {
            return Err(absent(&id));
        }
        let Factory::AccelModule(make) = find(P::PLUGINS, &id)? else { return Err(absent(&id)) };
        let module = make(&Configured::new(configuration).as_configuration())?;
        Ok(accel_module::Instance::new(Created::<P, _>::new(ModuleInstance(module))))
    }

    fn facts(&self) -> accel_module::Facts {
        if !const { has(P::PLUGINS, Kind::AccelModule) } {
            never_made();
        }
        let ModuleFacts {
            area_mm2,
            leakage_mw,
            primitives,
            activations,
            peak_macs_per_cycle,
            preferred_tile,
            capacity_bytes,
            read_bytes_per_cycle,
            write_bytes_per_cycle,
            skips_zero_activations,
            skips_zero_weights,
            events,
        } = self.instance.0.facts();
        accel_module::Facts {
            area_mm2,
            leakage_mw,
            primitives: primitives.into_iter().map(|p| p.code()).collect(),
            activations: activations.into_iter().map(|a| a.code()).collect(),
            peak_macs_per_cycle,
            preferred_tile: accel_module::TileSize {
                batch: preferred_tile.batch,
                y: preferred_tile.y,
                x: preferred_tile.x,
                in_channels: preferred_tile.in_channels,
                out_channels: preferred_tile.out_channels,
            },
            capacity_bytes,
            read_bytes_per_cycle,
            write_bytes_per_cycle,
            skips_zero_activations,
            skips_zero_weights,
            events: events.into_iter().map(Into::into).collect(),
        }
    }

    fn cost(&self, layout: u32, works: Vec<u64>) -> Result<Vec<u64>, Error> {
        if !const { has(P::PLUGINS, Kind::AccelModule) } {
            return Err(absent(""));
        }
        rows::<TileWork, _>(layout, &works, |works, costs| self.instance.0.cost(works, costs))
    }
}

/// An instance.
pub struct MemoryInstance(Box<dyn Memory>);

impl<P: Plugins> memory::Guest for Component<P> {
    type Instance = Created<P, MemoryInstance>;
}

impl<P: Plugins> memory::GuestInstance for Created<P, MemoryInstance> {
    fn create(id: String, configuration: Configuration) -> Result<memory::Instance, Error> {
        if !const { has(P::PLUGINS, Kind::Memory) } {
            return Err(absent(&id));
        }
        let Factory::Memory(make) = find(P::PLUGINS, &id)? else { return Err(absent(&id)) };
        let memory = make(&Configured::new(configuration).as_configuration())?;
        Ok(memory::Instance::new(Created::<P, _>::new(MemoryInstance(memory))))
    }

    fn facts(&self) -> memory::Facts {
        if !const { has(P::PLUGINS, Kind::Memory) } {
            never_made();
        }
        let f = self.instance.0.facts();
        memory::Facts {
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
            events: f.events.into_iter().map(Into::into).collect(),
            refresh_event: f.refresh_event.map(Into::into),
        }
    }

    fn cost(&self, layout: u32, profiles: Vec<u64>) -> Result<Vec<u64>, Error> {
        if !const { has(P::PLUGINS, Kind::Memory) } {
            return Err(absent(""));
        }
        rows::<TransferProfile, _>(layout, &profiles, |profiles, costs| self.instance.0.cost(profiles, costs))
    }
}
