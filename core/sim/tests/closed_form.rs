//! The closed form of steady stretches equals the simulation step by step.

#![allow(clippy::unwrap_used, reason = "tests")]

use codebench_api::Catalog;
use codebench_model::hardware::{Densities, LayerPlan, LoopOrder};
use codebench_model::{AcceleratorDescription, Layer, Padding, Primitive, TensorShape, TileSize, Workload};
use codebench_sim::cycle::{CycleError, Machine, Options, Timeline, describe, fuse, simulate};
use proptest::prelude::*;

/// A chain of convolutions, ReLUs and poolings on `channels` x `side` x `side`.
fn chain(channels: u64, side: u64, kinds: &[u8]) -> Workload {
    let mut tensors = vec![TensorShape::new(channels, side, side)];
    let mut layers = Vec::new();
    for (index, kind) in kinds.iter().enumerate() {
        let input = tensors[index];
        let primitive = match kind % 4 {
            0 => Primitive::Activation { function: codebench_model::Activation::Relu },
            1 => Primitive::MaxPool {
                kernel: [2, 2],
                stride: [1, 1],
                padding: Padding::symmetric(1, 1),
                ceil: false,
            },
            k => Primitive::Conv {
                in_channels: input.channels,
                out_channels: input.channels + u64::from(*kind) % 5,
                kernel: [k.into(), 3],
                stride: [1, 1],
                padding: Padding::symmetric(1, 1),
                dilation: [1, 1],
                groups: 1,
                bias: true,
            },
        };
        tensors.push(primitive.output_shape(&[input]).unwrap());
        layers.push(Layer {
            name: format!("l{index}"),
            module: 0,
            vertex: index,
            macs: primitive.mac_count(tensors[index + 1]).unwrap(),
            parameters: 0,
            primitive,
            inputs: vec![index],
            output: index + 1,
            weights: Vec::new(),
        });
    }
    let output = tensors.len() - 1;
    Workload { v: 1, tensors, input: 0, output, layers }
}

fn accelerator(
    memory: &str,
    buffers_kb: [u64; 3],
    batch: u64,
    double_buffer: bool,
) -> AcceleratorDescription {
    let json = serde_json::json!({"memory": memory, "batch": batch, "pib": 1, "pix": 2, "piy": 2, "pof": 2, "pkx": 1, "pky": 1,
        "activation_buffer_mb": buffers_kb[0] as f64 / 1024.0, "weight_buffer_mb": buffers_kb[1] as f64 / 1024.0,
        "mask_buffer_mb": buffers_kb[2] as f64 / 1024.0});
    let mut description = describe(&serde_json::from_value(json).unwrap()).unwrap();
    description.double_buffer = double_buffer;
    description
}

fn run(
    machine: &Machine,
    workload: &Workload,
    plans: &[LayerPlan],
    step: bool,
) -> Result<Timeline, CycleError> {
    let fused = fuse(workload)?;
    let densities = Densities {
        activation_ppm: vec![431_000; fused.storages.len()],
        weight_ppm: vec![517_000; fused.layers.len()],
        overlap_ppm: 800_000,
    };
    let options = Options { step_by_step: step, ..Options::default() };
    simulate(machine, &fused, &plans[..fused.layers.len()], &densities, options)
}

/// A random case: `chain`'s channels, side and kinds; images per inference; memory, double buffer, weights outside; buffers in KB.
struct Case<'a> {
    shape: (u64, u64),
    kinds: &'a [u8],
    batch: u64,
    tile: TileSize,
    hardware: (usize, bool, bool),
    buffers_kb: (u64, u64, u64),
}

impl Case<'_> {
    /// Both ways of simulating it end alike: same timeline, or same error.
    fn check(&self) -> Result<(), TestCaseError> {
        let _ = codebench_accelbench::PLUGINS.len();
        let (memory, double_buffer, weights_outer) = self.hardware;
        let (memory, kb) = (["rram", "dram", "hbm"][memory], self.buffers_kb);
        let description = accelerator(memory, [kb.0, kb.1, kb.2], self.batch, double_buffer);
        let machine = Machine::resolve(&description, &Catalog::built_in().unwrap()).unwrap();
        let workload = chain(self.shape.0, self.shape.1, self.kinds);
        let plans = vec![LayerPlan { tile: self.tile, order: order(weights_outer) }; self.kinds.len()];
        let (steps, skips) =
            (run(&machine, &workload, &plans, true), run(&machine, &workload, &plans, false));
        match (steps, skips) {
            (Ok(steps), Ok(skips)) => {
                prop_assert!(skips.stepped_tasks <= steps.stepped_tasks);
                prop_assert_eq!(
                    Timeline { stepped_tasks: 0, ..steps },
                    Timeline { stepped_tasks: 0, ..skips }
                );
            }
            (steps, skips) => prop_assert_eq!(steps.err(), skips.err()),
        }
        Ok(())
    }
}

fn order(weights_outer: bool) -> LoopOrder {
    if weights_outer { LoopOrder::WeightsOuter } else { LoopOrder::ActivationsOuter }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, ..ProptestConfig::default() })]

    #[test]
    fn skipping_whole_periods_changes_nothing(
        kinds in prop::collection::vec(0_u8..40, 1..5),
        shape in (1_u64..6, 3_u64..13),
        (images, y, x, in_channels, out_channels) in (1_u64..4, 3_u64..8, 4_u64..8, 0_u64..5, 0_u64..5),
        hardware in (0_usize..3, any::<bool>(), any::<bool>()),
        buffers_kb in (2_u64..64, 1_u64..16, 1_u64..16),
        batch in 1_u64..80,
    ) {
        // 7 becomes 0: the whole.
        let tile = TileSize { batch: images, y: y % 7, x: x % 7, in_channels, out_channels };
        Case { shape, kinds: &kinds, batch, tile, hardware, buffers_kb }.check()?;
    }

    /// Small tiles of what mostly stays on chip: rows, columns and channels repeat.
    #[test]
    fn skipping_rows_columns_and_channels_changes_nothing(
        kinds in prop::collection::vec(0_u8..40, 1..4),
        shape in (1_u64..24, 3_u64..24),
        (images, y, x, in_channels, out_channels) in (1_u64..3, 1_u64..4, 1_u64..4, 0_u64..4, 0_u64..4),
        hardware in (0_usize..3, any::<bool>(), any::<bool>()),
        buffers_kb in (8_u64..200, 1_u64..40, 1_u64..40),
        batch in 1_u64..8,
    ) {
        let tile = TileSize { batch: images, y, x, in_channels, out_channels };
        Case { shape, kinds: &kinds, batch, tile, hardware, buffers_kb }.check()?;
    }
}

/// Time and memory grow with what differs, not with the number of images.
#[test]
fn more_images_are_not_more_work() {
    let _ = codebench_accelbench::PLUGINS.len();
    let catalog = Catalog::built_in().unwrap();
    let workload = chain(8, 16, &[2, 0, 1, 3]);
    let tile = TileSize { batch: 1, y: 8, ..TileSize::default() };
    let plans = [LayerPlan { tile, order: LoopOrder::ActivationsOuter }; 4];
    let tasks = |batch: u64| {
        let description = accelerator("dram", [32, 16, 16], batch, true);
        let machine = Machine::resolve(&description, &catalog).unwrap();
        run(&machine, &workload, &plans, false).unwrap()
    };
    let (some, many) = (tasks(256), tasks(1 << 14));
    assert!(many.stepped_tasks < 2 * some.stepped_tasks, "{} and {}", some.stepped_tasks, many.stepped_tasks);
    let ratio = many.total_cycles as f64 / some.total_cycles as f64;
    assert!((60.0..68.0).contains(&ratio), "{ratio}");
}

/// Of a convolution whose activations stay on chip, the tasks that are followed do not grow with the blocks of any loop. Only at the
/// first and at the last position all blocks of channels are followed: their weights are loaded, and given back.
#[test]
fn more_tiles_are_not_more_work() {
    let _ = codebench_accelbench::PLUGINS.len();
    let catalog = Catalog::built_in().unwrap();
    let machine = Machine::resolve(&accelerator("hbm", [65_536, 16_384, 16_384], 1, true), &catalog).unwrap();
    let whole = TileSize { batch: 1, y: 0, x: 0, in_channels: 0, out_channels: 0 };
    let row = TileSize { y: 1, ..whole };
    // Channels and side, the tile, its tiles, and how many tasks are followed at most in both loop orders.
    let cases = [
        ("rows", (1, 1200), row, 1201, [40, 40]),
        ("columns", (1, 1200), TileSize { x: 1, ..whole }, 1201, [40, 40]),
        ("rows and columns", (1, 400), TileSize { x: 1, ..row }, 401 * 401, [60, 60]),
        (
            "output channels",
            (1200, 3),
            TileSize { out_channels: 1, ..row },
            4 * 1200,
            [4 * 1200 + 40, 6 * 1200 + 40],
        ),
        (
            "input channels",
            (1200, 3),
            TileSize { in_channels: 1, ..row },
            4 * 1200,
            [4 * 1200 + 40, 4 * 1200 + 40],
        ),
        (
            "all of them",
            (64, 48),
            TileSize { x: 1, in_channels: 1, out_channels: 1, ..row },
            49 * 49 * 64 * 64,
            [5 * 64 * 64, 20 * 64 * 64],
        ),
    ];
    for (what, (channels, side), tile, tiles, most) in cases {
        for (weights_outer, most) in [false, true].into_iter().zip(most) {
            // Poolings around it, so that its input and its output stay on chip.
            let workload = chain(channels, side, &[1, 15, 1]);
            let mut plans = [whole; 3].map(|tile| LayerPlan { tile, order: order(false) });
            plans[1] = LayerPlan { tile, order: order(weights_outer) };
            let timeline = run(&machine, &workload, &plans, false).unwrap();
            let followed = timeline.stepped_tasks;
            println!("{what}, weights outer {weights_outer}: {followed} tasks followed of {tiles} tiles");
            assert_eq!(timeline.layers[1].tiles, tiles, "{what}");
            if tiles < 1 << 18 {
                let steps = run(&machine, &workload, &plans, true).unwrap();
                let followed_all = Timeline { stepped_tasks: followed, ..steps };
                assert_eq!(timeline, followed_all, "{what}, weights outer {weights_outer}");
            }
            assert!(
                followed <= most,
                "{what}, weights outer {weights_outer}: {followed} tasks are followed, not {most}"
            );
        }
    }
}
