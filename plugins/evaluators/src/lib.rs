//! Evaluators that neither train nor simulate themselves, one file each.

mod command;
mod process;
mod words;

pub use command::Command;

codebench_sdk::plugins![Command];
