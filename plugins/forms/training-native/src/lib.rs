//! The plugins of `codebench-training` as a native library.

codebench_sdk::export!(codebench_training);
