//! Speed of the `cycle` fidelity: one thread, warm.

#![allow(missing_docs, reason = "criterion's macros")]

use codebench_api::Catalog;
use codebench_cnn::{Language, named};
use codebench_model::accelerator::PUBLISHED_NAMES;
use codebench_model::{AcceleratorInput, ParameterValue, Parameters, TensorShape, Workload};
use codebench_sim::cycle::{Machine, Options, Sparsity, describe, evaluate};
use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;

/// Networks at 224 pixels, on the paper's default accelerator.
const NETWORKS: [&str; 4] = ["resnet50", "vgg16", "mobilenet-v2", "efficientnet-b0"];

fn workload(catalog: &Catalog, name: &str) -> Option<Workload> {
    let network = named::find_for_image(name, 224).ok()?;
    let language = Language::new(catalog).ok()?;
    Some(language.lower(&network.graph, TensorShape::new(3, 224, 224), 1000).ok()?.workload)
}

/// A point of the published space, by number.
fn accelerator(number: u64) -> AcceleratorInput {
    let choices: [&[f64]; 13] = [
        &[1.0, 2.0, 4.0],
        &[1.0, 16.0],
        &[1.0, 2.0, 4.0, 8.0],
        &[1.0, 2.0, 4.0, 8.0],
        &[1.0, 2.0, 4.0, 8.0],
        &[1.0, 3.0, 5.0],
        &[1.0, 3.0, 5.0],
        &[1.0, 64.0, 128.0, 256.0, 512.0],
        &[1.0, 2.0, 4.0, 8.0, 12.0, 16.0, 24.0],
        &[1.0, 2.0, 4.0, 8.0, 12.0, 16.0, 24.0],
        &[1.0, 2.0, 3.0, 4.0],
        &[1.0, 2.0, 3.0],
        &[1.0],
    ];
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut named = Parameters::new();
    for (name, values) in PUBLISHED_NAMES.iter().zip(choices) {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let value = values[(state >> 33) as usize % values.len()];
        named.insert((*name).to_owned(), ParameterValue::Float(value));
    }
    AcceleratorInput::Named(named)
}

fn cycle(criterion: &mut Criterion) {
    let _ = (codebench_accelbench::PLUGINS.len(), codebench_cnn_ops::PLUGINS.len());
    let Ok(catalog) = Catalog::built_in() else { return };
    let paper = AcceleratorInput::Named(Parameters::new());
    let Ok(machine) = describe(&paper).and_then(|d| Machine::resolve(&d, &catalog)) else { return };
    let mut group = criterion.benchmark_group("cycle, 224 px, paper's default");
    for name in NETWORKS {
        let Some(workload) = workload(&catalog, name) else { continue };
        group.bench_function(name, |b| {
            b.iter(|| evaluate(&machine, black_box(&workload), &Sparsity::Paper, Options::default()));
        });
    }
    group.finish();
    let Some(workload) = workload(&catalog, "resnet50") else { return };
    let mut number = 0;
    criterion.bench_function("cycle, resnet50 at 224 px, an accelerator of the published space", |b| {
        b.iter(|| {
            number += 1;
            let machine = describe(&accelerator(number)).and_then(|d| Machine::resolve(&d, &catalog));
            machine.and_then(|m| evaluate(&m, &workload, &Sparsity::Paper, Options::default()))
        });
    });
}

criterion_group!(benches, cycle);
criterion_main!(benches);
