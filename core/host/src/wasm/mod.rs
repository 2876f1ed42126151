//! Plugins in a sandbox: WebAssembly components that compute from their arguments and touch nothing else.
//!
//! A file is checked, compiled (or taken from the cache of compiled code), linked with one import (`log`; any other is a trap
//! when it is called) and asked for its manifest. Every configured plugin has a pool of instances, each with memory of its
//! own, used by one thread at a time and thrown away when a call traps.

mod bindings;
mod cache;
mod compile;
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

use crate::{HostError, ReadFile};
use bindings::codebench::plugin::{log, types};
use cache::Cache;
use codebench_api::{Configuration, Entry, Form, Kind, Maker};
use codebench_model::ParameterValue;
use engine::{Clock, Metering, engine};
use sandbox::Sandbox;
use std::path::Path;
use std::sync::Arc;
use wasmtime::component::{Component, HasSelf, InstancePre, Linker};

/// The version of the contract that plugins are built for, as `sdk/wit` has it.
const CONTRACT: &str = "0.1.0-unstable";

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
    let name = file.path.file_name().unwrap_or(file.path.as_os_str()).to_string_lossy();
    let sandbox = Arc::new(Sandbox {
        pre: link(&component, metering)?,
        limits: Arc::new(limits.clone()),
        name: name.as_ref().into(),
        clock: match metering {
            Metering::Fuel => None,
            Metering::Wall => Some(Clock::running()?),
        },
    });
    let plugins = manifest::read(&sandbox)?;
    let mut entries: Vec<Entry> = Vec::new();
    for (kind, info) in plugins {
        let id = info.id.clone();
        if entries.iter().any(|e| e.info.id == id) {
            return Err(format!("its manifest lists plugin `{id}` twice: rename one of them"));
        }
        let maker = maker(&sandbox, kind, &id)?;
        let source = file.path.display().to_string();
        entries.push(Entry { info, maker, source, form: Form::Wasm, sha256: Some(file.sha256.clone()) });
    }
    Ok(entries)
}

/// The component with `log` as its only import that answers.
fn link(component: &Component, metering: Metering) -> Result<InstancePre<guest::Guest>, String> {
    check_contract(component)?;
    let mut linker = Linker::new(engine(metering)?);
    log::add_to_linker::<_, HasSelf<guest::Guest>>(&mut linker, |guest| guest)
        .and_then(|()| linker.define_unknown_imports_as_traps(component))
        .and_then(|()| linker.instantiate_pre(component))
        .map_err(|e| format!("it cannot be linked: {}", e.root_cause()))
}

/// Refuses a component without a manifest of a known version, saying what it has instead.
fn check_contract(component: &Component) -> Result<(), String> {
    const MANIFEST: &str = "codebench:plugin/manifest@";
    if component.get_export_index(None, format!("{MANIFEST}{CONTRACT}").as_str()).is_some() {
        return Ok(());
    }
    let ty = component.component_type();
    let versions: Vec<String> = ty
        .exports(component.engine())
        .filter_map(|(name, _)| Some(name.strip_prefix(MANIFEST)?.to_owned()))
        .collect();
    Err(match versions.as_slice() {
        [] => format!("it exports no `{MANIFEST}{CONTRACT}`, so it is no plugin of codebench"),
        versions => format!(
            "it is built for version {} of the contract, this codebench knows {CONTRACT}: build it with this version's SDK",
            versions.join(", ")
        ),
    })
}

fn maker(sandbox: &Arc<Sandbox>, kind: Kind, id: &str) -> Result<Maker, String> {
    let made = match kind {
        Kind::AccelModule => hardware::accel_module(sandbox, id),
        Kind::Memory => hardware::memory(sandbox, id),
        Kind::Strategy => search::strategy(sandbox, id),
        Kind::Surrogate => search::surrogate(sandbox, id),
        Kind::CnnOp => evaluation::cnn_op(sandbox, id),
        Kind::Evaluator => evaluation::evaluator(sandbox, id),
        Kind::Engine | Kind::Executor | Kind::PublishedConstants => {
            Err("the kind is not for a sandbox".into())
        }
    };
    made.map_err(|e| {
        format!("its plugin `{id}` is of kind {kind}, but the interface of that kind is not there: {e}")
    })
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
