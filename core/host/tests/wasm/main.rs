//! Plugins in the sandbox.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;
mod hbm3;
