//! Components for tests.

use codebench_api::{Catalog, Entry};
use codebench_host::ReadFile;
use codebench_host::wasm::{WasmLimits, load_with, pack};

/// The plugins of a guest package.
pub(crate) fn entries(package: &str) -> Option<Vec<Entry>> {
    Some(loaded(&codebench_guests::module(package)?))
}

/// The plugins of a core module.
pub(crate) fn loaded(module: &[u8]) -> Vec<Entry> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("guest.wasm");
    std::fs::write(&path, pack(module).unwrap()).unwrap();
    let file = ReadFile::read(&path, None).unwrap();
    load_with(&file, &WasmLimits::default(), None).unwrap()
}

/// A catalogue of them.
pub(crate) fn catalog(entries: Vec<Entry>) -> Catalog {
    let mut catalog = Catalog::default();
    entries.into_iter().for_each(|e| catalog.add(e).unwrap());
    catalog
}
