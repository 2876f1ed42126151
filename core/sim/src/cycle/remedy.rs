//! The nearest changes that make an infeasible accelerator feasible: each is tried before it is told.

use super::error::{CycleError, Infeasible};
use super::machine::Machine;
use super::schedule;
use codebench_model::TilePolicy;
use codebench_model::hardware::{Densities, FusedWorkload};
use std::fmt;

/// One change that would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remedy {
    /// Buffers or a memory of at least so many bytes, all of them.
    Capacities(Vec<(Holder, u64)>),
    /// Tiles that the simulator chooses.
    AutomaticTiles,
    /// At most so many images per inference.
    Batch(u64),
}

/// What holds data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Holder {
    ActivationBuffer,
    WeightBuffer,
    MaskBuffer,
    Memory,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Holder::ActivationBuffer => "activation buffer",
            Holder::WeightBuffer => "weight buffer",
            Holder::MaskBuffer => "mask buffer",
            Holder::Memory => "memory",
        })
    }
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Remedy::Capacities(all) => {
                f.write_str("make ")?;
                for (index, (holder, bytes)) in all.iter().enumerate() {
                    let and = if index > 0 { " and " } else { "" };
                    // A size that is told in files, rounded up.
                    let mb = bytes.saturating_mul(10_000).div_ceil(1 << 20) as f64 / 10_000.0;
                    write!(f, "{and}the {holder} at least {bytes} bytes ({mb} MB)")?;
                    if *holder == Holder::Memory {
                        f.write_str(" by more channels, ranks or banks, or by another memory")?;
                    }
                }
                Ok(())
            }
            Remedy::AutomaticTiles => f.write_str("set tile = \"auto\""),
            Remedy::Batch(images) => write!(f, "give at most {images} images per inference"),
        }
    }
}

impl Machine {
    /// The same with a change.
    #[must_use]
    pub fn with(&self, remedy: &Remedy) -> Machine {
        let mut machine = self.clone();
        match remedy {
            Remedy::Capacities(all) => {
                for (holder, bytes) in all {
                    let roles = &machine.roles;
                    let index = match holder {
                        Holder::ActivationBuffer => Some(roles.activation_buffer),
                        Holder::WeightBuffer => Some(roles.weight_buffer),
                        Holder::MaskBuffer => roles.mask_buffer,
                        Holder::Memory => None,
                    };
                    match index.and_then(|index| machine.modules.get_mut(index)) {
                        Some(module) => module.facts.capacity_bytes = *bytes,
                        None => machine.memory.facts.capacity_bytes = *bytes,
                    }
                }
            }
            Remedy::AutomaticTiles => machine.tile = TilePolicy::Auto,
            Remedy::Batch(images) => machine.batch = *images,
        }
        machine
    }
}

/// Capacities that are tried before giving up.
const MOST_TRIALS: usize = 100;

/// Replaces the remedies of an infeasible accelerator by those that have been seen to work.
pub(super) fn explain(
    machine: &Machine,
    workload: &FusedWorkload,
    densities: &Densities,
    error: CycleError,
) -> CycleError {
    let CycleError::Infeasible(why) = error else { return error };
    let fits = |remedy: &Remedy| schedule(&machine.with(remedy), workload, densities).is_ok();
    let mut remedies = Vec::new();
    remedies.extend(capacities(machine, workload, densities, &why));
    if matches!(machine.tile, TilePolicy::Fixed(_)) {
        remedies.extend(Some(Remedy::AutomaticTiles).filter(&fits));
    }
    let mut images = machine.batch / 2;
    while images > 0 {
        let fewer = Remedy::Batch(images);
        if fits(&fewer) {
            remedies.push(fewer);
            break;
        }
        images /= 2;
    }
    CycleError::Infeasible(Infeasible { remedies, ..why })
}

/// The least capacities with which everything fits: what does not fit names the next one.
fn capacities(
    machine: &Machine,
    workload: &FusedWorkload,
    densities: &Densities,
    why: &Infeasible,
) -> Option<Remedy> {
    let mut all = vec![(why.holder, why.needed_bytes)];
    for _ in 0..MOST_TRIALS {
        let remedy = Remedy::Capacities(all.clone());
        match schedule(&machine.with(&remedy), workload, densities) {
            Ok(_) => return Some(remedy),
            // Objects beyond the capacity are many: all of them at once.
            Err(CycleError::Infeasible(next)) if next.holder == Holder::Memory => {
                all.retain(|(holder, _)| *holder != Holder::Memory);
                let mut endless = all.clone();
                endless.push((Holder::Memory, u64::MAX));
                let machine = machine.with(&Remedy::Capacities(endless));
                all.push((Holder::Memory, schedule(&machine, workload, densities).ok()?.addresses.end));
            }
            Err(CycleError::Infeasible(next)) => {
                match all.iter_mut().find(|(holder, _)| *holder == next.holder) {
                    Some((_, bytes)) => *bytes = next.needed_bytes.max(*bytes),
                    None => all.push((next.holder, next.needed_bytes)),
                }
            }
            Err(_) => return None,
        }
    }
    None
}
