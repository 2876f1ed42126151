//! The test plugins of every kind as a WASM component.

#[cfg(target_family = "wasm")]
codebench_sdk::export!(codebench_every_kind);
