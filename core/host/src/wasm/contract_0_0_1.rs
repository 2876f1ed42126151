//! The adapter of contract 0.0.1, which was never published: frozen in `tests/contract`, with a plugin built for it, as the proof
//! that the host goes on speaking a version that it has left behind.

use super::contract::Contract;
use super::sandbox::{Pool, Sandbox};
use crate::checks;
use codebench_api::{Configuration, Maker, Memory, PluginError, PluginInfo};
use codebench_model::{MemoryFacts, TransferCost, TransferProfile};
use std::sync::Arc;

#[allow(missing_docs, clippy::all, clippy::expect_used, clippy::unwrap_used, clippy::panic, unreachable_pub)]
mod bindings {
    wasmtime::component::bindgen!({ path: "../../tests/contract/0.0.1", world: "memories" });
}

use bindings::exports::codebench::plugin::{manifest, memory};

pub(super) const CONTRACT: Contract = Contract { version: "0.0.1", link: |_| Ok(()), plugins };

fn plugins(sandbox: &Arc<Sandbox>) -> Result<Vec<(PluginInfo, Maker)>, String> {
    let (mut store, instance) = sandbox.instantiate().map_err(|e| e.message)?;
    let listed = manifest::GuestIndices::new(&sandbox.pre)
        .and_then(|indices| indices.load(&mut store, &instance))
        .and_then(|manifest| manifest.call_plugins(&mut store))
        .map_err(|e| e.to_string())?;
    let made = |plugin: manifest::Plugin| {
        Ok((PluginInfo::new(&plugin.id, "0.0.1", &plugin.summary), maker(sandbox, &plugin.id)?))
    };
    listed.into_iter().map(made).collect()
}

/// A memory of this version: what its contract does not say is as plain as can be.
struct Plain {
    pool: Pool<memory::Guest>,
    clock_khz: u64,
}

fn maker(sandbox: &Arc<Sandbox>, id: &str) -> Result<Maker, String> {
    let indices = Arc::new(memory::GuestIndices::new(&sandbox.pre).map_err(|e| e.to_string())?);
    let (sandbox, id): (_, Arc<str>) = (sandbox.clone(), id.into());
    Ok(Maker::Memory(Arc::new(move |_: &Configuration<'_>| {
        let (indices, name) = (indices.clone(), id.clone());
        let pool = Pool::new(
            sandbox.clone(),
            &id,
            Box::new(move |store, instance| {
                let exports = indices.load(&mut *store, instance)?;
                let made = exports.instance().call_create(store, &name)?;
                Ok((exports, Ok(made.map_err(|message| invalid(&message)))))
            }),
        );
        let clock_khz = pool
            .pure("clock", 0, |w| Ok(Ok(w.exports.instance().call_clock_khz(&mut w.store, w.instance)?)))?;
        Ok(Box::new(Plain { pool, clock_khz }) as Box<dyn Memory>)
    })))
}

/// Errors of this version are texts.
fn invalid(message: &str) -> super::bindings::codebench::plugin::types::Error {
    use super::bindings::codebench::plugin::types;
    types::Error { kind: types::ErrorKind::Invalid, message: message.to_owned() }
}

impl Memory for Plain {
    fn facts(&self) -> MemoryFacts {
        MemoryFacts {
            clock_khz: self.clock_khz,
            channels: 1,
            ranks: 1,
            banks_per_rank: 1,
            row_bytes: 64,
            burst_bytes: 64,
            interleave_bytes: 64,
            capacity_bytes: u64::MAX,
            ..MemoryFacts::default()
        }
    }

    fn cost(&self, profiles: &[TransferProfile], costs: &mut [TransferCost]) -> Result<(), PluginError> {
        let bytes: Vec<u64> = profiles.iter().map(|p| p.bytes).collect();
        let cycles = self.pool.pure("cycles", size_of_val(bytes.as_slice()), |w| {
            Ok(Ok(w.exports.instance().call_cycles(&mut w.store, w.instance, &bytes)?))
        })?;
        checks::count("list of cycles", cycles.len(), costs.len())?;
        for (cost, bus_mem_cycles) in costs.iter_mut().zip(cycles) {
            *cost = TransferCost { bus_mem_cycles, ..TransferCost::default() };
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::ReadFile;
    use crate::wasm::{WasmLimits, load_with};
    use codebench_api::Catalog;
    use codebench_model::{HardwareContext, Parameters, TransferCost, TransferProfile};
    use std::path::Path;

    #[test]
    fn a_plugin_of_a_frozen_contract_keeps_working() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/contract/0.0.1/fixture.wasm");
        let file = ReadFile::read(&path, None).unwrap();
        let mut catalog = Catalog::default();
        for entry in load_with(&file, &WasmLimits::default(), None).unwrap() {
            catalog.add(entry).unwrap();
        }
        assert_eq!(catalog.get("frozen/flat").unwrap().info.summary, "Eight bytes a cycle.");
        let memory = catalog.memory("frozen/flat", &Parameters::new(), HardwareContext::default()).unwrap();
        assert_eq!(memory.facts().clock_khz, 123_000);
        let profiles = [0, 1, 8, 100].map(|bytes| TransferProfile { bytes, ..TransferProfile::default() });
        let mut costs = [TransferCost::default(); 4];
        memory.cost(&profiles, &mut costs).unwrap();
        assert_eq!(costs.map(|c| c.bus_mem_cycles), [0, 1, 1, 13]);
    }
}
