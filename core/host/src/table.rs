//! Plugin files of an experiment, as its `[plugins]` table names them.

use crate::HostError;
use crate::wasm::WasmLimits;
use serde::Deserialize;
use std::ops::Range;
use std::path::PathBuf;
use toml::Spanned;

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
#[serde(from = "Placed")]
pub struct PluginFile {
    /// Path, relative to the experiment's folder.
    pub path: PathBuf,
    /// SHA-256 of the file, 64 hexadecimal digits; a file with another one is refused.
    pub sha256: Option<String>,
    /// What it may use, if it is a WebAssembly component.
    pub limits: WasmLimits,
    /// Where the experiment says so; empty for a file that no experiment names.
    pub places: FilePlaces,
}

/// Bytes of an experiment's text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FilePlaces {
    /// Of the path.
    pub path: Range<usize>,
    /// Of the pin, if there is one.
    pub sha256: Option<Range<usize>>,
    /// Of the limits, if there are any.
    pub limits: Option<Range<usize>>,
}

/// A [`PluginFile`] as TOML has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Placed {
    path: Spanned<PathBuf>,
    sha256: Option<Spanned<String>>,
    limits: Option<Spanned<WasmLimits>>,
}

impl From<Placed> for PluginFile {
    fn from(placed: Placed) -> Self {
        let places = FilePlaces {
            path: placed.path.span(),
            sha256: placed.sha256.as_ref().map(Spanned::span),
            limits: placed.limits.as_ref().map(Spanned::span),
        };
        PluginFile {
            path: placed.path.into_inner(),
            sha256: placed.sha256.map(Spanned::into_inner),
            limits: placed.limits.map(Spanned::into_inner).unwrap_or_default(),
            places,
        }
    }
}

/// The only table of an experiment that is read here.
#[derive(Deserialize)]
struct WithPlugins {
    #[serde(default)]
    plugins: PluginsTable,
}

impl PluginsTable {
    /// The table `[plugins]` of an experiment's `text`; empty if the text has none, or is no TOML: whoever reads the experiment says so.
    ///
    /// # Errors
    /// Text that is TOML and whose table cannot be read, with its place. It is never left out: it may hold pins.
    pub fn of_experiment(text: &str) -> Result<PluginsTable, toml::de::Error> {
        if toml::de::DeTable::parse(text).is_err() {
            return Ok(PluginsTable::default());
        }
        toml::from_str::<WithPlugins>(text).map(|read| read.plugins)
    }
}

impl PluginFile {
    /// Where the experiment says what `error`, an error about this file, is about.
    pub fn place_of(&self, error: &HostError) -> Range<usize> {
        let of_value = match error {
            HostError::MalformedPin { .. } | HostError::PinMismatch { .. } => &self.places.sha256,
            HostError::Limits { .. } => &self.places.limits,
            _ => &None,
        };
        of_value.clone().unwrap_or_else(|| self.places.path.clone())
    }

    /// A file without a pin.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        PluginFile {
            path: path.into(),
            sha256: None,
            limits: WasmLimits::default(),
            places: FilePlaces::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_any_size_elsewhere_do_not_hide_the_table() {
        for seed in ["1", "9223372036854775808", "18446744073709551615"] {
            let text = format!("seed = {seed}\n[[plugins.file]]\npath = \"a.so\"\nsha256 = \"00\"\n");
            let table = PluginsTable::of_experiment(&text).unwrap();
            assert_eq!(table.file.len(), 1, "{seed}");
            assert_eq!(table.file[0].sha256.as_deref(), Some("00"), "{seed}");
        }
    }

    #[test]
    fn limits_are_read_whole_or_refused() {
        let text =
            |fuel: &str| format!("[[plugins.file]]\npath = \"a.wasm\"\nlimits = {{ fuel = {fuel} }}\n");
        let most = PluginsTable::of_experiment(&text("18446744073709551615")).unwrap();
        assert_eq!(most.file[0].limits.fuel, u64::MAX);
        for wrong in ["-1", "18446744073709551616", "999999999999999999999999999999999999999999999", "\"1\""]
        {
            assert!(PluginsTable::of_experiment(&text(wrong)).is_err(), "{wrong}");
        }
        assert_eq!(PluginsTable::of_experiment("seed = = 1").unwrap(), PluginsTable::default());
    }
}
