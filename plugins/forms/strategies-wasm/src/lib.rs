//! The plugins of `codebench-strategies` as a WASM component.

#[cfg(target_family = "wasm")]
codebench_sdk::export!(codebench_strategies);
