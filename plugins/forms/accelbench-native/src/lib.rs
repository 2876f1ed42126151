//! The plugins of `codebench-accelbench` as a native library.

codebench_sdk::export!(codebench_accelbench);
