//! x
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
use codebench_api::Catalog;
use codebench_cnn::{Language, named};
use codebench_model::hardware::*;
use codebench_model::{AcceleratorDescription, TensorShape};
use codebench_sim::cycle::{Machine, Options, fuse, plan_layers, simulate};

#[test]
fn scratch() {
    let _ = codebench_accelbench::PLUGINS.len();
    let _ = codebench_cnn_ops::PLUGINS.len();
    let catalog = Catalog::built_in().unwrap();
    let text = std::fs::read_to_string("../../examples/accelerators/paper.toml").unwrap();
    let description: AcceleratorDescription = toml::from_str(&text).unwrap();
    let machine = Machine::resolve(&description, &catalog).unwrap();
    let language = Language::new(&catalog).unwrap();
    for name in ["resnet18", "resnet50", "vgg16", "mobilenet-v2", "efficientnet-b0"] {
        let net = named::find_for_image(name, 224).unwrap();
        let low = language.lower(&net.graph, TensorShape::new(3, 224, 224), 1000).unwrap();
        let fused = fuse(&low.workload).unwrap();
        let densities = Densities {
            activation_ppm: vec![500000; fused.storages.len()],
            weight_ppm: vec![500000; fused.layers.len()],
            overlap_ppm: 800000,
        };
        let t = std::time::Instant::now();
        let plans = plan_layers(&machine, &fused, &densities).unwrap();
        let t1 = t.elapsed();
        let timeline = simulate(&machine, &fused, &plans, &densities, Options::default()).unwrap();
        let eff: u64 = timeline.layers.iter().map(|l| l.effective_macs).sum();
        let macs: u64 = timeline.layers.iter().map(|l| l.macs).sum();
        let busy: u64 = timeline.layers.iter().map(|l| l.busy_cycles).sum();
        let cb: u64 = timeline
            .layers
            .iter()
            .zip(&fused.layers)
            .filter(|(_, f)| f.primitive.name() == "conv" || f.primitive.name() == "dense")
            .map(|(l, _)| l.busy_cycles)
            .sum();
        let w: u64 = timeline
            .layers
            .iter()
            .map(|l| {
                l.memory_bytes.weights_read
                    + l.memory_bytes.masks_read
                    + l.memory_bytes.activations_read
                    + l.memory_bytes.activations_written
            })
            .sum();
        let tiles: u64 = timeline.layers.iter().map(|l| l.tiles).sum();
        let stalls = timeline.layers.iter().fold([0; 4], |mut a: [u64; 4], l| {
            for i in 0..4 {
                a[i] += l.stall_cycles[i];
            }
            a
        });
        println!(
            "{name} {} cycles, busy {busy} conv {cb} peak {} bytes/bw {} tiles {tiles} tasks {} stalls {stalls:?} {t1:?} {:?}",
            timeline.total_cycles,
            eff / 73728,
            w / 1462,
            timeline.stepped_tasks,
            t.elapsed()
        );
        if std::env::var("V").is_ok() {
            for ((l, f), p) in timeline.layers.iter().zip(&fused.layers).zip(&plans) {
                println!(
                    "{:20} {:?} {:?} cyc {} tiles {} stalls {:?} busy {} w {} eff/peak {} {:?}",
                    f.primitive.name(),
                    fused.storages[f.output].shape,
                    p.tile,
                    l.cycles,
                    l.tiles,
                    l.stall_cycles,
                    l.busy_cycles,
                    l.memory_bytes.weights_read,
                    l.effective_macs / 73728,
                    p.order
                );
            }
        }
    }
}
