//! The plugins of `codebench-cnn-ops` as a native library.

codebench_sdk::export!(codebench_cnn_ops);
