//! The engine on libtorch, a library that is built and loaded where there is a libtorch.

use crate::{ENGINES, Pair, built_in};
use codebench_api::{Catalog, Entry};
use codebench_fixtures::{Build, copies, library, root};
use codebench_host::ReadFile;
use codebench_host::native::{self, Checker};
use codebench_model::Parameters;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Says where a libtorch is, to the build of torch-sys.
const VARIABLES: [&str; 2] = ["LIBTORCH", "LIBTORCH_USE_PYTORCH"];

/// The library of the engine on libtorch, built once in a process, in the profile of this crate. `None`, with a note, on a machine without libtorch.
///
/// # Panics
/// If it cannot be built; without libtorch where `CI` is `true`.
pub fn torch_library() -> Option<PathBuf> {
    static LIBRARY: OnceLock<Option<PathBuf>> = OnceLock::new();
    LIBRARY.get_or_init(build).clone()
}

fn build() -> Option<PathBuf> {
    const PACKAGE: &str = "codebench-trainer-tch-native";
    let manifest = Some("plugins/trainer-tch/Cargo.toml");
    let optimised = !cfg!(debug_assertions);
    if VARIABLES.iter().any(|name| std::env::var_os(name).is_some()) {
        return Some(library(PACKAGE, &Build { optimised, manifest, ..Build::default() }));
    }
    let fetched = root().join("target/libtorch");
    if fetched.join("build-version").exists() {
        let environment: &[(&str, &Path)] = &[("LIBTORCH", &fetched)];
        return Some(library(PACKAGE, &Build { optimised, manifest, environment, ..Build::default() }));
    }
    let ci = std::env::var_os("CI").is_some_and(|value| value == "true");
    assert!(!ci, "there is no libtorch: plugins/trainer-tch/libtorch fetches it");
    println!("SKIPPED: there is no libtorch; plugins/trainer-tch/libtorch fetches it into target/libtorch");
    None
}

/// Both engines. `None` without libtorch.
pub(crate) fn torch_pair() -> Option<Pair> {
    Some(Pair { name: ENGINES[1], catalog: catalog()?, engines: ENGINES.map(|id| (id, Parameters::new())) })
}

/// [`built_in`] and the engine on libtorch. `None` without libtorch.
///
/// # Panics
/// As [`torch_library`], and if the library does not load.
pub fn catalog() -> Option<Catalog> {
    let path = torch_library()?;
    let mut catalog = built_in();
    for entry in loaded(&path) {
        catalog.add(entry).unwrap_or_else(|e| panic!("{e}"));
    }
    Some(catalog)
}

/// The plugins of a library of the repository.
///
/// # Panics
/// If it does not load.
pub fn loaded(library: &Path) -> Vec<Entry> {
    let read = ReadFile::read(library, None).unwrap_or_else(|e| panic!("{e}"));
    native::load_with(&read, &Checker::Nobody, None, &copies()).unwrap_or_else(|e| panic!("{e}"))
}
