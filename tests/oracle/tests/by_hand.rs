//! Tiny cases computed by hand from the cycle model.
#![allow(clippy::unwrap_used)]

use codebench_api::{AccelModule, Memory, PluginError};
use codebench_model::hardware::{Densities, LayerPlan, LoopOrder};
use codebench_model::{
    Layer, MemoryFacts, ModuleFacts, Padding, Primitive, PrimitiveKind, Role, TensorShape, TileCost,
    TileSize, TileWork, TransferCost, TransferProfile, Workload,
};
use codebench_oracle::{Accelerator, Failure, Outcome, Problem, TaskKind, fuse, simulate};

/// A tick per MAC, per element of a vector operation, and per four bytes carried.
struct Plain(ModuleFacts);

impl AccelModule for Plain {
    fn facts(&self) -> ModuleFacts {
        self.0.clone()
    }

    fn cost(&self, works: &[TileWork], costs: &mut [TileCost]) -> Result<(), PluginError> {
        for (work, cost) in works.iter().zip(costs) {
            let elements = work.batch * work.out_channels * work.out_y * work.out_x;
            let operations = if work.macs > 0 { work.macs } else { elements };
            let carried = (work.read_bytes + work.write_bytes).div_ceil(4);
            let busy_cycles = if work.primitive == 0 { carried } else { operations };
            *cost = TileCost { busy_cycles, ..TileCost::default() };
        }
        Ok(())
    }
}

/// Four bytes a cycle, three cycles to the first one.
struct Flat;

impl Memory for Flat {
    fn facts(&self) -> MemoryFacts {
        MemoryFacts {
            clock_khz: 1000,
            channels: 1,
            ranks: 1,
            banks_per_rank: 1,
            row_bytes: 16,
            burst_bytes: 4,
            interleave_bytes: 16,
            capacity_bytes: 1 << 16,
            read_to_write_mem_cycles: 5,
            write_to_read_mem_cycles: 2,
            refresh_every_mem_cycles: 2,
            refresh_mem_cycles: 0,
            ..MemoryFacts::default()
        }
    }

    fn cost(&self, profiles: &[TransferProfile], costs: &mut [TransferCost]) -> Result<(), PluginError> {
        for (profile, cost) in profiles.iter().zip(costs) {
            *cost = TransferCost {
                bus_mem_cycles: profile.bytes.div_ceil(4),
                first_byte_mem_cycles: 3,
                ..TransferCost::default()
            };
            cost.events[0] = profile.row_activates;
            cost.events[1] = profile.row_conflicts;
        }
        Ok(())
    }
}

fn accelerator(activation_bytes: u64) -> Accelerator {
    let module = |role, capacity_bytes, primitives: &[PrimitiveKind]| -> (Role, Box<dyn AccelModule>) {
        let facts = ModuleFacts { capacity_bytes, primitives: primitives.to_vec(), ..ModuleFacts::default() };
        (role, Box::new(Plain(facts)))
    };
    Accelerator {
        clock_khz: 1000,
        word_bits: 8,
        double_buffer: true,
        memory: Box::new(Flat),
        modules: vec![
            module(Role::ActivationBuffer, activation_bytes, &[]),
            module(Role::WeightBuffer, 100, &[]),
            module(Role::Dma, 0, &[]),
            module(Role::Compute, 0, &[PrimitiveKind::Conv]),
            module(Role::Vector, 0, &[PrimitiveKind::MaxPool, PrimitiveKind::Add]),
        ],
    }
}

fn conv(in_channels: u64, out_channels: u64) -> Primitive {
    Primitive::Conv {
        in_channels,
        out_channels,
        kernel: [1, 1],
        stride: [1, 1],
        padding: Padding::default(),
        dilation: [1, 1],
        groups: 1,
        bias: false,
    }
}

/// A workload on a 1 x 2 x 2 image; layer `n` writes tensor `n + 1`.
fn workload(layers: &[(Primitive, &[usize])]) -> Workload {
    let mut tensors = vec![TensorShape::new(1, 2, 2)];
    let mut made = Vec::new();
    for (primitive, inputs) in layers {
        let shapes: Vec<TensorShape> = inputs.iter().map(|&input| tensors[input]).collect();
        let output = primitive.output_shape(&shapes).unwrap();
        made.push(Layer {
            name: format!("layer{}", made.len()),
            module: 0,
            vertex: made.len(),
            primitive: primitive.clone(),
            inputs: inputs.to_vec(),
            output: tensors.len(),
            weights: Vec::new(),
            macs: primitive.mac_count(output).unwrap(),
            parameters: 0,
        });
        tensors.push(output);
    }
    Workload { v: 1, output: tensors.len() - 1, tensors, input: 0, layers: made }
}

fn run(workload: &Workload, activation_bytes: u64, tile: TileSize) -> Result<Outcome, Failure> {
    let fused = fuse(workload).unwrap();
    let plan = LayerPlan { tile, order: LoopOrder::ActivationsOuter };
    let densities = Densities {
        activation_ppm: vec![1_000_000; fused.storages.len()],
        weight_ppm: vec![1_000_000; fused.layers.len()],
        overlap_ppm: 1_000_000,
    };
    let accelerator = accelerator(activation_bytes);
    let plans = vec![plan; fused.layers.len()];
    simulate(
        &Problem { fused: &fused, accelerator: &accelerator, plans: &plans, densities: &densities, batch: 1 },
        None,
    )
}

fn times(outcome: &Outcome) -> Vec<(TaskKind, usize, u64, u64)> {
    outcome.tasks.iter().map(|task| (task.kind, task.tile, task.start, task.end)).collect()
}

#[test]
fn one_tile() {
    let outcome = run(&workload(&[(conv(1, 2), &[0])]), 100, TileSize::default()).unwrap();
    // The image: 4 bytes, bus 1, first byte 3. The kernel: 2 bytes, as soon as DMA and channel are free. 8 MACs. The
    // store: turnaround 5, bus 2, first byte 3.
    let expected = [
        (TaskKind::Load, 0, 0, 4),
        (TaskKind::Load, 0, 1, 5),
        (TaskKind::Compute, 0, 5, 13),
        (TaskKind::Store, 0, 13, 23),
    ];
    assert_eq!(times(&outcome), expected);
    let layer = &outcome.layers[0];
    assert_eq!((outcome.total_cycles, layer.cycles, layer.macs), (23, 23, 8));
    // The image opens row 0, the kernel row 1, the output row 2 of the only bank. 4 memory cycles: two refreshes.
    assert_eq!((layer.memory_events[0], layer.memory_events[1], layer.refreshes), (1, 2, 2));
    assert_eq!((layer.memory_read_bytes, layer.memory_write_bytes), (6, 8));
}

#[test]
fn rows_of_a_map_are_loaded_while_the_one_before_is_computed() {
    let tile = TileSize { y: 1, ..TileSize::default() };
    let outcome = run(&workload(&[(conv(1, 2), &[0])]), 100, tile).unwrap();
    let expected = [
        (TaskKind::Load, 0, 0, 4),
        (TaskKind::Load, 0, 1, 5),
        (TaskKind::Compute, 0, 5, 9),
        // The store of tile 0 keeps the channel from 9 to 9 + 5 + 1.
        (TaskKind::Store, 0, 9, 18),
        // The compute of tile 0 has started at 5.
        (TaskKind::Load, 1, 5, 9),
        (TaskKind::Compute, 1, 9, 13),
        (TaskKind::Store, 1, 15, 19),
    ];
    assert_eq!(times(&outcome), expected);
}

#[test]
fn a_full_buffer_delays_the_next_load() {
    // A tile holds 2 bytes of the image and 4 of the output: two tiles do not fit 7 bytes.
    let tile = TileSize { y: 1, ..TileSize::default() };
    let outcome = run(&workload(&[(conv(1, 2), &[0])]), 7, tile).unwrap();
    assert!(outcome.coverage.full_buffer);
    let expected = [
        (TaskKind::Load, 0, 0, 4),
        (TaskKind::Load, 0, 1, 5),
        (TaskKind::Compute, 0, 5, 9),
        (TaskKind::Store, 0, 9, 18),
        // At 9 the input of tile 0 is released, but the store goes first; then turnaround 2, bus 1, first byte 3.
        (TaskKind::Load, 1, 15, 21),
        (TaskKind::Compute, 1, 21, 25),
        (TaskKind::Store, 1, 25, 34),
    ];
    assert_eq!(times(&outcome), expected);
    let failure = run(&workload(&[(conv(1, 2), &[0])]), 5, tile).unwrap_err();
    assert_eq!(failure, Failure::ActivationBuffer { layer: 0, need: 6, capacity: 5 });
}

#[test]
fn an_image_that_is_read_again_is_kept_and_a_sum_is_fused() {
    // The addition is fused into the second convolution, which reads the resident output of the first.
    let layers: [(Primitive, &[usize]); 3] =
        [(conv(1, 1), &[0]), (conv(1, 1), &[1]), (Primitive::Add, &[2, 0])];
    let outcome = run(&workload(&layers), 100, TileSize::default()).unwrap();
    let expected = [
        (TaskKind::Promotion, 0, 0, 4),
        (TaskKind::Load, 0, 1, 5),
        (TaskKind::Compute, 0, 5, 9),
        (TaskKind::Load, 1, 5, 9),
        (TaskKind::Compute, 1, 9, 13),
        (TaskKind::Store, 1, 13, 22),
    ];
    assert_eq!(times(&outcome), expected);
    assert!(outcome.coverage.shared_read && outcome.coverage.promotion && outcome.coverage.fused_add);
}

#[test]
fn what_does_not_fit_is_written_back() {
    // Both convolutions make 4 bytes from the image. The second one's output and inputs leave no room for the first
    // one's, which is read last.
    let layers: [(Primitive, &[usize]); 4] =
        [(conv(1, 1), &[0]), (conv(1, 4), &[0]), (conv(4, 1), &[2]), (Primitive::Multiply, &[1, 3])];
    let outcome = run(&workload(&layers), 20, TileSize::default());
    assert_eq!(outcome.unwrap_err(), Failure::NoModule { layer: 3, what: "multiply None".into() });
    let layers: [(Primitive, &[usize]); 4] =
        [(conv(1, 1), &[0]), (conv(1, 4), &[0]), (conv(4, 1), &[2]), (Primitive::Add, &[3, 1, 3])];
    let outcome = run(&workload(&layers), 20, TileSize::default()).unwrap();
    assert!(outcome.coverage.write_back && outcome.coverage.eviction);
    // Layer 1 needs 4 + 16 bytes: layer 0's output, 4 bytes, goes, at 9 when its computes have ended.
    let write_back = outcome.tasks.iter().find(|task| task.kind == TaskKind::WriteBack).unwrap();
    assert_eq!((write_back.layer, write_back.bytes, write_back.start), (1, 4, 9));
}
