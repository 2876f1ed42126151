//! The `cycle` fidelity: an event-driven simulation in integer time, by the rules of the book's page on the cycle model.
//!
//! ```text
//! AcceleratorDescription --Machine::resolve--> Machine
//! Workload --fuse--> FusedWorkload --plan--> Schedule --simulate--> Timeline --report--> CostReport
//! ```

mod engine;
mod error;
mod fuse;
mod machine;
mod plan;
mod tiles;
mod timeline;

pub use engine::Options;
pub use error::{CycleError, Infeasible, LayerRef};
pub use fuse::fuse;
pub use machine::{Machine, MainMemory, Module};
pub use timeline::{LayerTimeline, MemoryBytes, Occupation, Record, Stall, Timeline, Unit};

use codebench_model::hardware::{Densities, FusedWorkload, LayerPlan};

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
    let schedule = plan::plan(machine, workload, plans, densities)?;
    engine::run(machine, workload, &schedule, densities, options)
}
