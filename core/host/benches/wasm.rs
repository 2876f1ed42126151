//! What the sandbox costs: loading, and one hot call by rows.
//!
//! `cargo bench -p codebench-host --bench wasm`. The guest is the example hbm3; the built-in form of the same source is the
//! measure that calls are compared with, in turns.

#![allow(clippy::unwrap_used, missing_docs)]

use codebench_api::{Catalog, Entry, Memory};
use codebench_host::ReadFile;
use codebench_host::wasm::{WasmLimits, load_with, pack};
use codebench_model::{HardwareContext, Parameters, TransferCost, TransferProfile};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;

fn guest() -> Option<(tempfile::TempDir, ReadFile)> {
    let module = codebench_guests::module("example-hbm3")?;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hbm3.wasm");
    std::fs::write(&path, pack(&module).unwrap()).unwrap();
    let file = ReadFile::read(&path, None).unwrap();
    Some((folder, file))
}

fn memory(entries: impl IntoIterator<Item = Entry>) -> Box<dyn Memory> {
    let mut catalog = Catalog::default();
    entries.into_iter().for_each(|e| catalog.add(e).unwrap());
    catalog.memory("example/hbm3", &Parameters::new(), HardwareContext::default()).unwrap()
}

fn loading(criterion: &mut Criterion) {
    let Some((folder, file)) = guest() else { return };
    let limits = WasmLimits::default();
    let mut group = criterion.benchmark_group("load");
    group.sample_size(20);
    group.bench_function("cold", |b| b.iter(|| load_with(&file, &limits, None).unwrap()));
    let cache = folder.path().join("cache");
    group.bench_function("from the cache", |b| b.iter(|| load_with(&file, &limits, Some(&cache)).unwrap()));
    group.finish();
}

/// Configuring a plugin, as every evaluation does that meets a new accelerator.
fn making(criterion: &mut Criterion) {
    let Some((_folder, file)) = guest() else { return };
    let mut sandboxed = Catalog::default();
    load_with(&file, &WasmLimits::default(), None)
        .unwrap()
        .into_iter()
        .for_each(|e| sandboxed.add(e).unwrap());
    let mut built_in = Catalog::default();
    built_in.add_all("bench", example_hbm3::PLUGINS).unwrap();
    let mut group = criterion.benchmark_group("make");
    for (form, catalog) in [("built-in", &built_in), ("wasm", &sandboxed)] {
        group.bench_function(form, |b| {
            b.iter(|| {
                catalog.memory("example/hbm3", &Parameters::new(), HardwareContext::default()).unwrap()
            });
        });
    }
    group.finish();
}

fn calls(criterion: &mut Criterion) {
    let Some((_folder, file)) = guest() else { return };
    let sandboxed = memory(load_with(&file, &WasmLimits::default(), None).unwrap());
    let built_in = memory(example_hbm3::PLUGINS.iter().map(|r| Entry::built_in(r, "bench")));
    let mut group = criterion.benchmark_group("cost");
    for rows in [1usize, 64, 4096] {
        let profiles: Vec<TransferProfile> = (0..rows as u64)
            .map(|i| TransferProfile {
                direction: i % 2,
                bytes: 4096,
                runs: 1 + i % 7,
                run_bytes: 512,
                row_activates: i % 5,
                banks: 4,
                ..TransferProfile::default()
            })
            .collect();
        let mut costs = vec![TransferCost::default(); rows];
        group.throughput(Throughput::Elements(rows as u64));
        for (form, memory) in [("built-in", &built_in), ("wasm", &sandboxed)] {
            group.bench_with_input(BenchmarkId::new(form, rows), &profiles, |b, profiles| {
                b.iter(|| memory.cost(black_box(profiles), black_box(&mut costs)).unwrap());
            });
        }
    }
    group.finish();
}

criterion_group!(benches, loading, making, calls);
criterion_main!(benches);
