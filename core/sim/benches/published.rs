//! Speed of the `published` fidelity: one thread, operations already lowered, whole results not cached.

#[path = "../tests/common/mod.rs"]
mod common;

use codebench_accelbench::AccelBench;
use codebench_model::accelerator::DEFAULT_VECTOR;
use codebench_model::{AcceleratorInput, PublishedAccelerator, PublishedOp, PublishedOps, TensorShape};
use codebench_sim::accelerator::resolve;
use codebench_sim::published::Simulator;
use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;

fn network(id: &str) -> PublishedOps {
    match common::networks().into_iter().find(|n| n.id == id) {
        Some(network) => network.ops,
        None => resnet50(),
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

/// The published ResNet-50 for 224 x 224 images, in which every block of a stage strides.
fn resnet50() -> PublishedOps {
    let mut ops = Vec::new();
    let mut position = 1;
    let mut size = 224;
    let mut conv = |channels: &mut u64, out: u64, kernel: u64, stride: u64| {
        ops.push(PublishedOp::Conv {
            position,
            height: size,
            width: size,
            channels: *channels,
            kernel_x: kernel,
            kernel_y: kernel,
            stride_x: stride,
            stride_y: stride,
            in_channels: *channels,
            out_channels: out,
            groups: 1,
            grouped: false,
        });
        size = size.div_ceil(stride);
        *channels = out;
        ops.push(PublishedOp::BatchNorm { height: size, width: size, channels: out });
        ops.push(PublishedOp::NoCost { name: "ReLU".into() });
        position += 3;
    };
    let mut channels = 3;
    conv(&mut channels, 64, 7, 2);
    for (blocks, width, stride) in [(3, 64, 1), (4, 128, 2), (6, 256, 2), (3, 512, 2)] {
        for block in 0..blocks {
            conv(&mut channels, width, 1, if block == 0 { stride } else { 1 });
            conv(&mut channels, width, 3, 1);
            conv(&mut channels, width * 4, 1, 1);
        }
    }
    ops.push(PublishedOp::GlobalAveragePool { channels: 2048, height: size, width: size });
    ops.push(PublishedOp::Linear { in_features: 2048, out_features: 1000 });
    PublishedOps {
        image: TensorShape::new(3, 224, 224),
        params: 0,
        macs: 0,
        layers: vec![None; ops.len()],
        ops,
        has_relu: true,
        has_silu: false,
    }
}

fn published(criterion: &mut Criterion) {
    let simulator = Simulator::new(AccelBench.into());
    for (name, id) in [
        ("resnet18-32px", "resnet18@32"),
        ("resnet18-224px", "resnet18@224"),
        ("resnet50-224px", "resnet50@224"),
        ("mobilenet-224px", "mobilenet@224"),
        ("xception-224px", "xception@224"),
        ("vgg11-224px", "vgg11@224"),
    ] {
        let ops = network(id);
        for batch in [1.0, 512.0] {
            let accelerator = accelerator(batch);
            criterion.bench_function(&format!("published/{name}/batch-{batch}"), |bencher| {
                bencher.iter(|| simulator.simulate(black_box(&ops), black_box(&accelerator)));
            });
        }
    }
}

criterion_group!(benches, published);
criterion_main!(benches);
