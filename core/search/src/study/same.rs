//! What a store must agree with to be gone on with, or to be believed.

use super::plugins;
use super::setup::Setup;
use crate::canonical;
use crate::error::SearchError;
use crate::experiment::Experiment;
use crate::store::{PluginRow, Store};
use codebench_api::Catalog;
use codebench_cnn::Language;
use std::collections::BTreeMap;

/// What studies read beside their experiment, the same for every strategy and seed.
pub(crate) struct Basis {
    language: Language,
    contents: BTreeMap<String, String>,
}

impl Basis {
    /// # Errors
    /// Parts of the experiment that do not fit together.
    pub(crate) fn of(experiment: &Experiment, catalog: &Catalog) -> Result<Basis, SearchError> {
        let setup = Setup::new(experiment.clone(), catalog, Some(1))?;
        Ok(Basis { language: setup.language, contents: setup.contents })
    }

    /// Refuses the store of another experiment, of plugins of other versions or files, or of other data.
    pub(crate) fn check(
        &self,
        store: &Store,
        experiment: &Experiment,
        catalog: &Catalog,
    ) -> Result<(), SearchError> {
        check_same(store, experiment, &plugins::rows(experiment, &self.language, catalog), &self.contents)
    }
}

/// Refuses to go on with another experiment, with plugins of other versions, or with other data.
pub(super) fn check_same(
    store: &Store,
    experiment: &Experiment,
    plugins: &[PluginRow],
    contents: &BTreeMap<String, String>,
) -> Result<(), SearchError> {
    let stored = store.fact("identity")?.unwrap_or_default();
    let identity = experiment.identity();
    let parse = |text: &str| serde_json::from_str(text).unwrap_or(serde_json::Value::Null);
    let mut differences = if stored == identity {
        Vec::new()
    } else {
        canonical::differences(&parse(&stored), &parse(&identity), 12)
    };
    for old in store.plugins()? {
        if let Some(new) = plugins.iter().find(|new| new.role == old.role && new.version != old.version) {
            differences.push(format!("version of plugin {}: {} -> {}", old.id, old.version, new.version));
        } else if let Some(new) = plugins.iter().find(|new| new.role == old.role && new.sha256 != old.sha256)
        {
            let file = |row: &PluginRow| row.sha256.clone().unwrap_or_else(|| "built in".into());
            differences.push(format!("file of plugin {}: {} -> {}", old.id, file(&old), file(new)));
        }
    }
    // Stores of earlier versions do not say what was read.
    let read = store.fact("contents")?.and_then(|text| serde_json::from_str(&text).ok());
    let read: BTreeMap<String, String> = read.unwrap_or_default();
    for (what, old) in &read {
        if let Some(new) = contents.get(what).filter(|new| *new != old) {
            differences.push(format!("contents of {what}: {old} -> {new}"));
        }
    }
    if differences.is_empty() { Ok(()) } else { Err(SearchError::Changed { differences }) }
}
