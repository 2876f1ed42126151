//! The plugins that a strategy or an evaluator needs: handed across by the host in the form in which plugin files export
//! theirs.

use crate::crossing::{Crossing, PluginOf, export, import};
use abi_stable::StableAbi;
use abi_stable::std_types::RVec;
use codebench_api::{Catalog, Entry, Form, Kind, PluginError, kinds};
use std::sync::Arc;

/// What kinds without needs are made from.
pub(crate) type NoNeeds = ();

/// Every plugin of the kinds that a description declares in `needs`.
#[repr(C)]
#[derive(StableAbi, Default)]
pub(crate) struct Needs {
    surrogates: RVec<PluginOf<kinds::Surrogate>>,
    engines: RVec<PluginOf<kinds::Engine>>,
}

/// Needs on their way: collected on one side, a catalogue on the other.
pub(crate) trait CollectNeeds: 'static {
    fn collect(kinds: &[Kind], catalog: &Catalog) -> Self;
    fn catalog(self) -> Result<Catalog, PluginError>;
}

impl CollectNeeds for NoNeeds {
    fn collect(_: &[Kind], _: &Catalog) -> Self {}

    fn catalog(self) -> Result<Catalog, PluginError> {
        Ok(Catalog::default())
    }
}

impl CollectNeeds for Needs {
    fn collect(kinds: &[Kind], catalog: &Catalog) -> Self {
        Needs {
            surrogates: exported::<kinds::Surrogate>(kinds, catalog),
            engines: exported::<kinds::Engine>(kinds, catalog),
        }
    }

    fn catalog(self) -> Result<Catalog, PluginError> {
        let mut catalog = Catalog::default();
        add::<kinds::Surrogate>(&mut catalog, self.surrogates)?;
        add::<kinds::Engine>(&mut catalog, self.engines)?;
        Ok(catalog)
    }
}

fn exported<K: Crossing>(needed: &[Kind], catalog: &Catalog) -> RVec<PluginOf<K>> {
    let wanted = |entry: &&Entry| entry.kind() == K::KIND && needed.contains(&K::KIND);
    catalog.entries().filter(wanted).filter_map(|entry| export::<K>(&entry.info, &entry.maker)).collect()
}

fn add<K: Crossing>(catalog: &mut Catalog, plugins: RVec<PluginOf<K>>) -> Result<(), PluginError>
where
    PluginOf<K>: Send + Sync,
{
    for plugin in plugins {
        let (info, maker) = import::<K>(Arc::new(plugin));
        let entry = Entry { info, maker, source: "the host".into(), form: Form::BuiltIn, sha256: None };
        catalog.add(entry).map_err(|e| PluginError::contract(e.to_string()))?;
    }
    Ok(())
}
