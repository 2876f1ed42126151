//! Components for tests.

use codebench_api::{Catalog, Entry};
use codebench_host::ReadFile;
use codebench_host::wasm::{WasmLimits, load_with, pack};
use std::path::PathBuf;

/// The component of a guest package, in a folder of its own; `None` where guests cannot be built.
pub(crate) fn component(package: &str) -> Option<(tempfile::TempDir, PathBuf)> {
    let module = codebench_guests::module(package)?;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(format!("{package}.wasm"));
    std::fs::write(&path, pack(&module).unwrap()).unwrap();
    Some((folder, path))
}

/// The plugins of a guest package.
pub(crate) fn entries(package: &str) -> Option<Vec<Entry>> {
    let (_folder, path) = component(package)?;
    let file = ReadFile::read(&path, None).unwrap();
    Some(load_with(&file, &WasmLimits::default(), None).unwrap())
}

/// A catalogue of them.
pub(crate) fn catalog(entries: Vec<Entry>) -> Catalog {
    let mut catalog = Catalog::default();
    entries.into_iter().for_each(|e| catalog.add(e).unwrap());
    catalog
}
