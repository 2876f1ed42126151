//! The engines agree, go on from each other's checkpoints, and keep the contract.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod agreement;
#[cfg(feature = "torch")]
mod contract;
mod pair;
mod python;
#[cfg(feature = "torch")]
mod torch;
mod training;
#[cfg(feature = "wgpu")]
mod wgpu;
