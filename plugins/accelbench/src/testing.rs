//! For the tests: makes plugins of this crate.

use codebench_sdk::api::Catalog;
use codebench_sdk::prelude::*;

fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    catalog.add_all("here", crate::PLUGINS).unwrap();
    catalog
}

fn read(text: &str) -> Parameters {
    toml::from_str(text).unwrap()
}

/// A module by id, with parameters as TOML lines, in the paper's hardware.
pub(crate) fn module(id: &str, parameters: &str) -> Box<dyn AccelModule> {
    catalog().accel_module(id, &read(parameters), HardwareContext::default()).unwrap()
}

/// A memory by id.
pub(crate) fn memory(id: &str, parameters: &str) -> Result<Box<dyn Memory>, PluginError> {
    catalog().memory(id, &read(parameters), HardwareContext::default())
}
