//! The plugins of `codebench-trainer-tch` as a native library.

codebench_sdk::export!(codebench_trainer_tch);
