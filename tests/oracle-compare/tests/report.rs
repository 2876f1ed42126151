//! With automatic tiles too: the engine's own plans run on the oracle, and the report adds up to the oracle's counts.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use codebench_oracle_compare::{Case, cases, difference};
use codebench_sim::cycle::{self, Machine, Options, Sparsity};

fn close(seed: u64, name: &str, engine: f64, oracle: f64) {
    let error = (engine - oracle).abs();
    assert!(error <= 1e-12 * oracle.abs(), "seed {seed}: {name}: {engine} is not {oracle}");
}

/// Whether the engine accepts the case with automatic tiles; then all must agree.
fn agree(mut case: Case) -> bool {
    let seed = case.seed;
    let machine = Machine::resolve(&case.machine.description, &case.machine.catalog()).unwrap();
    let sparsity = if seed.is_multiple_of(2) { Sparsity::Paper } else { Sparsity::Dense };
    case.densities = sparsity.densities(&case.fused).unwrap();
    let Ok(plans) = cycle::plan_layers(&machine, &case.fused, &case.densities) else { return false };
    case.plans = plans;
    let (report, _) = cycle::evaluate(&machine, &case.workload, &sparsity, Options::default()).unwrap();
    let agreed = difference(&case, None).unwrap_or_else(|text| panic!("seed {seed}: {text}"));
    let outcome =
        agreed.outcome.unwrap_or_else(|| panic!("seed {seed}: the plans that were found do not fit"));
    let accelerator = case.machine.for_oracle().unwrap();
    assert_eq!(report.total_cycles, outcome.total_cycles, "seed {seed}");
    close(seed, "dynamic energy", report.dynamic_energy_j * 1e12, outcome.dynamic_energy_pj(&accelerator));
    let memory = accelerator.memory.facts();
    let modules = accelerator.modules.iter().map(|(_, module)| module.facts().leakage_mw);
    let leakage_mw = modules.sum::<f64>() + memory.leakage_mw + memory.background_mw;
    let seconds = outcome.total_cycles as f64 / (accelerator.clock_khz as f64 * 1e3);
    close(seed, "latency", report.latency_s, seconds);
    close(seed, "leakage energy", report.leakage_energy_j, leakage_mw * 1e-3 * seconds);
    true
}

#[test]
fn automatic_plans_and_reports_agree() {
    let seeds = cases(300);
    let fit = seeds.clone().filter(|&seed| agree(Case::new(seed))).count();
    println!("{fit} of the seeds {seeds:?} fit");
    assert!(seeds.end - seeds.start < 100 || fit * 2 > 100, "only {fit} cases fit");
}
