//! Simulation engines: a workload on an accelerator gives cycles, latency, energy and area.

pub mod accelerator;
mod error;
pub mod published;

pub use error::SimError;
