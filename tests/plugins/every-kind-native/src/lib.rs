//! The test plugins of every kind as a native library.

codebench_sdk::export!(codebench_every_kind);
