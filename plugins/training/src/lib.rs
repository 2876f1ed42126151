//! Training over any engine: data sets with fixed splits, the recipe, the loop, and the evaluators
//! `codebench/train` and `codebench/zero-cost`.
//!
//! ```text
//! DataSource --load--> RawData --split, normalise--> Splits --train (engine)--> metrics
//! ```
//!
//! The test split lives behind [`data::Splits::test`], which opens only for
//! [`Purpose::Final`](codebench_sdk::model::Purpose::Final).

mod answers;
mod augment;
pub mod checkpoint;
pub mod data;
mod evaluator;
pub mod export;
mod file;
mod measure;
mod recipe;
mod setting;
mod shuffle;
pub mod state;
mod training;
mod transfer;
mod zero_cost;

pub use evaluator::Train;
pub use measure::Measure;
pub use recipe::{CheckedRecipe, Progress, Schedule};
pub use training::{Epoch, Outcome, Standing, Training};
pub use transfer::{Transfer, take};
pub use zero_cost::ZeroCost;

codebench_sdk::plugins![Train, ZeroCost];
