//! Loading a native library whose first look is behind it: reading, hashing, comparing the private copy, opening, comparing
//! layouts, listing its plugins. Every iteration loads a file that differs in one trailing number, so that nothing is
//! loaded already.

#![allow(clippy::unwrap_used, missing_docs)]

use codebench_fixtures::{Build, library};
use codebench_host::native::{self, Checker};
use codebench_host::{ReadFile, cache_folder};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use std::path::PathBuf;

/// A file of its own, and its private copy as an earlier run left it.
fn prepared(bytes: &[u8], folder: &std::path::Path, number: u64) -> PathBuf {
    let path = folder.join(format!("{number}{}", std::env::consts::DLL_SUFFIX));
    std::fs::write(&path, [bytes, &number.to_le_bytes()].concat()).unwrap();
    let sha256 = ReadFile::read(&path, None).unwrap().sha256;
    let copies = cache_folder().unwrap().join("native");
    std::fs::create_dir_all(&copies).unwrap();
    std::fs::copy(&path, copies.join(format!("{sha256}{}", std::env::consts::DLL_SUFFIX))).unwrap();
    path
}

fn load(criterion: &mut Criterion) {
    let build = Build { optimised: true, ..Build::default() };
    let bytes = std::fs::read(library("codebench-every-kind-native", &build)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut number = 0;
    criterion.bench_function("load a native library of nine plugins", |bencher| {
        bencher.iter_batched(
            || {
                number += 1;
                prepared(&bytes, folder.path(), number)
            },
            |path| native::load(&ReadFile::read(&path, None).unwrap(), &Checker::Nobody, None).unwrap().len(),
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
