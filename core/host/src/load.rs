//! From files to a catalogue: which files, with whose consent, and what comes of them.

use crate::native::{self, Checker};
use crate::trust::Trust;
use crate::wasm::{self, WasmLimits};
use crate::{FileFormat, HostError, PluginFile, ReadFile, data_folder};
use codebench_api::{Catalog, Entry};
use std::path::{Path, PathBuf};

/// The vendor of everything that is built in; no file may claim it.
pub const RESERVED_VENDOR: &str = "codebench";

/// What to load beside the built-in plugins.
#[derive(Debug, Clone)]
pub struct LoadRequest {
    /// Files and folders that the user names; one that is refused is an error.
    pub named: Vec<NamedFile>,
    /// Whether to look into `CODEBENCH_PLUGIN_PATH` and the folder `plugins` of [`data_folder`], where a file that is refused
    /// is left out.
    pub discover: bool,
    /// Consent to every native library, wherever it is found.
    pub allow_native: bool,
    /// Who looks at native libraries first.
    pub checker: Checker,
}

/// A file or folder that the user names.
#[derive(Debug, Clone)]
pub struct NamedFile {
    /// Where, with its pin and limits.
    pub file: PluginFile,
    /// Consent, if it is a native library.
    pub allow_native: bool,
}

/// What came of a request.
pub struct Loaded {
    /// The built-in plugins and those of the files.
    pub catalog: Catalog,
    /// Files that were found, not named, and left out.
    pub refused: Vec<RefusedFile>,
}

/// A file that was left out.
#[derive(Debug, Clone)]
pub struct RefusedFile {
    /// The file.
    pub path: PathBuf,
    /// What it seems to be.
    pub format: Option<FileFormat>,
    /// Its hash, if it could be read.
    pub sha256: Option<String>,
    /// Why.
    pub error: HostError,
}

/// Adds the plugins of files to `catalog`.
///
/// # Errors
/// A named file that is refused; two plugins that claim one id or keyword; a list of trusted files that cannot be read.
pub fn load(catalog: Catalog, request: &LoadRequest) -> Result<Loaded, HostError> {
    let mut loader = Loader { catalog, request, trust: Trust::read()?, seen: Vec::new() };
    for named in &request.named {
        for path in files_at(&named.file.path)? {
            let file = ReadFile::read(&path, named.file.sha256.as_deref())?;
            loader.add(&file, &named.file, named.allow_native)?;
        }
    }
    let found = if request.discover { discovered() } else { Vec::new() };
    let mut refused = Vec::new();
    for path in found {
        let read = ReadFile::read(&path, None);
        let added = match &read {
            Ok(file) => loader.add(file, &PluginFile::at(&path), false),
            Err(error) => Err(error.clone()),
        };
        if let Err(error) = added {
            let (format, sha256) = (read.as_ref().ok().map(|f| f.format), read.ok().map(|f| f.sha256));
            refused.push(RefusedFile { path, format, sha256, error });
        }
    }
    Ok(Loaded { catalog: native::watched(loader.catalog)?, refused })
}

struct Loader<'a> {
    catalog: Catalog,
    request: &'a LoadRequest,
    trust: Trust,
    /// Hashes of the files that are loaded, with the limits of each.
    seen: Vec<(String, WasmLimits)>,
}

impl Loader<'_> {
    /// Adds all plugins of a file, or none. One that is there already must have the limits that it has.
    fn add(&mut self, file: &ReadFile, named: &PluginFile, consent: bool) -> Result<(), HostError> {
        if let Some((_, limits)) = self.seen.iter().find(|(sha256, _)| *sha256 == file.sha256) {
            return same_limits(file, limits, &named.limits);
        }
        let entries = self.open(file, named, consent)?;
        let mut with_them = self.catalog.clone();
        for entry in entries {
            let id = &entry.info.id;
            if id.split('/').next() == Some(RESERVED_VENDOR) {
                return Err(file.refused(format!(
                    "its plugin `{id}` claims the vendor `{RESERVED_VENDOR}`, which is that of the built-in plugins: give it a vendor of its own"
                )));
            }
            with_them.add(entry)?;
        }
        self.catalog = with_them;
        self.seen.push((file.sha256.clone(), named.limits.clone()));
        Ok(())
    }

    fn open(&self, file: &ReadFile, named: &PluginFile, consent: bool) -> Result<Vec<Entry>, HostError> {
        let bad_limits = |reason| HostError::Limits { path: file.path.clone(), reason };
        named.limits.check().map_err(bad_limits)?;
        match file.format {
            FileFormat::Wasm => wasm::load(file, &named.limits),
            FileFormat::Native if !(consent || self.request.allow_native || self.trust.has(&file.sha256)) => {
                Err(HostError::NotTrusted { path: file.path.clone() })
            }
            FileFormat::Native => {
                named.limits.only_wall().map_err(bad_limits)?;
                native::load(file, &self.request.checker, named.limits.wall_s)
            }
            FileFormat::Precompiled => Err(file.refused(
                "it is code that a WebAssembly runtime compiled earlier, which nobody can check: give the component itself",
            )),
            FileFormat::Unknown => Err(file.refused(
                "it is neither a native library nor a WebAssembly component: give the file that `cargo build` or \
                 `codebench plugin pack` made",
            )),
        }
    }
}

/// A further mention of a file has the limits of the first, or none.
fn same_limits(file: &ReadFile, first: &WasmLimits, again: &WasmLimits) -> Result<(), HostError> {
    if again == first || *again == WasmLimits::default() {
        return Ok(());
    }
    let reason = "it was named before with other limits, or in a folder without any: give its limits where it is named first";
    Err(HostError::Limits { path: file.path.clone(), reason: reason.to_owned() })
}

/// The file itself, or the plugin files of a folder in order of their names.
fn files_at(path: &Path) -> Result<Vec<PathBuf>, HostError> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let unreadable = |e: std::io::Error| HostError::Read { path: path.to_owned(), reason: e.to_string() };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(unreadable)? {
        let file = entry.map_err(unreadable)?.path();
        let extension = file.extension().and_then(|e| e.to_str()).unwrap_or_default();
        if matches!(extension, "so" | "dylib" | "dll" | "wasm") && file.is_file() {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

/// The files in `CODEBENCH_PLUGIN_PATH` and in the user's own folder. What is not there or cannot be listed is empty.
fn discovered() -> Vec<PathBuf> {
    let listed = std::env::var_os("CODEBENCH_PLUGIN_PATH").unwrap_or_default();
    let listed = std::env::split_paths(&listed).filter(|p| !p.as_os_str().is_empty()).collect::<Vec<_>>();
    let own = data_folder().map(|folder| folder.join("plugins")).filter(|folder| folder.is_dir());
    let mut files: Vec<PathBuf> = Vec::new();
    for file in listed.iter().chain(&own).flat_map(|path| files_at(path).unwrap_or_default()) {
        // A file that is refused is told once.
        if !files.contains(&file) {
            files.push(file);
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Limits of which none can be are refused whatever the file is, and before anything of it runs.
    #[test]
    fn limits_that_make_no_sense_are_refused_beside_a_library_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("library.so");
        std::fs::write(&path, b"\x7fELF\x02\x01\x01\0").unwrap();
        for wall_s in [f64::NAN, -1.0, 0.0, 1e300] {
            let limits = WasmLimits { wall_s: Some(wall_s), ..WasmLimits::default() };
            let file = PluginFile { limits, ..PluginFile::at(&path) };
            let request = LoadRequest {
                named: vec![NamedFile { file, allow_native: true }],
                discover: false,
                allow_native: false,
                checker: Checker::Nobody,
            };
            let refused = load(Catalog::default(), &request).err().unwrap().to_string();
            assert!(
                refused.ends_with(&format!(
                    "limit `wall_s` = {wall_s}: give seconds, more than 0 and at most 86400"
                )),
                "{refused}"
            );
        }
    }

    #[test]
    fn limits_beside_a_second_mention_are_not_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, b"the same bytes").unwrap();
            ReadFile::read(&path, None).unwrap()
        };
        let (first, default) = (WasmLimits { fuel: 7, ..WasmLimits::default() }, WasmLimits::default());
        let again = file("again.wasm");
        assert_eq!(same_limits(&again, &first, &first), Ok(()));
        assert_eq!(same_limits(&again, &first, &default), Ok(()));
        for (first, again_limits) in [(&default, &first), (&first, &WasmLimits { fuel: 8, ..first.clone() })]
        {
            let refused = same_limits(&again, first, again_limits).unwrap_err().to_string();
            assert!(
                refused.contains("again.wasm` is refused: it was named before with other limits"),
                "{refused}"
            );
        }
    }
}
