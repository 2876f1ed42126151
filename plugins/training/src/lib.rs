//! Training over any engine: data sets with fixed splits, the recipe, the loop, and the evaluator `codebench/train`.
//!
//! ```text
//! DataSource --load--> RawData --split, normalise--> Splits --train (engine)--> metrics
//! ```
//!
//! The test split lives behind [`data::Splits::test`], which opens only for
//! [`Purpose::Final`](codebench_sdk::model::Purpose::Final).

mod augment;
pub mod checkpoint;
pub mod data;
mod evaluator;
mod measure;
mod recipe;
mod shuffle;
mod training;

pub use evaluator::Train;
pub use measure::Measure;
pub use recipe::{CheckedRecipe, Progress, Schedule};
pub use training::{Epoch, Outcome, Training};

codebench_sdk::plugins![Train];
