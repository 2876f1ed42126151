//! The plugins of `codebench-evaluators` as a native library.

codebench_sdk::export!(codebench_evaluators);
