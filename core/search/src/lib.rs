//! The study: ask and tell, objectives, record store, report.
//!
//! [`Experiment`] is everything that the results are a function of; [`Study`] runs it; [`Store`](store::Store) keeps what
//! happened; [`Summary`] and the files in the output folder are what comes out.

mod canonical;
pub mod compare;
mod csv_text;
mod error;
mod executor;
mod experiment;
mod leader;
pub mod objective;
mod observer;
mod records_csv;
mod report;
pub mod store;
mod study;
mod summary;
pub mod tune;
mod wall_csv;

pub use error::SearchError;
pub use executor::{PLUGINS, Threads};
pub use experiment::{
    Budget, EvaluatorUse, Experiment, ExperimentError, ImageShape, Located, PluginUse,
    accelerator_description, read_space,
};
pub use leader::Leader;
pub use observer::{Best, Evaluated, Observer, Silent, Started, TrialFinished};
pub use store::StoreError;
pub use study::{RunOptions, Study};
pub use summary::{BestCandidate, Counts, Outcome, Summary};

use csv_text::csv_text;
