//! Loading a native library whose first look is behind it: reading, hashing, comparing the private copy, opening, comparing
//! layouts, listing its plugins. Every iteration loads a file that differs in one trailing number, so that nothing is
//! loaded already.

#![allow(clippy::unwrap_used, missing_docs)]

use codebench_fixtures::{Build, library};
use codebench_host::ReadFile;
use codebench_host::native::{self, Checker};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use std::path::{Path, PathBuf};

/// Where the private copies are.
fn copies(folder: &Path) -> PathBuf {
    folder.join("native")
}

/// A file of its own, and its private copy as an earlier run left it.
fn prepared(bytes: &[u8], folder: &Path, number: u64) -> PathBuf {
    let path = folder.join(format!("{number}{}", std::env::consts::DLL_SUFFIX));
    std::fs::write(&path, [bytes, &number.to_le_bytes()].concat()).unwrap();
    let sha256 = ReadFile::read(&path, None).unwrap().sha256;
    std::fs::copy(&path, copies(folder).join(format!("{sha256}{}", std::env::consts::DLL_SUFFIX))).unwrap();
    path
}

fn load(criterion: &mut Criterion) {
    let build = Build { optimised: true, ..Build::default() };
    let bytes = std::fs::read(library("codebench-every-kind-native", &build)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    // The first load makes the folder of copies, for this user alone.
    let first = folder.path().join("first");
    std::fs::write(&first, &bytes).unwrap();
    native::load_with(&ReadFile::read(&first, None).unwrap(), &Checker::Nobody, None, &copies(folder.path()))
        .unwrap();
    let mut number = 0;
    criterion.bench_function("load a native library of nine plugins", |bencher| {
        bencher.iter_batched(
            || {
                number += 1;
                prepared(&bytes, folder.path(), number)
            },
            |path| {
                native::load_with(
                    &ReadFile::read(&path, None).unwrap(),
                    &Checker::Nobody,
                    None,
                    &copies(folder.path()),
                )
                .unwrap()
                .len()
            },
            BatchSize::PerIteration,
        );
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).warm_up_time(std::time::Duration::from_millis(200)).measurement_time(std::time::Duration::from_millis(500));
    targets = load
}
criterion_main!(benches);
