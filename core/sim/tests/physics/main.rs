//! What no simulation may break: work is conserved, no roof is exceeded, sums add up.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod chain;

use codebench_api::Catalog;
use codebench_cnn::{Language, named};
use codebench_model::accelerator::PUBLISHED_NAMES;
use codebench_model::hardware::LoopOrder;
use codebench_model::{
    AcceleratorInput, CostReport, LoopPolicy, ParameterValue, Parameters, Primitive, TensorShape, TilePolicy,
    TileSize, Workload,
};
use codebench_sim::cycle::{
    CycleError, Holder, Machine, Options, Remedy, Sparsity, describe, evaluate, fuse, plan_layers,
};
use std::collections::BTreeSet;
use std::io::Write;
use std::sync::LazyLock;

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
    let _ = (codebench_accelbench::PLUGINS.len(), codebench_cnn_ops::PLUGINS.len());
    Catalog::built_in().unwrap()
});

fn workload(name: &str, side: u64) -> Workload {
    let network = named::find_for_image(name, side).unwrap();
    let language = Language::new(&CATALOG).unwrap();
    language.lower(&network.graph, TensorShape::new(3, side, side), 1000).unwrap().workload
}

fn named_values(values: &[(&str, f64)]) -> AcceleratorInput {
    let value = |(name, value): &(&str, f64)| ((*name).to_owned(), ParameterValue::Float(*value));
    AcceleratorInput::Named(values.iter().map(value).collect())
}

fn simulate(
    workload: &Workload,
    input: &AcceleratorInput,
    tile: TilePolicy,
) -> Result<CostReport, CycleError> {
    simulate_in_order(workload, input, tile, LoopPolicy::Auto)
}

fn simulate_in_order(
    workload: &Workload,
    input: &AcceleratorInput,
    tile: TilePolicy,
    order: LoopPolicy,
) -> Result<CostReport, CycleError> {
    let mut description = describe(input)?;
    description.tile = tile;
    description.loop_order = order;
    let machine = Machine::resolve(&description, &CATALOG)?;
    evaluate(&machine, workload, &Sparsity::Paper, Options::default()).map(|(report, _)| report)
}

/// Some points of the published space.
fn accelerators(count: usize) -> Vec<AcceleratorInput> {
    let choices: [&[f64]; 13] = [
        &[1.0, 2.0],
        &[1.0, 16.0],
        &[1.0, 4.0, 8.0],
        &[1.0, 4.0, 8.0],
        &[1.0, 4.0, 8.0],
        &[1.0, 3.0],
        &[1.0, 3.0],
        &[1.0, 2.0, 5.0],
        &[2.0, 8.0, 24.0],
        &[2.0, 8.0, 24.0],
        &[1.0, 4.0],
        &[1.0, 2.0, 3.0],
        &[1.0],
    ];
    let mut state = 7_u64;
    let mut draw = |values: &[f64]| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        values[(state >> 33) as usize % values.len()]
    };
    let one = |_| {
        let values = PUBLISHED_NAMES.iter().zip(choices);
        let named: Parameters =
            values.map(|(name, of)| ((*name).to_owned(), ParameterValue::Float(draw(of)))).collect();
        AcceleratorInput::Named(named)
    };
    (0..count).map(one).collect()
}

/// What every accelerator has to move, in words: dense.
struct Compulsory {
    image_words: u64,
    answer_words: u64,
    kernel_words: u64,
    channel_words: u64,
}

impl Compulsory {
    fn of(workload: &Workload) -> Compulsory {
        let words = |tensor: usize| workload.tensors[tensor].elements().unwrap();
        let mut least = Compulsory {
            image_words: 0,
            answer_words: words(workload.output),
            kernel_words: 0,
            channel_words: 0,
        };
        for layer in &workload.layers {
            let out = workload.tensors[layer.output];
            match &layer.primitive {
                Primitive::Conv { in_channels, out_channels, kernel, groups, bias, .. } => {
                    least.kernel_words += out_channels * in_channels / groups * kernel[0] * kernel[1];
                    least.channel_words += u64::from(*bias) * out_channels;
                }
                Primitive::Dense { in_features, out_features, bias } => {
                    least.kernel_words += out_features * in_features;
                    least.channel_words += u64::from(*bias) * out_features;
                }
                Primitive::BatchNorm { channels, .. } => least.channel_words += 2 * channels,
                _ => {}
            }
            if layer.inputs.contains(&workload.input) {
                let image = workload.tensors[workload.input];
                let rows = reached(&layer.primitive, 0, out.height, image.height);
                let columns = reached(&layer.primitive, 1, out.width, image.width);
                least.image_words = least.image_words.max(image.channels * rows * columns);
            }
        }
        least
    }
}

/// How many of `extent` rows (axis 0) or columns the windows of `out` outputs meet: a stride beyond the kernel, or one that does
/// not divide the map, leaves some out.
fn reached(primitive: &Primitive, axis: usize, out: u64, extent: u64) -> u64 {
    let (kernel, stride, before, dilation) = match primitive {
        Primitive::Conv { kernel, stride, padding, dilation, .. } => {
            (kernel[axis], stride[axis], [padding.top, padding.left][axis], dilation[axis])
        }
        Primitive::MaxPool { kernel, stride, padding, .. }
        | Primitive::AveragePool { kernel, stride, padding, .. } => {
            (kernel[axis], stride[axis], [padding.top, padding.left][axis], 1)
        }
        // Resizing may skip rows; what is left is one at least.
        Primitive::Resize { .. } => return 1,
        _ => return extent,
    };
    let taps =
        (0..out).flat_map(|o| (0..kernel).map(move |t| (o * stride + t * dilation).checked_sub(before)));
    taps.flatten().filter(|index| *index < extent).collect::<BTreeSet<_>>().len() as u64
}

/// The checks of one answer.
fn check(name: &str, workload: &Workload, report: &CostReport) {
    let costs = report.cycle.as_ref().unwrap();
    let sum = |each: &dyn Fn(&codebench_model::cycle_costs::LayerCosts) -> u64| -> u64 {
        costs.layers.iter().map(each).sum()
    };
    // Work: all of the graph's, less only what zeros spare.
    assert_eq!(sum(&|l| l.macs), workload.macs() * costs.batch, "{name}: MACs");
    assert_eq!(sum(&|l| l.effective_macs), costs.effective_macs, "{name}");
    let share = costs.effective_macs as f64 / (workload.macs() * costs.batch) as f64;
    assert!((0.2..0.2001).contains(&share), "{name}: {share} of the MACs are left");
    // Bytes: what of the image any window meets, and all weights, are read at least once; the answer is written. Bits, halves
    // of words that are not zero.
    let bits = costs.word_bits * costs.batch;
    let least = Compulsory::of(workload);
    let bytes = costs.bytes;
    assert!(bytes.memory_activations_read * 16 >= least.image_words * bits, "{name}: image");
    assert!(bytes.memory_activations_written * 16 >= least.answer_words * bits, "{name}: answer");
    let weight_bits = (least.kernel_words + 2 * least.channel_words) * costs.word_bits;
    assert!(bytes.memory_weights_read * 16 >= weight_bits, "{name}: weights");
    // Roofs.
    let cycles = report.total_cycles as f64;
    assert!(cycles * costs.peak_macs_per_cycle as f64 >= costs.effective_macs as f64, "{name}: array");
    let moved = bytes.memory() as f64;
    let at_best = cycles * costs.memory_bytes_per_cycle;
    assert!(at_best * (1.0 + 1e-12) >= moved, "{name}: memory, {moved} bytes of {at_best}");
    let roof = costs.roofline;
    assert!(
        roof.achieved_macs_per_cycle <= roof.attainable_macs_per_cycle * (1.0 + 1e-12),
        "{name}: {roof:?}"
    );
    // Sums.
    assert_eq!(sum(&|l| l.cycles), report.total_cycles, "{name}: cycles");
    let close = |a: f64, b: f64, what: &str| {
        assert!((a - b).abs() <= 1e-9 * b.abs(), "{name}: {what}: {a} is not {b}");
    };
    let e = costs.energy;
    let parts = [e.mac_j, e.buffer_read_j, e.buffer_write_j, e.dma_j, e.memory_j, e.vector_j, e.control_j];
    close(parts.iter().sum(), report.dynamic_energy_j, "energy by cause");
    let modules = || costs.modules.iter();
    close(modules().map(|m| m.dynamic_energy_j).sum(), report.dynamic_energy_j, "energy by module");
    close(modules().map(|m| m.leakage_energy_j).sum(), report.leakage_energy_j, "leakage");
    close(e.leakage_j, report.leakage_energy_j, "leakage by cause");
    close(modules().map(|m| m.area_mm2).sum(), report.area_mm2, "area");
    let layers = costs.layers.iter().flat_map(|l| &l.module_energy_j).sum();
    close(layers, report.dynamic_energy_j, "energy by layer");
    let (peak, capacity) = (costs.peak_bytes, costs.capacity_bytes);
    assert!(peak.activation_buffer <= capacity.activation_buffer, "{name}: activation buffer");
    assert!(peak.weight_buffer <= capacity.weight_buffer, "{name}: weight buffer");
    assert!(peak.mask_buffer <= capacity.mask_buffer, "{name}: mask buffer");
}

/// Every named network, true and published, at its own size of image.
fn networks() -> Vec<(&'static str, Workload)> {
    let language = Language::new(&CATALOG).unwrap();
    let all: Vec<_> = named::names()
        .map(|name| {
            let known = named::find(name).unwrap();
            let shape = TensorShape::new(known.channels, known.image, known.image);
            (name, language.lower(&known.graph, shape, known.classes).unwrap().workload)
        })
        .collect();
    let published = all.iter().filter(|(name, _)| name.starts_with("published/")).count();
    assert_eq!((published, all.len() - published), (25, 24), "networks that are checked");
    all
}

#[test]
fn every_named_network_obeys_on_every_memory_and_the_memory_matters() {
    let mut too_large = Vec::new();
    for (name, workload) in networks() {
        let mut of =
            |memory: f64| match simulate(&workload, &named_values(&[("memory", memory)]), TilePolicy::Auto) {
                Ok(report) => {
                    check(name, &workload, &report);
                    Some(report.latency_s)
                }
                Err(error) => {
                    assert!(error.to_string().contains("does not fit the memory"), "{name}: {error}");
                    let weight_bytes = workload.parameters() * 20 / 8;
                    assert!(
                        memory == 3.0 && weight_bytes > 1 << 30,
                        "{name}: {weight_bytes} bytes fit: {error}"
                    );
                    too_large.push(name);
                    None
                }
            };
        let (rram, dram, hbm) = (of(1.0).unwrap(), of(2.0).unwrap(), of(3.0));
        assert!(rram < dram, "{name}: {rram} s and {dram} s");
        assert!(hbm.is_none_or(|hbm| rram < hbm && hbm < dram), "{name}: {rram} s, {hbm:?} s and {dram} s");
    }
    assert_eq!(too_large, ["published/efficientnet-l2", "published/lenet"], "weights beyond a gigabyte");
}

#[test]
fn random_accelerators_obey() {
    for (name, side) in [("resnet18", 64), ("mobilenet-v2", 64)] {
        let workload = workload(name, side);
        for input in accelerators(40) {
            match simulate(&workload, &input, TilePolicy::Auto) {
                Ok(report) => check(name, &workload, &report),
                Err(error) => panic!("{name} on {input:?}: {error}"),
            }
        }
    }
}

/// Images of a batch share the weights and nothing else: a batch takes longer than an image, and an image of the batch neither
/// longer nor more energy of multiplications than an image alone, since weights are read once for all.
#[test]
fn an_image_alone_has_no_free_lunch_over_one_of_a_batch() {
    for name in ["resnet18", "vgg11", "mobilenet-v2", "densenet121"] {
        let workload = workload(name, 64);
        let of = |batch: f64| {
            let report = simulate(&workload, &named_values(&[("batch", batch)]), TilePolicy::Auto).unwrap();
            check(name, &workload, &report);
            report
        };
        let (one, many) = (of(1.0), of(32.0));
        assert!(one.total_cycles <= many.total_cycles, "{name}: {one:?} {many:?}");
        assert!(many.total_cycles <= 32 * one.total_cycles, "{name}: {one:?} {many:?}");
        let costs = |report: &CostReport| report.cycle.as_deref().cloned().unwrap();
        let (alone, batch) = (costs(&one), costs(&many));
        assert!(batch.bytes.memory_weights_read >= alone.bytes.memory_weights_read, "{name}");
        assert!(batch.bytes.memory_weights_read <= 32 * alone.bytes.memory_weights_read, "{name}");
        // Rounding up of effective multiplications, once per tile.
        let share = batch.energy.mac_j / alone.energy.mac_j / 32.0;
        assert!((0.999..1.001).contains(&share), "{name}: {share}");
    }
}

/// What a change of one parameter upwards does under automatic tiles: tiles follow estimates, so that more hardware may
/// cost a little. The exceptions are printed, and bounded.
#[test]
fn under_automatic_tiles_more_hardware_is_rarely_slower() {
    let workload = workload("resnet18", 64);
    let cycles = |values: &[(&str, f64)]| {
        simulate(&workload, &named_values(values), TilePolicy::Auto).unwrap().total_cycles
    };
    let (mut compared, mut slower) = (0, Vec::new());
    for memory in [1.0, 2.0, 3.0] {
        for (name, values) in [
            ("pix", &[1.0, 2.0, 4.0, 8.0][..]),
            ("pof", &[1.0, 2.0, 4.0, 8.0]),
            ("pif", &[1.0, 4.0, 16.0]),
            ("activation_buffer_mb", &[1.0, 2.0, 4.0, 8.0, 24.0]),
            ("weight_buffer_mb", &[1.0, 2.0, 4.0, 8.0, 24.0]),
        ] {
            let all: Vec<u64> = values
                .iter()
                .map(|value| cycles(&[("memory", memory), ("batch", 4.0), (name, *value)]))
                .collect();
            for (pair, values) in all.windows(2).zip(values.windows(2)) {
                compared += 1;
                if pair[1] > pair[0] {
                    let more = pair[1] as f64 / pair[0] as f64 - 1.0;
                    slower.push((more, format!("memory {memory}, {name} {values:?}: {pair:?}")));
                }
            }
        }
    }
    // Past the harness, which keeps back what a passing test prints: the exceptions are reported.
    let _ = writeln!(
        std::io::stderr(),
        "physics: {} of {compared} steps upwards are slower: {slower:?}",
        slower.len()
    );
    assert!(compared == 48 && slower.len() * 10 <= compared, "{slower:#?}");
    assert!(slower.iter().all(|(more, _)| *more < 0.1), "{slower:#?}");
}

/// With tiles of the user's the faster order is chosen layer by layer, and the file may name one.
#[test]
fn fixed_tiles_take_the_order_that_is_asked_for_or_the_better_one() {
    let tile = TilePolicy::Fixed(TileSize { batch: 1, y: 8, x: 0, in_channels: 0, out_channels: 32 });
    let workload = workload("vgg11", 64);
    let input = named_values(&[("batch", 4.0), ("weight_buffer_mb", 1.0), ("memory", 2.0)]);
    let of = |order: LoopPolicy| simulate_in_order(&workload, &input, tile, order).unwrap();
    let orders = |report: &CostReport| -> Vec<LoopOrder> {
        report.cycle.as_ref().unwrap().layers.iter().map(|layer| layer.order).collect()
    };
    let (activations, weights, auto) =
        (of(LoopPolicy::ActivationsOuter), of(LoopPolicy::WeightsOuter), of(LoopPolicy::Auto));
    assert!(orders(&activations).iter().all(|order| *order == LoopOrder::ActivationsOuter));
    assert!(orders(&weights).iter().all(|order| *order == LoopOrder::WeightsOuter));
    let chosen: BTreeSet<bool> = orders(&auto).iter().map(|o| *o == LoopOrder::WeightsOuter).collect();
    assert_eq!(chosen.len(), 2, "both orders occur");
    let cycles = |report: &CostReport| report.total_cycles;
    assert!(cycles(&auto) < cycles(&activations) && cycles(&auto) <= cycles(&weights), "{auto:?}");
}

/// Every remedy that is told, by itself, makes the accelerator feasible.
#[test]
fn what_does_not_fit_is_explained_with_changes_that_work() {
    let whole = TilePolicy::Fixed(TileSize::default());
    let cases = [
        (whole, &[("activation_buffer_mb", 0.0625), ("batch", 8.0)][..], Holder::ActivationBuffer),
        (whole, &[("weight_buffer_mb", 0.0625)], Holder::WeightBuffer),
        (whole, &[("mask_buffer_mb", 0.03125)], Holder::MaskBuffer),
        (TilePolicy::Auto, &[("activation_buffer_mb", 0.00001)], Holder::ActivationBuffer),
        (TilePolicy::Auto, &[("weight_buffer_mb", 0.00001)], Holder::WeightBuffer),
        (TilePolicy::Auto, &[("mask_buffer_mb", 0.00001)], Holder::MaskBuffer),
        (TilePolicy::Auto, &[("memory", 3.0), ("batch", 8192.0)], Holder::Memory),
    ];
    let (mut capacities, mut automatic, mut batches) = (0, 0, 0);
    for (tile, values, holder) in cases {
        // With hardly any buffer a large network has millions of tiles.
        let large = tile == whole || holder == Holder::Memory;
        let workload = workload(if large { "resnet18" } else { "lenet-5" }, if large { 64 } else { 32 });
        let mut description = describe(&named_values(values)).unwrap();
        description.tile = tile;
        let machine = Machine::resolve(&description, &CATALOG).unwrap();
        let fused = fuse(&workload).unwrap();
        let densities = Sparsity::Paper.densities(&fused).unwrap();
        let run = |machine: &Machine| plan_layers(machine, &fused, &densities);
        let error = evaluate(&machine, &workload, &Sparsity::Paper, Options::default()).unwrap_err();
        let CycleError::Infeasible(why) = &error else { panic!("{values:?}: {error}") };
        assert_eq!(why.holder, holder, "{error}");
        assert!(why.layer.name.is_some() && why.needed_bytes > why.capacity_bytes, "{error}");
        let text = error.to_string();
        let missing = why.needed_bytes - why.capacity_bytes;
        assert!(text.contains(&format!("does not fit the {holder}")), "{text}");
        assert!(text.contains(&format!("{missing} more than the {}", why.capacity_bytes)), "{text}");
        assert!(!why.remedies.is_empty(), "{text}");
        for remedy in &why.remedies {
            assert!(text.contains(&remedy.to_string()), "{text}");
            assert!(run(&machine.with(remedy)).is_ok(), "{remedy} does not help: {text}");
            match remedy {
                Remedy::Capacities(all) => {
                    capacities += 1;
                    // A byte less of any does not do.
                    for index in 0..all.len() {
                        let mut less = all.clone();
                        less[index].1 -= 1;
                        assert!(run(&machine.with(&Remedy::Capacities(less))).is_err(), "{text}");
                    }
                }
                Remedy::AutomaticTiles => automatic += 1,
                Remedy::Batch(_) => batches += 1,
            }
        }
    }
    assert!(capacities == 7 && automatic == 3 && batches >= 1, "{capacities} {automatic} {batches}");
}
