//! The plugins of `codebench-strategies` as a native library.

codebench_sdk::export!(codebench_strategies);
