//! The plugins of `codebench-cnn-ops` as a WASM component.

#[cfg(target_family = "wasm")]
codebench_sdk::export!(codebench_cnn_ops);
