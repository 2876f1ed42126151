//! The worked example of the book's page on the cycle model: the table of the page is what the simulation does.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use codebench_api::{
    AccelModule, Catalog, Configuration, Memory, Plugin, PluginError, PluginInfo, Registration, kinds,
};
use codebench_model::hardware::{Densities, LayerPlan, LoopOrder, TaskKind};
use codebench_model::*;
use codebench_sim::cycle::{Machine, Options, fuse, simulate};

macro_rules! module {
    ($name:ident, $id:literal, $facts:expr, |$work:ident| $cost:expr) => {
        struct $name;

        impl Plugin for $name {
            type Kind = kinds::AccelModule;

            fn info() -> PluginInfo {
                PluginInfo::new($id, "0.1.0", "Of the worked example.")
            }

            fn configure(_: &Configuration<'_>) -> Result<Self, PluginError> {
                Ok($name)
            }
        }

        impl AccelModule for $name {
            fn facts(&self) -> ModuleFacts {
                $facts
            }

            fn cost(&self, works: &[TileWork], costs: &mut [TileCost]) -> Result<(), PluginError> {
                for ($work, cost) in works.iter().zip(costs) {
                    *cost = $cost;
                }
                Ok(())
            }
        }
    };
}

fn holds(capacity_bytes: u64) -> ModuleFacts {
    ModuleFacts {
        capacity_bytes,
        read_bytes_per_cycle: 8,
        write_bytes_per_cycle: 8,
        ..ModuleFacts::default()
    }
}

module!(Buffer, "example/buffer", holds(1024), |work| TileCost {
    busy_cycles: (work.read_bytes + work.write_bytes).div_ceil(8),
    ..TileCost::default()
});
module!(Dma, "example/dma", holds(0), |work| TileCost {
    busy_cycles: (work.read_bytes + work.write_bytes).div_ceil(4),
    fill_cycles: 1,
    ..TileCost::default()
});
module!(
    Array,
    "example/array",
    ModuleFacts { primitives: vec![PrimitiveKind::Conv], peak_macs_per_cycle: 8, ..ModuleFacts::default() },
    |work| TileCost {
        busy_cycles: work.macs.div_ceil(8),
        fill_cycles: 2,
        activation_read_bytes: work.read_bytes,
        activation_write_bytes: work.write_bytes,
        weight_read_bytes: work.out_channels * work.in_channels,
        ..TileCost::default()
    }
);
module!(
    Rectifier,
    "example/rectifier",
    ModuleFacts {
        primitives: vec![PrimitiveKind::Activation],
        activations: vec![Activation::Relu],
        ..ModuleFacts::default()
    },
    |work| TileCost {
        busy_cycles: (work.out_channels * work.out_y * work.out_x).div_ceil(8),
        fill_cycles: 1,
        ..TileCost::default()
    }
);

struct Dram;

impl Plugin for Dram {
    type Kind = kinds::Memory;

    fn info() -> PluginInfo {
        PluginInfo::new("example/memory", "0.1.0", "Of the worked example.")
    }

    fn configure(_: &Configuration<'_>) -> Result<Self, PluginError> {
        Ok(Dram)
    }
}

impl Memory for Dram {
    fn facts(&self) -> MemoryFacts {
        MemoryFacts {
            clock_khz: 500,
            channels: 1,
            ranks: 1,
            banks_per_rank: 2,
            row_bytes: 64,
            burst_bytes: 8,
            interleave_bytes: 64,
            capacity_bytes: 4096,
            read_to_write_mem_cycles: 1,
            write_to_read_mem_cycles: 2,
            ..MemoryFacts::default()
        }
    }

    fn cost(&self, profiles: &[TransferProfile], costs: &mut [TransferCost]) -> Result<(), PluginError> {
        for (profile, cost) in profiles.iter().zip(costs) {
            *cost = TransferCost {
                bus_mem_cycles: profile.bytes.div_ceil(8),
                first_byte_mem_cycles: 2 + 4 * (profile.row_activates + profile.row_conflicts),
                ..TransferCost::default()
            };
        }
        Ok(())
    }
}

const PLUGINS: &[Registration] = &[
    Registration::of::<Buffer>(),
    Registration::of::<Dma>(),
    Registration::of::<Array>(),
    Registration::of::<Rectifier>(),
    Registration::of::<Dram>(),
];

const ACCELERATOR: &str = r#"
clock_mhz = 1
word = { integer_bits = 8, fraction_bits = 0 }
module = [
    { role = "memory", plugin = "example/memory" },
    { role = "activation_buffer", plugin = "example/buffer" },
    { role = "weight_buffer", plugin = "example/buffer" },
    { role = "dma", plugin = "example/dma" },
    { role = "compute", plugin = "example/array" },
    { role = "vector", plugin = "example/rectifier" },
]
"#;

/// A 1 x 1 convolution from 2 to 4 channels on 4 x 4, and a ReLU.
fn workload() -> Workload {
    let conv = Primitive::Conv {
        in_channels: 2,
        out_channels: 4,
        kernel: [1, 1],
        stride: [1, 1],
        padding: Padding::default(),
        dilation: [1, 1],
        groups: 1,
        bias: false,
    };
    let relu = Primitive::Activation { function: Activation::Relu };
    let layer = |index: usize, primitive: Primitive| Layer {
        name: format!("layer{index}"),
        module: 0,
        vertex: index,
        primitive,
        inputs: vec![index],
        output: index + 1,
        weights: Vec::new(),
        macs: 0,
        parameters: 0,
    };
    let (image, map) = (TensorShape::new(2, 4, 4), TensorShape::new(4, 4, 4));
    Workload {
        v: 1,
        tensors: vec![image, map, map],
        input: 0,
        output: 2,
        layers: vec![layer(0, conv), layer(1, relu)],
    }
}

/// Rows `| task | start | end |` of the page.
fn page() -> Vec<(String, u64, u64)> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/src/cycle-model.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (_, example) = text.split_once("## 12.").unwrap();
    let rows = example.lines().filter_map(|line| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        Some(((*cells.get(1)?).to_owned(), cells.get(2)?.parse().ok()?, cells.get(3)?.parse().ok()?))
    });
    rows.collect()
}

#[test]
fn the_page_predicts_every_task() {
    let mut catalog = Catalog::default();
    catalog.add_all("the worked example", PLUGINS).unwrap();
    let machine = Machine::resolve(&toml::from_str(ACCELERATOR).unwrap(), &catalog).unwrap();
    let fused = fuse(&workload()).unwrap();
    let plan =
        LayerPlan { tile: TileSize { y: 2, ..TileSize::default() }, order: LoopOrder::ActivationsOuter };
    let densities =
        Densities { activation_ppm: vec![1_000_000; 2], weight_ppm: vec![1_000_000], overlap_ppm: 1_000_000 };
    let options = Options { record: true, ..Options::default() };
    let timeline = simulate(&machine, &fused, &[plan], &densities, options).unwrap();
    let name = |kind: TaskKind| match kind {
        TaskKind::Load => "load",
        TaskKind::LoadWeights => "load weights",
        TaskKind::Compute => "compute",
        TaskKind::Store => "store",
        other => panic!("{other:?}"),
    };
    let tasks = timeline.record.unwrap().tasks;
    let happened: Vec<_> =
        tasks.iter().map(|t| (format!("{} {}", name(t.kind), t.tile), t.start, t.end)).collect();
    assert_eq!(happened, page());
    assert_eq!(timeline.total_cycles, 53);
    let [layer] = timeline.layers.as_slice() else { panic!("{:?}", timeline.layers) };
    assert_eq!(layer.stall_cycles, [1, 19, 0, 0], "activations, weights, buffer space, turnaround");
    assert_eq!(layer.peak_bytes, [96, 8, 0], "activation, weight and mask buffer");
    assert_eq!(layer.buffer_bytes, [96, 96, 16, 8, 0, 0], "read and written");
    assert_eq!((layer.main_busy_cycles, layer.busy_cycles, layer.cycles), (16, 16, 53));
}
