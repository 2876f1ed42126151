//! Speed of the `cycle` fidelity, warm. `tests/tools/speed` runs it and fills the tables and plots of the book's page on
//! speed: beside criterion's times, each case prints a line `case {...}` with its tiles, the tasks that were followed one by
//! one, and the peak memory of the process while it ran.

#![allow(missing_docs, clippy::print_stdout, reason = "criterion's macros; lines for the script")]

use codebench_api::Catalog;
use codebench_cnn::{Language, named};
use codebench_model::accelerator::PUBLISHED_NAMES;
use codebench_model::hardware::TilePolicy;
use codebench_model::{
    AcceleratorDescription, AcceleratorInput, ParameterValue, Parameters, TensorShape, TileSize, Workload,
};
use codebench_sim::cycle::{Machine, Options, Parts, Prepared, Sparsity, describe, evaluate};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rayon::prelude::*;
use std::hint::black_box;
use std::sync::LazyLock;

static CATALOG: LazyLock<Option<Catalog>> = LazyLock::new(|| {
    let _ = (codebench_accelbench::PLUGINS.len(), codebench_cnn_ops::PLUGINS.len());
    Catalog::built_in().ok()
});

/// Networks at 224 pixels, on the paper's default accelerator.
const NETWORKS: [&str; 4] = ["resnet50", "vgg16", "mobilenet-v2", "efficientnet-b0"];
/// Accelerators of one round.
const ACCELERATORS: u64 = 1000;

fn workload(name: &str, side: u64) -> Option<Workload> {
    let network = named::find_for_image(name, side).ok()?;
    let language = Language::new(CATALOG.as_ref()?).ok()?;
    Some(language.lower(&network.graph, TensorShape::new(3, side, side), 1000).ok()?.workload)
}

/// The paper's default accelerator at a batch.
fn machine(batch: u64) -> Option<Machine> {
    let batch = [("batch".to_owned(), ParameterValue::Float(batch as f64))].into();
    Machine::resolve(&describe(&AcceleratorInput::Named(batch)).ok()?, CATALOG.as_ref()?).ok()
}

/// A point of the published space (`examples/spaces/accelbench.toml`), by number.
fn accelerator(number: u64) -> AcceleratorInput {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut draw = |values: &[u64]| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        values[(state >> 33) as usize % values.len()]
    };
    let eight = [1, 2, 3, 4, 5, 6, 7, 8];
    let megabytes = [1, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24];
    let kernel = draw(&[1, 3, 5, 7]);
    let (memory, organisation) = match draw(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]) {
        rram @ 0..6 => (1, rram + 1),
        dram @ 6..10 => (2, dram - 5),
        _ => (3, 1),
    };
    let values = [
        draw(&[1, 2, 4]),
        draw(&[1, 16]),
        draw(&eight),
        draw(&eight),
        draw(&[1, 2, 4, 8]),
        kernel,
        kernel,
        draw(&[1, 64, 128, 256, 512]),
        draw(&megabytes),
        draw(&megabytes),
        draw(&[1, 2, 3, 4]),
        memory,
        organisation,
    ];
    let named = PUBLISHED_NAMES.iter().zip(values);
    let named: Parameters =
        named.map(|(name, value)| ((*name).to_owned(), ParameterValue::Float(value as f64))).collect();
    AcceleratorInput::Named(named)
}

/// Prints what one simulation does, for the script.
fn tell(group: &str, case: &str, workload: &Workload, machine: &Machine) {
    // Linux forgets the peak so far.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let Ok((_, timeline)) = evaluate(machine, workload, &Sparsity::Paper, Options::default()) else { return };
    let tiles: u64 = timeline.layers.iter().map(|layer| layer.tiles).sum();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak_kib = peak.and_then(|text| text.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    println!(
        "case {{\"group\":\"{group}\",\"case\":\"{case}\",\"layers\":{},\"tiles\":{tiles},\"stepped\":{},\"peak_kib\":{}}}",
        timeline.layers.len(),
        timeline.stepped_tasks,
        peak_kib.unwrap_or(0)
    );
}

fn one(criterion: &mut Criterion, group: &str, cases: &[(String, &str, u64, u64)]) {
    let mut benches = criterion.benchmark_group(group);
    for (case, name, side, batch) in cases {
        let (Some(workload), Some(machine)) = (workload(name, *side), machine(*batch)) else { continue };
        tell(group, case, &workload, &machine);
        benches.bench_function(BenchmarkId::from_parameter(case), |b| {
            b.iter(|| evaluate(&machine, black_box(&workload), &Sparsity::Paper, Options::default()));
        });
    }
    benches.finish();
}

fn networks(criterion: &mut Criterion) {
    let cases: Vec<_> = NETWORKS.iter().map(|name| ((*name).to_owned(), *name, 224, 1)).collect();
    one(criterion, "cycle-network", &cases);
}

fn batches(criterion: &mut Criterion) {
    let cases: Vec<_> =
        (0..10).map(|n| 1 << n).map(|batch| (batch.to_string(), "resnet50", 224, batch)).collect();
    one(criterion, "cycle-batch", &cases);
}

fn images(criterion: &mut Criterion) {
    let cases: Vec<_> = (5..11).map(|n| 1 << n).map(|side| (side.to_string(), "resnet50", side, 1)).collect();
    one(criterion, "cycle-image", &cases);
}

/// Tiles of fixed sides on an accelerator with large buffers, where most activations stay on chip.
fn tiles(criterion: &mut Criterion) {
    let mut benches = criterion.benchmark_group("cycle-tile");
    let large = ["activation_buffer_mb", "weight_buffer_mb"]
        .map(|name| (name.to_owned(), ParameterValue::Float(24.0)));
    for side in [64, 16, 4, 1] {
        let size = TileSize { y: side, x: side, ..TileSize::default() };
        let (Some(workload), Ok(description)) =
            (workload("resnet50", 224), describe(&AcceleratorInput::Named(large.clone().into())))
        else {
            continue;
        };
        let description = AcceleratorDescription { tile: TilePolicy::Fixed(size), ..description };
        let Some(machine) = CATALOG.as_ref().and_then(|c| Machine::resolve(&description, c).ok()) else {
            continue;
        };
        tell("cycle-tile", &side.to_string(), &workload, &machine);
        benches.bench_function(BenchmarkId::from_parameter(side), |b| {
            b.iter(|| evaluate(&machine, black_box(&workload), &Sparsity::Paper, Options::default()));
        });
    }
    benches.finish();
}

/// Accelerators of the published space on two threads; each round takes the next thousand of them, so that none is met twice.
/// Those that cannot run the network count too; their share is printed.
fn space(criterion: &mut Criterion) {
    let (Some(catalog), Ok(pool)) =
        (CATALOG.as_ref(), rayon::ThreadPoolBuilder::new().num_threads(2).build())
    else {
        return;
    };
    let mut group = criterion.benchmark_group("cycle-space");
    group.sample_size(10).throughput(Throughput::Elements(ACCELERATORS));
    for (case, side) in [("resnet50-224", 224), ("resnet50-32", 32)] {
        let Some(workload) = workload("resnet50", side) else { continue };
        let Ok(prepared) = Prepared::new(&workload, &Sparsity::Paper) else { continue };
        let parts = Parts::default();
        let evaluate = |number: u64| {
            let machine =
                describe(&accelerator(number)).and_then(|d| Machine::resolve_with(&d, catalog, &parts));
            machine.and_then(|machine| prepared.evaluate(&machine, Options::default())).is_ok()
        };
        let infeasible = (0..ACCELERATORS).into_par_iter().filter(|number| !evaluate(*number)).count();
        println!("case {{\"group\":\"cycle-space\",\"case\":\"{case}\",\"infeasible\":{infeasible}}}");
        let mut round = 0;
        group.bench_function(case, |b| {
            b.iter(|| {
                round += 1;
                let first = round * ACCELERATORS;
                pool.install(|| {
                    (first..first + ACCELERATORS).into_par_iter().filter(|number| evaluate(*number)).count()
                })
            });
        });
    }
    group.finish();
}

criterion_group!(benches, networks, batches, images, tiles, space);
criterion_main!(benches);
