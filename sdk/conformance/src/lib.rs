//! The executable contract: one suite of checks per kind of plugin, for every form of plugin.
//!
//! ```
//! use codebench_api::{AccelModule, Catalog, Configuration, Plugin, PluginError, PluginInfo, Registration, kinds};
//! use codebench_conformance::{Options, check};
//! use codebench_model::{Cause, EventFacts, HardwareContext, ModuleFacts, TileCost, TileWork};
//!
//! /// A DMA engine that moves eight bytes a cycle.
//! struct Narrow;
//!
//! impl Plugin for Narrow {
//!     type Kind = kinds::AccelModule;
//!
//!     fn info() -> PluginInfo {
//!         PluginInfo::new("example/narrow", "0.1.0", "A DMA engine that moves eight bytes a cycle.")
//!             .example("in an accelerator", "[[module]]\nrole = \"dma\"\nplugin = \"example/narrow\"")
//!     }
//!
//!     fn configure(_: &Configuration<'_>) -> Result<Self, PluginError> {
//!         Ok(Narrow)
//!     }
//! }
//!
//! impl AccelModule for Narrow {
//!     fn facts(&self) -> ModuleFacts {
//!         ModuleFacts {
//!             read_bytes_per_cycle: 8,
//!             write_bytes_per_cycle: 8,
//!             events: vec![EventFacts::new("byte", Cause::Dma, 0.5)],
//!             ..ModuleFacts::default()
//!         }
//!     }
//!
//!     fn cost(&self, works: &[TileWork], costs: &mut [TileCost]) -> Result<(), PluginError> {
//!         for (work, cost) in works.iter().zip(costs) {
//!             let bytes = work.read_bytes + work.write_bytes;
//!             *cost = TileCost { busy_cycles: bytes.div_ceil(8), ..TileCost::default() };
//!             cost.events[0] = bytes;
//!         }
//!         Ok(())
//!     }
//! }
//!
//! let mut catalog = Catalog::default();
//! catalog.add_all("here", &[Registration::of::<Narrow>()]).unwrap();
//! let report = check(&catalog, "example/narrow", &Options::default()).unwrap();
//! assert!(report.ok(), "{report}");
//! ```
//!
//! [`check`] runs every check of a plugin's kind in this process: a panic is caught, a hang or a signal is not. The command
//! `codebench plugin check` runs the same checks one by one in a process of their own ([`checks`], [`run_check`]).
//!
//! Inputs are drawn from the ranges of the plugin's own parameters, from a seed that the report names: the same seed
//! draws the same inputs, whichever checks run.

mod check;
mod cnn_op;
mod common;
mod engine;
mod evaluator;
mod executor;
mod hardware;
mod outcome;
mod rows;
mod strategy;
mod subject;
mod surrogate;

pub use check::{Check, checks, run_check};
pub use outcome::{Outcome, Report, Status};
pub use subject::Options;

use codebench_api::{Catalog, PluginError};

/// Runs every check on plugin `id` of `catalog`.
///
/// # Errors
/// [`ErrorKind::NotFound`](codebench_api::ErrorKind::NotFound) if the catalogue has no such plugin.
pub fn check(catalog: &Catalog, id: &str, options: &Options) -> Result<Report, PluginError> {
    let mut report = Report::new(catalog.get(id)?, options.seed);
    for check in checks(report.kind) {
        report.outcomes.push(run_check(catalog, id, check, options)?);
    }
    Ok(report)
}

/// The code of the book's pages on plugins, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/src/contract.md")]
#[doc = include_str!("../../../docs/src/plugins-by-kind.md")]
struct Book;
