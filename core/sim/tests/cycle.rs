//! The `cycle` fidelity on named networks.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
use codebench_api::Catalog;
use codebench_cnn::{Language, named};
use codebench_model::hardware::*;
use codebench_model::{AcceleratorDescription, TensorShape, TileSize};
use codebench_sim::cycle::{Machine, Options, fuse, simulate};

#[test]
fn multiplications_are_those_of_the_graph() {
    let _ = codebench_accelbench::PLUGINS.len();
    let _ = codebench_cnn_ops::PLUGINS.len();
    let catalog = Catalog::built_in().unwrap();
    let text = std::fs::read_to_string("../../examples/accelerators/paper.toml").unwrap();
    let description: AcceleratorDescription = toml::from_str(&text).unwrap();
    let machine = Machine::resolve(&description, &catalog).unwrap();
    let language = Language::new(&catalog).unwrap();
    for name in ["resnet18", "mobilenet-v2"] {
        let net = named::find_for_image(name, 224).unwrap();
        let low = language.lower(&net.graph, TensorShape::new(3, 224, 224), 1000).unwrap();
        let fused = fuse(&low.workload).unwrap();
        let plan = LayerPlan {
            tile: TileSize { batch: 1, y: 32, x: 0, in_channels: 0, out_channels: 128 },
            order: LoopOrder::ActivationsOuter,
        };
        let plans = vec![plan; fused.layers.len()];
        let densities = Densities {
            activation_ppm: vec![500000; fused.storages.len()],
            weight_ppm: vec![500000; fused.layers.len()],
            overlap_ppm: 800000,
        };
        let timeline = simulate(&machine, &fused, &plans, &densities, Options::default()).unwrap();
        let macs: u64 = timeline.layers.iter().map(|l| l.macs).sum();
        assert_eq!(macs, low.workload.macs());
        let effective: u64 = timeline.layers.iter().map(|l| l.effective_macs).sum();
        assert!(effective > macs / 5 && effective < macs / 4, "{effective} of {macs}");
        assert!(timeline.total_cycles > 20_000, "{}", timeline.total_cycles);
    }
}
