//! Search strategies, and surrogates: models of the objectives for those that need one.
//!
//! All are pure functions of their parameters, the seed and the log of calls.

mod random;
mod sobol;
mod start;
mod surrogates;

pub use random::Random;
pub use sobol::Sobol;
pub use surrogates::{Boshnas, DeepEnsemble, Gp, RandomForest};

codebench_sdk::plugins![Random, Sobol, Gp, Boshnas, DeepEnsemble, RandomForest];
