//! The engine `codebench/burn`, through its contract alone.

#![allow(clippy::unwrap_used, clippy::panic)]

mod builder;
mod contract;
mod primitives;
mod reference;
