//! The modules and memories of the paper's accelerator.

mod published;

pub use published::AccelBench;

codebench_sdk::plugins![AccelBench];
