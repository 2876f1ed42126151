//! Evaluators that neither train nor simulate themselves, one file each.

mod command;
mod parquet_file;
mod process;
mod table;
mod table_file;
mod words;

pub use command::Command;
pub use table::TableLookup;

codebench_sdk::plugins![Command, TableLookup];
