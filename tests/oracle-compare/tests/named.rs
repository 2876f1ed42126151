//! Engine and oracle agree on networks and accelerators of the real world, on small images.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use codebench_api::Catalog;
use codebench_cnn::{Language, named};
use codebench_model::hardware::{Densities, LayerPlan, LoopOrder};
use codebench_model::{AcceleratorDescription, TensorShape, TileSize, Workload};
use codebench_oracle::fuse;
use codebench_oracle_compare::{Case, Machine, difference};

fn workload(name: &str, image: u64) -> Workload {
    let mut catalog = Catalog::default();
    catalog.add_all("cnn-ops", codebench_cnn_ops::PLUGINS).unwrap();
    let network = named::find_for_image(name, image).unwrap();
    let channels = if name == "lenet-5" { 1 } else { 3 };
    let shape = TensorShape::new(channels, image, image);
    Language::new(&catalog).unwrap().lower(&network.graph, shape, 10).unwrap().workload
}

fn accelerator(name: &str) -> AcceleratorDescription {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/accelerators");
    toml::from_str(&std::fs::read_to_string(folder.join(name)).unwrap()).unwrap()
}

fn check(network: &str, image: u64, file: &str, tile: TileSize) {
    let workload = workload(network, image);
    let fused = fuse(&workload).unwrap();
    let machine = Machine::described(accelerator(file));
    let order =
        |n: usize| if n.is_multiple_of(2) { LoopOrder::ActivationsOuter } else { LoopOrder::WeightsOuter };
    let plans = (0..fused.layers.len()).map(|n| LayerPlan { tile, order: order(n) }).collect();
    let densities = Densities {
        activation_ppm: vec![500_000; fused.storages.len()],
        weight_ppm: vec![500_000; fused.layers.len()],
        overlap_ppm: 800_000,
    };
    let batch = machine.batch();
    let case = Case { seed: 0, workload, fused, machine, plans, densities, batch };
    let agreed = difference(&case, None).unwrap_or_else(|text| panic!("{network} on {file}: {text}"));
    let outcome = agreed.outcome.unwrap_or_else(|| panic!("{network} does not fit {file}"));
    println!("{network} on {file}: {} tasks, {} cycles", outcome.tasks.len(), outcome.total_cycles);
}

#[test]
fn named_networks_agree() {
    let small = TileSize { batch: 1, y: 8, x: 0, in_channels: 32, out_channels: 64 };
    let large = TileSize { batch: 2, y: 16, x: 0, in_channels: 0, out_channels: 128 };
    check("lenet-5", 32, "edge-dram.toml", small);
    check("mobilenet-v2", 32, "paper.toml", large);
    check("resnet18", 32, "edge-dram.toml", small);
    check("shufflenet-v2", 32, "server-hbm.toml", small);
}
