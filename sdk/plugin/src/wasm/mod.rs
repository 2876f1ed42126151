//! The WASM form: the exports of a component, made from a crate's `PLUGINS`.
//!
//! Every kind's interface is exported; the code behind those of which `PLUGINS` holds none is a constant refusal, which
//! the linker drops.

pub mod bindings;
mod convert;
mod evaluation;
mod hardware;
mod manifest;
mod search;

use bindings::codebench::plugin::log;
use bindings::codebench::plugin::types;
use codebench_api::{Catalog, Configuration, Factory, Kind, PluginError, Registration};
use codebench_model::{HardwareContext, Parameters};
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::sync::Once;

/// The plugins of a component; `codebench_sdk::export!` implements it.
pub trait Plugins: 'static {
    /// The crate's `PLUGINS`.
    const PLUGINS: &'static [Registration];
}

/// What the component's exports are generic over.
pub struct Component<P>(PhantomData<P>);

/// An instance of a component's plugin.
pub struct Created<P, I> {
    instance: I,
    of: PhantomData<P>,
}

impl<P, I> Created<P, I> {
    fn new(instance: I) -> Self {
        Created { instance, of: PhantomData }
    }
}

/// Whether any of `plugins` is of the kind.
const fn has(plugins: &[Registration], kind: Kind) -> bool {
    let mut i = 0;
    while i < plugins.len() {
        let is = match plugins[i].factory {
            Factory::CnnOp(_) => matches!(kind, Kind::CnnOp),
            Factory::AccelModule(_) => matches!(kind, Kind::AccelModule),
            Factory::Memory(_) => matches!(kind, Kind::Memory),
            Factory::Surrogate(_) => matches!(kind, Kind::Surrogate),
            Factory::Strategy(_) => matches!(kind, Kind::Strategy),
            Factory::Evaluator(_) => matches!(kind, Kind::Evaluator),
            Factory::Engine(_) => matches!(kind, Kind::Engine),
            Factory::Executor(_) => matches!(kind, Kind::Executor),
            Factory::PublishedConstants(_) => matches!(kind, Kind::PublishedConstants),
        };
        if is {
            return true;
        }
        i += 1;
    }
    false
}

/// The factory of plugin `id`.
fn find(plugins: &[Registration], id: &str) -> Result<Factory, types::Error> {
    report_panics();
    plugins.iter().find(|p| (p.info)().id == id).map(|p| p.factory).ok_or_else(|| {
        PluginError::not_found(format!("this file holds no plugin `{id}` of this kind")).into()
    })
}

/// The refusal of a kind that the file does not hold.
fn absent(id: &str) -> types::Error {
    PluginError::not_found(format!("this file holds no plugin `{id}` of this kind")).into()
}

/// Traps, in a call on an instance of a kind that the file does not hold, and of which none can have been made.
fn never_made() -> ! {
    std::process::abort()
}

/// A panic is a trap, whose reason the host learns from the log.
fn report_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        std::panic::set_hook(Box::new(|panic| log::write(log::Level::Error, &panic.to_string())));
    });
}

/// What an instance is configured from; lives as long as the call of its factory.
struct Configured {
    parameters: Parameters,
    /// Empty, so that there is nothing to drop: what drops a full one is code that the host would compile.
    catalog: ManuallyDrop<Catalog>,
    hardware: HardwareContext,
}

impl Configured {
    fn new(configuration: types::Configuration) -> Self {
        let hardware =
            HardwareContext { clock_khz: configuration.clock_khz, word_bits: configuration.word_bits };
        let mut parameters = Parameters::new();
        // Not collected, which would bring a sort along, code that the host compiles before the first call.
        for parameter in configuration.parameters {
            parameters.insert(parameter.name, parameter.value.into());
        }
        Configured { parameters, catalog: ManuallyDrop::new(Catalog::default()), hardware }
    }

    fn as_configuration(&self) -> Configuration<'_> {
        Configuration { parameters: &self.parameters, catalog: &self.catalog, hardware: self.hardware }
    }
}

/// `text` as a document.
fn read<'a, T: serde::Deserialize<'a>>(what: &str, text: &'a str) -> Result<T, types::Error> {
    serde_json::from_str(text).map_err(|e| {
        PluginError::contract(format!("the host sent a {what} that this plugin cannot read: {e}")).into()
    })
}

/// `value` as a document.
fn written<T: serde::Serialize>(value: &T) -> Result<String, types::Error> {
    serde_json::to_string(value)
        .map_err(|e| PluginError::contract(format!("the answer cannot be written as JSON: {e}")).into())
}

/// Refuses rows of another layout than this SDK's.
fn check_layout(layout: u32, known: u32) -> Result<(), types::Error> {
    if layout == known {
        return Ok(());
    }
    Err(PluginError::contract(format!(
        "layout version {layout}: this plugin knows {known} only; build it with the host's SDK"
    ))
    .into())
}
