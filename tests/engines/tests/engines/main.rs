//! The engines agree, go on from each other's checkpoints, and keep the contract.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod agreement;
mod contract;
mod pair;
mod python;
mod training;
