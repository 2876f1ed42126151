//! Simulation engines: a workload on an accelerator gives cycles, latency, energy and area.
//!
//! Two fidelities. [`cycle`] follows tiles and transfers through the modules of any accelerator in integer time
//! ([`cycle::Prepared::evaluate`]); its rules are a page of the book. [`published::Simulator`] answers what the authors' released
//! simulator answers, bit for bit. [`Simulate`] is the evaluator through which a search uses either.

pub mod accelerator;
pub mod cycle;
mod error;
mod evaluator;
pub mod published;

pub use error::SimError;
pub use evaluator::{PLUGINS, Simulate};
