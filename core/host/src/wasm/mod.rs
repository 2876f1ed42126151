//! Plugins in a sandbox: WebAssembly components that compute from their arguments and touch nothing else.
//!
//! A file is checked, compiled (or taken from the cache of compiled code), linked with one import (`log`; any other is a trap
//! when it is called) and asked for its manifest. Every configured plugin has a pool of instances, each with memory of its
//! own, used by one thread at a time and thrown away when a call traps.

mod background;
mod bindings;
mod cache;
mod compile;
mod contract;
#[cfg(test)]
mod contract_0_0_1;
mod engine;
mod evaluation;
mod failure;
mod guest;
mod hardware;
mod limits;
mod manifest;
mod pack;
mod sandbox;
mod search;

pub use limits::WasmLimits;
pub use pack::pack;

use crate::text::check_description;
use crate::{HostError, ReadFile};
use bindings::codebench::plugin::types;
use cache::Cache;
use codebench_api::{Configuration, Entry, Form};
use codebench_model::ParameterValue;
use contract::Contract;
use engine::{Clock, Metering, engine};
use sandbox::Sandbox;
use std::path::Path;
use std::sync::Arc;
use wasmtime::component::{Component, InstancePre, Linker};

/// The plugins of `file`, with compiled code cached below [`cache_folder`](crate::cache_folder).
///
/// # Errors
/// A file that is no component, is too large or too slow to compile, does not answer with a manifest, or lists plugins
/// that cannot be.
pub fn load(file: &ReadFile, limits: &WasmLimits) -> Result<Vec<Entry>, HostError> {
    let folder = crate::cache_folder().map(|folder| folder.join("wasm"));
    load_with(file, limits, folder.as_deref())
}

/// [`load`] with compiled code cached in `cache`, or not at all.
///
/// # Errors
/// As [`load`].
pub fn load_with(
    file: &ReadFile,
    limits: &WasmLimits,
    cache: Option<&Path>,
) -> Result<Vec<Entry>, HostError> {
    entries(file, limits, cache).map_err(|reason| file.refused(reason))
}

fn entries(file: &ReadFile, limits: &WasmLimits, cache: Option<&Path>) -> Result<Vec<Entry>, String> {
    limits.check()?;
    let cache = cache.and_then(Cache::open);
    let metering = if limits.wall_s.is_some() { Metering::Wall } else { Metering::Fuel };
    let component = compile::component(file, limits, metering, cache.as_ref())?;
    let contract = contract::of(&component)?;
    let name = file.path.file_name().unwrap_or(file.path.as_os_str()).to_string_lossy();
    let sandbox = Arc::new(Sandbox {
        pre: link(&component, contract, metering)?,
        limits: Arc::new(limits.clone()),
        name: name.as_ref().into(),
        clock: match metering {
            Metering::Fuel => None,
            Metering::Wall => Some(Clock::running()?),
        },
    });
    let mut entries: Vec<Entry> = Vec::new();
    for (info, maker) in (contract.plugins)(&sandbox)? {
        if entries.iter().any(|e| e.info.id == info.id) {
            return Err(format!("its manifest lists plugin `{}` twice: rename one of them", info.id));
        }
        check_description(&info)?;
        let source = file.path.display().to_string();
        entries.push(Entry { info, maker, source, form: Form::Wasm, sha256: Some(file.sha256.clone()) });
    }
    Ok(entries)
}

/// The component with the imports of its contract; any other is a trap.
fn link(
    component: &Component,
    contract: &Contract,
    metering: Metering,
) -> Result<InstancePre<guest::Guest>, String> {
    let mut linker = Linker::new(engine(metering)?);
    (contract.link)(&mut linker)
        .and_then(|()| linker.define_unknown_imports_as_traps(component))
        .and_then(|()| linker.instantiate_pre(component))
        .map_err(|e| format!("it cannot be linked: {}", e.root_cause()))
}

/// A configuration as it crosses the boundary.
fn configured(configuration: &Configuration<'_>) -> types::Configuration {
    let value = |value: &ParameterValue| match value {
        ParameterValue::Boolean(b) => types::Value::Boolean(*b),
        ParameterValue::Integer(i) => types::Value::Integer(*i),
        ParameterValue::Float(x) => types::Value::Float(*x),
        ParameterValue::Text(s) => types::Value::Text(s.clone()),
    };
    let parameter =
        |(name, v): (&String, &ParameterValue)| types::Parameter { name: name.clone(), value: value(v) };
    types::Configuration {
        parameters: configuration.parameters.iter().map(parameter).collect(),
        clock_khz: configuration.hardware.clock_khz,
        word_bits: configuration.hardware.word_bits,
    }
}
