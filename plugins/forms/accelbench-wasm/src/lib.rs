//! The plugins of `codebench-accelbench` as a WASM component.

#[cfg(target_family = "wasm")]
codebench_sdk::export!(codebench_accelbench);
