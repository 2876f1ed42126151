//! Plugins in the sandbox.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;
mod contract;
mod every_kind;
mod forms;
mod hbm3;
mod header;
mod log;
