//! Plugin files of an experiment, as its `[plugins]` table names them.

use crate::wasm::WasmLimits;
use serde::Deserialize;
use std::path::PathBuf;

/// The table `[plugins]`.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct PluginsTable {
    /// Whether the native libraries among the files may be loaded: they are trusted code.
    pub allow_native: bool,
    /// The files, `[[plugins.file]]`.
    pub file: Vec<PluginFile>,
}

/// One plugin file, or a folder of them.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PluginFile {
    /// Path, relative to the experiment's folder.
    pub path: PathBuf,
    /// SHA-256 of the file, 64 hexadecimal digits; a file with another one is refused.
    #[serde(default)]
    pub sha256: Option<String>,
    /// What it may use, if it is a WebAssembly component.
    #[serde(default)]
    pub limits: WasmLimits,
}

impl PluginFile {
    /// A file without a pin.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        PluginFile { path: path.into(), sha256: None, limits: WasmLimits::default() }
    }
}
