//! JSON documents: how everything with structure crosses.

use abi_stable::std_types::RString;
use codebench_api::PluginError;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// One JSON document.
pub(crate) type Document = RString;

/// Writes `value`; `what` names it in errors.
pub(crate) fn write<T: Serialize + ?Sized>(what: &str, value: &T) -> Result<Document, PluginError> {
    serde_json::to_string(value)
        .map(RString::from)
        .map_err(|e| PluginError::contract(format!("{what} cannot be written as JSON: {e}")))
}

/// Reads a document. A number that is not finite is written as `null` and refused here.
pub(crate) fn read<T: DeserializeOwned>(what: &str, document: &str) -> Result<T, PluginError> {
    serde_json::from_str(document)
        .map_err(|e| PluginError::contract(format!("{what} is no valid document: {e}")))
}
