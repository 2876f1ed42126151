//! Modules that several accelerators share.

use super::CostMemo;
use codebench_api::{Memory, PluginError};
use codebench_model::{HardwareContext, MemoryFacts, ModuleFacts, Parameters};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// Modules and memories that are kept: few, because each keeps what it has answered.
const MOST_PARTS: usize = 1 << 8;

/// A module as it is kept.
pub(super) type KeptModule = (ModuleFacts, Arc<CostMemo>);
/// A memory as it is kept.
pub(super) type KeptMemory = (MemoryFacts, Arc<dyn Memory>);

/// Modules that have been configured before, with the costs that they have answered, for
/// [`Machine::resolve_with`](super::Machine::resolve_with). Plugins are pure, so that sharing never changes a result; a
/// catalogue must not change what an id means while it is used with the same `Parts`.
#[derive(Default)]
pub struct Parts {
    modules: Kept<KeptModule>,
    memories: Kept<KeptMemory>,
}

struct Kept<T>(RwLock<HashMap<String, T>>);

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Kept(RwLock::default())
    }
}

impl<T: Clone> Kept<T> {
    fn get(&self, key: &str, make: impl FnOnce() -> Result<T, PluginError>) -> Result<T, PluginError> {
        if let Some(known) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(key) {
            return Ok(known.clone());
        }
        let made = make()?;
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST_PARTS {
            kept.clear();
        }
        kept.insert(key.to_owned(), made.clone());
        Ok(made)
    }
}

fn key(plugin: &str, parameters: &Parameters, context: HardwareContext) -> String {
    format!("{plugin} {} {} {parameters:?}", context.clock_khz, context.word_bits)
}

impl Parts {
    pub(super) fn module(
        &self,
        (plugin, parameters, context): (&str, &Parameters, HardwareContext),
        make: impl FnOnce() -> Result<KeptModule, PluginError>,
    ) -> Result<KeptModule, PluginError> {
        self.modules.get(&key(plugin, parameters, context), make)
    }

    pub(super) fn memory(
        &self,
        (plugin, parameters, context): (&str, &Parameters, HardwareContext),
        make: impl FnOnce() -> Result<KeptMemory, PluginError>,
    ) -> Result<KeptMemory, PluginError> {
        self.memories.get(&key(plugin, parameters, context), make)
    }
}
