//! The evaluator `codebench/train` with the engine `codebench/burn`, through their contracts alone.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod disk;
mod evaluator;
mod language;
mod resume;
mod setting;
mod transfer;
mod zero_cost;
