//! Search strategies without a surrogate: the baselines of every comparison.
//!
//! Both are pure functions of their parameters, the space, the seed and how many points they were asked for; outcomes
//! change nothing.

mod random;
mod sobol;
mod start;

pub use random::Random;
pub use sobol::Sobol;

codebench_sdk::plugins![Random, Sobol];
