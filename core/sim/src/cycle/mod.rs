//! The `cycle` fidelity: an event-driven simulation in integer time, by the rules of the book's page on the cycle model.
//!
//! ```text
//! AcceleratorDescription --Machine::resolve--> Machine
//! Workload --fuse--> FusedWorkload --plan--> Schedule --simulate--> Timeline --report--> CostReport
//! ```

mod density;
mod engine;
mod error;
mod fuse;
mod machine;
mod plan;
mod remedy;
mod report;
mod template;
mod tiles;
mod timeline;
mod trace;

pub use density::Sparsity;
pub use engine::Options;
pub use error::{CycleError, Infeasible, LayerRef};
pub use fuse::fuse;
pub use machine::{Machine, MainMemory, Module, Parts};
pub use remedy::{Holder, Remedy};
pub use template::describe;
pub use timeline::{LayerTimeline, MemoryBytes, Occupation, Record, Stall, Timeline, Unit};
pub use trace::write_trace;

use codebench_model::hardware::{Densities, FusedWorkload, LayerPlan};
use codebench_model::{CostReport, TilePolicy, Workload};
use plan::{Plans, Schedule};
use report::Reporter;

/// Simulates a fused workload with one plan per layer.
///
/// # Errors
/// An accelerator that cannot run it, a module that errs, numbers that leave 64 bits.
pub fn simulate(
    machine: &Machine,
    workload: &FusedWorkload,
    plans: &[LayerPlan],
    densities: &Densities,
    options: Options,
) -> Result<Timeline, CycleError> {
    let schedule = plan::plan(machine, workload, &Plans::Given(plans), densities)?;
    engine::run(machine, workload, &schedule, densities, options)
}

/// The plans of all layers that the machine's tile policy asks for.
///
/// # Errors
/// As [`simulate`].
pub fn plan_layers(
    machine: &Machine,
    workload: &FusedWorkload,
    densities: &Densities,
) -> Result<Vec<LayerPlan>, CycleError> {
    Ok(schedule(machine, workload, densities)?.layers.iter().map(|layer| layer.plan).collect())
}

/// Simulates a workload on a machine with the machine's tile policy.
///
/// # Errors
/// As [`simulate`]; layers are named.
pub fn evaluate(
    machine: &Machine,
    workload: &Workload,
    sparsity: &Sparsity,
    options: Options,
) -> Result<(CostReport, Timeline), CycleError> {
    Prepared::new(workload, sparsity)?.evaluate(machine, options)
}

/// A workload with all that does not depend on the accelerator, to be simulated on many of them.
pub struct Prepared<'a> {
    workload: &'a Workload,
    fused: FusedWorkload,
    densities: Densities,
}

impl<'a> Prepared<'a> {
    /// Fuses the workload's layers and gives them their densities.
    ///
    /// # Errors
    /// As [`fuse`]; densities that are missing or no shares.
    pub fn new(workload: &'a Workload, sparsity: &Sparsity) -> Result<Prepared<'a>, CycleError> {
        let fused = fuse(workload)?;
        let densities = sparsity.densities(&fused).map_err(|error| error.named(workload))?;
        Ok(Prepared { workload, fused, densities })
    }

    /// Simulates it on a machine with the machine's tile policy.
    ///
    /// # Errors
    /// As [`simulate`]; layers are named.
    pub fn evaluate(
        &self,
        machine: &Machine,
        options: Options,
    ) -> Result<(CostReport, Timeline), CycleError> {
        let Prepared { workload, fused, densities } = self;
        let run = || {
            let schedule = schedule(machine, fused, densities)
                .map_err(|error| remedy::explain(machine, fused, densities, error))?;
            let timeline = engine::run(machine, fused, &schedule, densities, options)?;
            let reporter = Reporter { machine, workload, fused, schedule: &schedule, timeline: &timeline };
            Ok((reporter.report()?, timeline))
        };
        run().map_err(|error: CycleError| error.named(workload))
    }
}

fn schedule(
    machine: &Machine,
    workload: &FusedWorkload,
    densities: &Densities,
) -> Result<Schedule, CycleError> {
    match machine.tile {
        TilePolicy::Auto => plan::plan(machine, workload, &Plans::Auto, densities),
        TilePolicy::Fixed(tile) => plan::plan(machine, workload, &Plans::Fixed(tile), densities),
    }
}
