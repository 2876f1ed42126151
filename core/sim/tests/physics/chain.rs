//! Chains of layers: more of a resource does not make them slower.

use crate::{CATALOG, named_values, workload};
use codebench_model::{LoopPolicy, ParameterValue, Role, TilePolicy, TileSize, Workload};
use codebench_sim::cycle::{CycleError, Machine, Options, Sparsity, describe, evaluate};
use std::io::Write;

const CHAIN_TILE: TilePolicy =
    TilePolicy::Fixed(TileSize { batch: 1, y: 16, x: 0, in_channels: 0, out_channels: 64 });

/// A chain on the default accelerator with some parameters changed, or with so many channels of another memory.
struct Chain {
    name: &'static str,
    workload: Workload,
    sparsity: Sparsity,
}

impl Chain {
    fn cycles(&self, values: &[(&str, f64)], memory: Option<(&str, i64)>) -> u64 {
        self.cycles_at((CHAIN_TILE, LoopPolicy::ActivationsOuter), values, memory).unwrap()
    }

    /// The same at tiles of its own; `None` if they do not fit.
    fn cycles_at(
        &self,
        (tile, order): (TilePolicy, LoopPolicy),
        values: &[(&str, f64)],
        memory: Option<(&str, i64)>,
    ) -> Option<u64> {
        let mut description = describe(&named_values(values)).unwrap();
        description.tile = tile;
        description.loop_order = order;
        if let Some((plugin, channels)) = memory {
            let module = description.module.iter_mut().find(|m| m.role == Role::Memory).unwrap();
            module.plugin = plugin.into();
            module.parameters = [("channels".to_owned(), ParameterValue::Integer(channels))].into();
        }
        let machine = Machine::resolve(&description, &CATALOG).unwrap();
        match evaluate(&machine, &self.workload, &self.sparsity, Options::default()) {
            Ok((report, _)) => Some(report.total_cycles),
            Err(CycleError::Infeasible(_)) => None,
            Err(error) => panic!("{}: {error}", self.name),
        }
    }

    fn falls(&self, parameter: &str, values: &[f64], others: &[(&str, f64)]) {
        let cycles: Vec<u64> = values
            .iter()
            .map(|value| self.cycles(&[others, &[(parameter, *value)]].concat(), None))
            .collect();
        assert!(cycles.is_sorted_by(|a, b| a >= b), "{}, {parameter} {values:?}: {cycles:?}", self.name);
    }
}

#[test]
fn at_fixed_tiles_more_hardware_is_never_slower_on_a_chain() {
    for name in ["vgg11", "alexnet", "mobilenet-v1"] {
        for sparsity in [Sparsity::Paper, Sparsity::Dense] {
            let chain = Chain { name, workload: workload(name, 64), sparsity };
            for memory in [1.0, 2.0, 3.0] {
                let memory = [("memory", memory)];
                chain.falls("pix", &[1.0, 2.0, 4.0, 8.0], &memory);
                chain.falls("pof", &[1.0, 2.0, 4.0, 8.0], &memory);
                chain.falls("pif", &[1.0, 2.0, 4.0, 8.0, 16.0], &memory);
                let weights = [&memory[..], &[("weight_buffer_mb", 12.0)]].concat();
                chain.falls("activation_buffer_mb", &[2.0, 4.0, 12.0, 24.0], &weights);
                chain.falls("weight_buffer_mb", &[6.0, 8.0, 16.0, 32.0], &memory);
            }
            for memory in ["codebench/dram", "codebench/hbm", "codebench/rram", "codebench/rram-off-chip"] {
                let cycles = [1, 2, 4, 8].map(|channels| chain.cycles(&[], Some((memory, channels))));
                assert!(
                    cycles.is_sorted_by(|a, b| a >= b) && cycles[0] > cycles[3],
                    "{name}, {memory}: {cycles:?}"
                );
            }
        }
    }
}

/// Other tiles of a chain. The rules are those of a machine that starts what is ready, in order: a larger array has deeper adder
/// trees, and a buffer that keeps one tensor more may have no room left to load the next tile early. The exceptions are few and
/// small; they are printed, and bounded.
#[test]
fn at_other_fixed_tiles_more_hardware_is_hardly_ever_slower_on_a_chain() {
    let (mut compared, mut slower) = (0_u32, Vec::new());
    for (name, order) in [("vgg11", LoopPolicy::WeightsOuter), ("alexnet", LoopPolicy::ActivationsOuter)] {
        let chain = Chain { name, workload: workload(name, 64), sparsity: Sparsity::Paper };
        let others =
            [("batch", 4.0), ("weight_buffer_mb", 1.0), ("activation_buffer_mb", 1.0), ("memory", 2.0)];
        for (y, in_channels, out_channels) in [(16, 128, 64)] {
            let tile = TilePolicy::Fixed(TileSize { batch: 1, y, x: 0, in_channels, out_channels });
            for (parameter, values) in [
                ("pib", &[1.0, 2.0, 4.0][..]),
                ("pif", &[1.0, 4.0, 16.0]),
                ("activation_buffer_mb", &[0.25, 0.5, 1.0, 2.0, 4.0]),
                ("weight_buffer_mb", &[0.5, 1.0, 2.0, 4.0, 16.0]),
            ] {
                let values_of = |value: f64| [&others[..], &[(parameter, value)]].concat();
                let cycles =
                    values.iter().map(|value| chain.cycles_at((tile, order), &values_of(*value), None));
                for (step, pair) in cycles.collect::<Vec<_>>().windows(2).enumerate() {
                    let Some(before) = pair[0] else { continue };
                    let after =
                        pair[1].unwrap_or_else(|| panic!("{name}, {tile:?}: more {parameter} does not fit"));
                    compared += 1;
                    if after > before {
                        let more = after as f64 / before as f64 - 1.0;
                        slower.push((more, format!("{name}, {tile:?}, {parameter} = {}", values[step + 1])));
                    }
                }
            }
        }
    }
    let mut log = std::io::stderr();
    for (more, what) in &slower {
        let _ = writeln!(log, "physics: {what} is {:.3} % slower", more * 100.0);
    }
    let _ = writeln!(log, "physics: {} of {compared} steps upwards are slower at fixed tiles", slower.len());
    let worst = slower.iter().map(|(more, _)| *more).fold(0.0, f64::max);
    assert!(
        slower.len() * 20 <= compared as usize && worst <= 0.01,
        "{} of {compared}, {worst}",
        slower.len()
    );
}
