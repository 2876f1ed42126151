//! Speed of the `published` fidelity: one thread, the CNN already lowered, whole results not cached.

use codebench_accelbench::AccelBench;
use codebench_api::Catalog;
use codebench_cnn::{Language, named};
use codebench_model::accelerator::DEFAULT_VECTOR;
use codebench_model::{AcceleratorInput, PublishedAccelerator, PublishedOps, TensorShape};
use codebench_sim::accelerator::resolve;
use codebench_sim::published::Simulator;
use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;

/// The operations of a published network for square RGB images.
fn operations(name: &str, image: u64, classes: u64) -> PublishedOps {
    let lowered = || {
        let mut catalog = Catalog::default();
        catalog.add_all("codebench-cnn-ops", codebench_cnn_ops::PLUGINS).map_err(|e| e.to_string())?;
        let language = Language::new(&catalog).map_err(|e| e.to_string())?;
        let network = named::find_for_image(name, image).map_err(|e| e.to_string())?;
        let shape = TensorShape::new(3, image, image);
        language.lower(&network.graph, shape, classes).map_err(|e| e.to_string())
    };
    match lowered() {
        Ok(lowered) => lowered.published,
        Err(error) => unreachable!("{name} can be lowered: {error}"),
    }
}

fn accelerator(batch: f64) -> PublishedAccelerator {
    let mut vector = DEFAULT_VECTOR.to_vec();
    vector[7] = batch;
    match resolve(&AcceleratorInput::Vector(vector)) {
        Ok(accelerator) => accelerator,
        Err(error) => unreachable!("the default vector is accepted: {error}"),
    }
}

fn published(criterion: &mut Criterion) {
    let simulator = Simulator::new(AccelBench.into());
    for (name, image, classes) in [
        ("published/resnet18", 32, 10),
        ("published/resnet50", 224, 1000),
        ("published/resnet18", 224, 1000),
        ("published/mobilenet", 224, 1000),
        ("published/xception", 224, 1000),
        ("published/vgg11", 224, 1000),
    ] {
        let ops = operations(name, image, classes);
        for batch in [1.0, 512.0] {
            let accelerator = accelerator(batch);
            criterion.bench_function(&format!("{name}/{image}px/batch-{batch}"), |bencher| {
                bencher.iter(|| simulator.simulate(black_box(&ops), black_box(&accelerator)));
            });
        }
    }
}

criterion_group!(benches, published);
criterion_main!(benches);
