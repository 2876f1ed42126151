//! The systolic array as a native library.

codebench_sdk::export!(example_systolic_array);
