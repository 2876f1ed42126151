//! What no simulation may break: work is conserved, no roof is exceeded, sums add up.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use codebench_api::Catalog;
use codebench_cnn::{Language, named};
use codebench_model::accelerator::PUBLISHED_NAMES;
use codebench_model::{
    AcceleratorInput, CostReport, ParameterValue, Parameters, TensorShape, TilePolicy, TileSize, Workload,
};
use codebench_sim::cycle::{CycleError, Machine, Options, Sparsity, describe, evaluate};
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
    let mut description = describe(input)?;
    description.tile = tile;
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
    // Bytes: the image and all weights are read at least once, the answer is written.
    let words = |elements: u64| elements * costs.word_bits / 8;
    let image = words(workload.tensors[workload.input].elements().unwrap()) * costs.batch;
    let weights = words(workload.parameters());
    // A strided window may leave the last rows and columns out.
    assert!(costs.bytes.memory_activations_read >= image / 2 * 9 / 10, "{name}: image");
    assert!(costs.bytes.memory_weights_read >= weights / 2, "{name}: weights");
    assert!(costs.bytes.memory_activations_written > 0, "{name}: answer");
    // Roofs.
    let cycles = report.total_cycles as f64;
    assert!(cycles >= costs.effective_macs as f64 / costs.peak_macs_per_cycle as f64, "{name}: array");
    let least = (image / 2 + weights / 2) as f64 / costs.memory_bytes_per_cycle;
    assert!(cycles >= 0.9 * least, "{name}: memory, {cycles} < {least}");
    let roof = costs.roofline;
    assert!(roof.achieved_macs_per_cycle <= roof.attainable_macs_per_cycle * 1.1, "{name}: roofline");
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

#[test]
fn every_named_network_obeys_on_the_paper_accelerator() {
    let mut failed = Vec::new();
    for name in named::names() {
        let Ok(known) = named::find(name) else { continue };
        let language = Language::new(&CATALOG).unwrap();
        let shape = TensorShape::new(known.channels, known.image, known.image);
        let Ok(lowered) = language.lower(&known.graph, shape, known.classes) else { continue };
        match simulate(&lowered.workload, &named_values(&[]), TilePolicy::Auto) {
            Ok(report) => check(name, &lowered.workload, &report),
            Err(error) => failed.push(format!("{name}: {error}")),
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
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

/// Cycles of a chain at fixed tiles.
fn chain_cycles(values: &[(&str, f64)]) -> u64 {
    let tile = TilePolicy::Fixed(TileSize { batch: 1, y: 16, x: 0, in_channels: 0, out_channels: 64 });
    simulate(&workload("vgg11", 64), &named_values(values), tile).unwrap().total_cycles
}

#[test]
fn at_fixed_tiles_more_hardware_is_never_slower_on_a_chain() {
    let rising = |name: &str, values: &[f64], others: &[(&str, f64)]| {
        let cycles: Vec<u64> = values
            .iter()
            .map(|value| {
                let mut all = others.to_vec();
                all.push((name, *value));
                chain_cycles(&all)
            })
            .collect();
        assert!(cycles.is_sorted_by(|a, b| a >= b), "{name} {values:?}: {cycles:?}");
    };
    rising("pix", &[1.0, 2.0, 4.0, 8.0], &[]);
    rising("pof", &[1.0, 2.0, 4.0, 8.0], &[]);
    rising("pif", &[1.0, 2.0, 4.0, 8.0, 16.0], &[]);
    rising("activation_buffer_mb", &[2.0, 4.0, 12.0, 24.0], &[("weight_buffer_mb", 12.0)]);
    rising("weight_buffer_mb", &[4.0, 8.0, 16.0, 32.0], &[]);
}

#[test]
fn the_memory_matters() {
    let of = |memory: f64| chain_cycles(&[("memory", memory)]);
    let (rram, dram, hbm) = (of(1.0), of(2.0), of(3.0));
    assert!(rram < hbm && hbm < dram, "{rram} {hbm} {dram}");
}

#[test]
fn a_batch_costs_no_less_per_image_than_its_weights_save() {
    let workload = workload("resnet18", 64);
    let of = |batch: f64| simulate(&workload, &named_values(&[("batch", batch)]), TilePolicy::Auto).unwrap();
    let (one, many) = (of(1.0), of(32.0));
    // An image of a batch shares the weights, and nothing else.
    assert!(many.total_cycles >= one.total_cycles, "{} and {}", many.total_cycles, one.total_cycles);
    assert!(
        many.total_cycles <= 32 * one.total_cycles * 11 / 10,
        "{} and {}",
        many.total_cycles,
        one.total_cycles
    );
    let energy = |report: &CostReport| report.cycle.as_ref().unwrap().energy.mac_j;
    assert!((energy(&many) / energy(&one) / 32.0 - 1.0).abs() < 0.05);
}

#[test]
fn what_does_not_fit_is_explained() {
    let workload = workload("resnet18", 64);
    let tile = TilePolicy::Fixed(TileSize::default());
    let input = named_values(&[("activation_buffer_mb", 0.0625), ("batch", 8.0)]);
    let error = simulate(&workload, &input, tile).unwrap_err();
    let CycleError::Infeasible(why) = &error else { panic!("{error}") };
    assert_eq!(why.holder, "activation buffer");
    assert!(why.layer.name.is_some() && why.needed_bytes > why.capacity_bytes);
    let text = error.to_string();
    assert!(text.contains("activation buffer at least") && text.contains("more than the 65536"), "{text}");
    assert!(simulate(&workload, &input, TilePolicy::Auto).is_ok());
}
