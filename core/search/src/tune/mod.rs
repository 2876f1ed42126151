//! Tuning recipes: asynchronous successive halving, or random search, over the fields of a recipe.
//!
//! ```text
//! tune.toml -> Tuning -> Halving (virtual workers) -> Job{recipe of the rung, resume_from} -> evaluator -> records
//! ```
//!
//! `halving` decides, `space` draws, `run` evaluates and stores; the first two know neither clock nor thread nor file.

mod file;
mod halving;
mod outcome;
mod run;
mod setup;
mod space;
#[cfg(test)]
mod tests;

pub use file::{Method, Tuning};
pub use outcome::{Rung, RungRecord, TuneSummary};
pub use run::{Watch, tune};
pub use space::Configuration;
