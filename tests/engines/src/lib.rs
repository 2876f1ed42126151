//! The training engines side by side: the embedded one on the processor and on a GPU, and the one on libtorch as its users load it, a
//! native library.
//!
//! The engine on libtorch cannot be linked into a test that every machine builds. So this crate builds its library where a
//! libtorch is found, and its tests say that they skip elsewhere. So they do for a GPU (feature `wgpu`) where no driver finds one.

#![allow(clippy::panic, clippy::print_stdout)]

#[cfg(feature = "torch")]
mod torch;
#[cfg(feature = "wgpu")]
mod wgpu;

#[cfg(feature = "torch")]
pub use torch::{catalog, loaded, torch_library};
#[cfg(feature = "wgpu")]
pub use wgpu::{on_wgpu, wgpu_pair};

use codebench_api::Catalog;
use codebench_model::Parameters;

/// Ids of the engines, the embedded one first.
pub const ENGINES: [&str; 2] = ["codebench/burn", "torch/tch"];

/// Two engines, or one on two devices, that must agree. The first is the embedded engine on the processor.
pub struct Pair {
    /// What the second computes with.
    pub name: &'static str,
    /// Has both.
    pub catalog: Catalog,
    /// Ids, with parameters.
    pub engines: [(&'static str, Parameters); 2],
}

/// Every pair that this build and this machine have; a note tells what is missing.
///
/// # Panics
/// As `catalog` and `wgpu_pair`.
#[allow(clippy::vec_init_then_push, reason = "which are pushed depends on the features")]
pub fn pairs() -> Vec<Pair> {
    #[allow(unused_mut, reason = "a build without features has none")]
    let mut pairs = Vec::new();
    #[cfg(feature = "torch")]
    pairs.extend(torch::torch_pair());
    #[cfg(feature = "wgpu")]
    pairs.extend(wgpu_pair());
    pairs
}

/// The operations, the trainer and the embedded engine.
///
/// # Panics
/// If two of them claim one id.
pub fn built_in() -> Catalog {
    let mut catalog = Catalog::default();
    let crates = [
        ("cnn-ops", codebench_cnn_ops::PLUGINS),
        ("training", codebench_training::PLUGINS),
        ("trainer-burn", codebench_trainer_burn::PLUGINS),
    ];
    for (name, plugins) in crates {
        catalog.add_all(name, plugins).unwrap_or_else(|e| panic!("{name}: {e}"));
    }
    catalog
}
