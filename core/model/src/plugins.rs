//! Plugin files of an experiment, as its `[plugins]` table names them.

use serde::{Deserialize, Serialize};

/// The table `[plugins]`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct PluginsTable {
    /// Whether native libraries may be loaded: they are trusted code.
    pub allow_native: bool,
    /// The files, `[[plugins.file]]`.
    pub file: Vec<PluginFile>,
}

/// One plugin file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PluginFile {
    /// Path, relative to the experiment's folder.
    pub path: String,
    /// SHA-256 of the file, 64 hexadecimal digits; a file with another one is refused.
    #[serde(default)]
    pub sha256: Option<String>,
    /// What a WASM plugin may use.
    #[serde(default)]
    pub limits: PluginLimits,
}

/// What a WASM plugin may use; the defaults suit plugins that only compute. Native plugins know none of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PluginLimits {
    /// Instructions per call, roughly; the same on every machine.
    pub fuel: u64,
    /// Wall-clock limit of one call in milliseconds; 0 is none, and then results never depend on the clock.
    pub wall_ms: u64,
    /// Linear memory of one instance.
    pub memory_bytes: u64,
    /// Elements of all tables of one instance.
    pub table_elements: u64,
    /// Stack of one call.
    pub stack_bytes: u64,
    /// Answer of one call.
    pub result_bytes: u64,
    /// Text that one instance may log.
    pub log_bytes: u64,
    /// The file itself, checked before it is compiled.
    pub module_bytes: u64,
    /// Wall-clock limit of compiling, in milliseconds.
    pub compile_ms: u64,
}

impl Default for PluginLimits {
    fn default() -> Self {
        PluginLimits {
            fuel: 10_000_000_000,
            wall_ms: 0,
            memory_bytes: 256 << 20,
            table_elements: 100_000,
            stack_bytes: 1 << 20,
            result_bytes: 64 << 20,
            log_bytes: 64 << 10,
            module_bytes: 16 << 20,
            compile_ms: 30_000,
        }
    }
}
