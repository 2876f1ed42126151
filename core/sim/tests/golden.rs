//! Every run of the released simulator, bit for bit: `tests/golden/accelbench.json`.

#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use codebench_accelbench::AccelBench;
use codebench_model::accelerator::DEFAULT_VECTOR;
use codebench_model::{AcceleratorInput, CostReport, PublishedConstants, PublishedOp, PublishedOps};
use codebench_sim::published::{BufferUse, Simulation, Simulator};
use codebench_sim::{SimError, accelerator};
use common::{Outcome, networks};

/// Every number of a simulation under a name, floats as bits.
fn numbers(simulation: &Simulation) -> Vec<(String, u64)> {
    let CostReport { total_cycles, latency_s, area_mm2, dynamic_energy_j, leakage_energy_j, .. } =
        simulation.report;
    let phases = simulation.report.published.unwrap();
    let mut all = vec![
        ("batchnorm_cycles".to_owned(), phases.batchnorm_cycles),
        ("pool_cycles".to_owned(), phases.pool_cycles),
        ("globalavgpool_cycles".to_owned(), phases.globalavgpool_cycles),
        ("upsampling_cycles".to_owned(), phases.upsampling_cycles),
        ("memory_cycles".to_owned(), phases.memory_cycles),
        ("conv_cycles".to_owned(), phases.conv_cycles),
        ("total_cycles".to_owned(), total_cycles),
        ("latency".to_owned(), latency_s.to_bits()),
        ("area".to_owned(), area_mm2.to_bits()),
        ("dynamic_energy".to_owned(), dynamic_energy_j.to_bits()),
        ("leakage_energy".to_owned(), leakage_energy_j.to_bits()),
        ("leakage_power".to_owned(), simulation.leakage_power_mw.to_bits()),
    ];
    for (name, buffer) in
        [("activation", &simulation.activation_buffer), ("weight", &simulation.weight_buffer)]
    {
        let BufferUse {
            load_blocks,
            chunk_loads,
            chunk_evictions,
            load_cycles,
            capacity,
            occupancy,
            energy_nj,
        } = *buffer;
        let values = [
            load_blocks,
            chunk_loads,
            chunk_evictions,
            load_cycles,
            capacity,
            occupancy,
            energy_nj.to_bits(),
        ];
        let names = [
            "load_blocks",
            "chunk_loads",
            "chunk_evictions",
            "load_cycles",
            "size_units",
            "final_units",
            "energy_nJ",
        ];
        all.extend(names.iter().zip(values).map(|(field, value)| (format!("{name}.{field}"), value)));
    }
    let counts = [
        ("conv", simulation.conv_blocks),
        ("matmul", simulation.matmul_blocks),
        ("mac_lane_cycles", simulation.mac_lane_cycles),
        ("conv_wait_cycles", simulation.conv_wait_cycles),
        ("matmul_wait_cycles", simulation.matmul_wait_cycles),
        ("chunk_checks", simulation.chunk_checks),
    ];
    all.extend(counts.map(|(name, value)| (name.to_owned(), value)));
    all
}

fn run(ops: &PublishedOps, vector: &[f64]) -> Result<Simulation, SimError> {
    let accelerator = accelerator::resolve(&AcceleratorInput::Vector(vector.to_vec()))?;
    Simulator::new(AccelBench.into()).simulate(ops, &accelerator)
}

#[test]
fn every_run_is_bit_equal() {
    let (mut equal, mut crashes, mut lacking) = (0, 0, 0);
    let mut differences = Vec::new();
    for network in networks() {
        for golden in &network.runs {
            let result = run(&network.ops, &golden.accelerator);
            match (&golden.outcome, result) {
                (Outcome::Crash(_), Ok(_)) => differences.push(format!("{} should be an error", network.id)),
                (Outcome::Crash(_), Err(_)) => crashes += 1,
                (Outcome::Numbers(_), Err(error)) => differences.push(format!("{}: {error}", network.id)),
                (Outcome::Numbers(expected), Ok(simulation)) => {
                    let ours = numbers(&simulation);
                    assert_eq!(ours.len(), expected.len());
                    for ((name, ours), expected) in ours.iter().zip(expected) {
                        let Some(expected) = expected else {
                            lacking += 1;
                            continue;
                        };
                        if ours != expected {
                            differences.push(format!(
                                "{} on {:?}: {name} is {ours} ({:e}), not {expected} ({:e})",
                                network.id,
                                golden.accelerator,
                                f64::from_bits(*ours),
                                f64::from_bits(*expected)
                            ));
                        }
                    }
                    equal += 1;
                    assert_eq!(simulation.report.params, network.ops.params);
                    assert_eq!(simulation.report.macs, network.ops.macs);
                }
            }
        }
    }
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
    // The number of residency tests was not recorded in these.
    assert_eq!((equal, crashes, lacking), (619, 56, 177), "every run of the file is compared");
}

#[test]
fn crashes_of_the_released_code_are_clear_errors() {
    for network in networks() {
        for golden in &network.runs {
            let Outcome::Crash(kind) = &golden.outcome else { continue };
            let error = run(&network.ops, &golden.accelerator).unwrap_err();
            let vector = &golden.accelerator;
            let expected = match vector.len() {
                12 => "accelerator_length",
                _ if vector[1] != 1.0 && vector[1] != 16.0 => "accelerator_pif",
                _ if kind == "AssertionError" => "accelerator_range",
                _ => "cnn_without_relu_or_silu",
            };
            assert_eq!(error.code(), expected, "{}: {error}", network.id);
        }
    }
}

/// CNNBench's ResNet-18 at 224 pixels with 10 classes on the default vector.
#[test]
fn one_more_published_value() {
    let mut networks = networks();
    let network = networks.iter_mut().find(|n| n.id == "resnet18@224").unwrap();
    let last = network.ops.ops.last_mut().unwrap();
    assert_eq!(*last, PublishedOp::Linear { in_features: 512, out_features: 1000 });
    *last = PublishedOp::Linear { in_features: 512, out_features: 10 };
    let simulation =
        run(&network.ops, &[2.0, 16.0, 8.0, 4.0, 8.0, 3.0, 3.0, 1.0, 12.0, 24.0, 4.0, 1.0, 1.0]).unwrap();
    let report = simulation.report;
    assert_eq!(report.total_cycles, 3_608_637);
    assert_eq!(report.area_mm2, 230.064_094_459_584_03);
    assert_eq!(report.dynamic_energy_j, 0.169_293_640_050_953_01);
    assert_eq!(report.leakage_energy_j, 0.079_041_528_411_560_48);
    assert!((report.latency_s - 5.155_195_714e-3).abs() < 1e-12);
}

/// The comparison above looks at every bit: the least change of any number is a difference.
#[test]
fn the_comparison_notices_one_bit() {
    let networks = networks();
    let network = networks.iter().find(|n| n.id == "resnet18@32").unwrap();
    let golden = &network.runs[0];
    let Outcome::Numbers(expected) = &golden.outcome else { panic!("a run with numbers") };
    let ours = numbers(&run(&network.ops, &golden.accelerator).unwrap());
    let ours: Vec<Option<u64>> = ours.into_iter().map(|(_, value)| Some(value)).collect();
    assert_eq!(&ours, expected);
    for index in 0..expected.len() {
        let mut changed = expected.clone();
        changed[index] = changed[index].map(|value| value ^ 1);
        assert_ne!(ours, changed);
    }
}

#[test]
fn shares_of_the_operations_sum_to_the_totals() {
    for network in networks() {
        for golden in network.runs.iter().take(4) {
            let Ok(simulation) = run(&network.ops, &golden.accelerator) else { continue };
            let cycles: u64 = simulation.per_op.iter().map(|c| c.cycles).sum();
            assert_eq!(cycles + simulation.image.cycles, simulation.report.total_cycles, "{}", network.id);
            let energy: f64 = simulation.per_op.iter().map(|c| c.energy_j).sum();
            let total = simulation.report.dynamic_energy_j;
            let error = (energy + simulation.image.energy_j - total).abs() / total;
            assert!(error < 1e-9, "{}: relative error {error}", network.id);
        }
    }
}

/// Every organisation of the constants is accepted, and no other.
#[test]
fn memories_of_the_constants_are_those_that_are_accepted() {
    let constants: PublishedConstants = AccelBench.into();
    for (memory, configurations) in (1u8..).zip(&constants.memories) {
        let accepts = |configuration: usize| {
            let mut vector = DEFAULT_VECTOR.to_vec();
            vector[11] = f64::from(memory);
            vector[12] = configuration as f64;
            accelerator::resolve(&AcceleratorInput::Vector(vector)).is_ok()
        };
        assert!((1..=configurations.len()).all(accepts), "memory {memory}");
        assert!(!accepts(0) && !accepts(configurations.len() + 1), "memory {memory}");
    }
}
