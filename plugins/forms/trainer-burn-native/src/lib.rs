//! The plugins of `codebench-trainer-burn` as a native library.

codebench_sdk::export!(codebench_trainer_burn);
