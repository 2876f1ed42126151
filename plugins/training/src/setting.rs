//! What every evaluator of this crate takes from its user: an engine, and data sets.

use crate::data::{self, Splits};
use codebench_sdk::api::Entry;
use codebench_sdk::prelude::*;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The parameters by which a user names an engine.
pub(crate) fn engine_parameters() -> [ParameterDescription; 2] {
    [
        ParameterDescription::text("engine", "codebench/burn", "Plugin of kind engine that computes."),
        ParameterDescription::text(
            "engine_parameters",
            "",
            "Its parameters, as `name = value` separated by commas; those not given keep its defaults.",
        ),
    ]
}

/// The engine that they name.
pub(crate) struct ChosenEngine {
    pub(crate) id: String,
    pub(crate) version: String,
    /// Of the file that it came from.
    pub(crate) sha256: Option<String>,
    pub(crate) parameters: Parameters,
    pub(crate) engine: Box<dyn Engine>,
}

impl ChosenEngine {
    pub(crate) fn configure(configuration: &Configuration<'_>) -> Result<ChosenEngine, PluginError> {
        let id = configuration.text("engine")?.to_owned();
        let Entry { info, sha256, .. } = configuration.catalog.get(&id)?;
        let parameters = configuration.parameters_of(info, "engine_parameters")?;
        let engine = configuration.catalog.engine(&id, &parameters)?;
        Ok(ChosenEngine { id, version: info.version.clone(), sha256: sha256.clone(), parameters, engine })
    }
}

/// Data sets that were read already, by the JSON of their source.
#[derive(Default)]
pub(crate) struct LoadedData(Mutex<BTreeMap<String, Arc<Splits>>>);

impl LoadedData {
    /// The data set of `source`, read once.
    pub(crate) fn splits(&self, source: &DataSource) -> Result<Arc<Splits>, PluginError> {
        let key = serde_json::to_string(source)
            .map_err(|e| PluginError::invalid(format!("data source `{}`: {e}", source.id)))?;
        // A poisoned lock only says that another evaluation failed while reading; the map is whole.
        let mut loaded = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(splits) = loaded.get(&key) {
            return Ok(Arc::clone(splits));
        }
        let splits = Arc::new(data::load(source)?);
        loaded.insert(key, Arc::clone(&splits));
        Ok(splits)
    }
}
