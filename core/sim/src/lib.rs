//! Simulation engines: a workload on an accelerator gives cycles, latency, energy and area.
//!
//! The `published` fidelity ([`published::Simulator`]) answers what the authors' released simulator answers, bit for
//! bit. [`Simulate`] is the evaluator through which a search uses it.

pub mod accelerator;
pub mod cycle;
mod error;
mod evaluator;
pub mod published;

pub use error::SimError;
pub use evaluator::{PLUGINS, Simulate};
