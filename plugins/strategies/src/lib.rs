//! Search strategies, and surrogates: models of the objectives for those that need one.
//!
//! All are pure functions of their parameters, the seed and the log of calls.

mod acquisition;
mod annealing;
mod bayesian;
mod bosh;
mod evolution;
mod features;
mod history;
mod hypervolume;
mod landmarks;
mod limits;
mod local_search;
mod model;
mod nsga2;
mod pareto;
mod parzen;
mod paths;
mod random;
mod reinforce;
mod sobol;
mod start;
mod surrogates;
mod tpe;
mod warp;

pub use annealing::SimulatedAnnealing;
pub use bayesian::{Bananas, BayesianOptimisation};
pub use bosh::{Boshcode, Boshnas};
pub use evolution::RegularisedEvolution;
pub use local_search::LocalSearch;
pub use nsga2::Nsga2;
pub use random::Random;
pub use reinforce::Reinforce;
pub use sobol::Sobol;
pub use surrogates::{Boshnas as BoshnasSurrogate, DeepEnsemble, Gp, RandomForest};
pub use tpe::Tpe;

codebench_sdk::plugins![
    Random,
    Sobol,
    Gp,
    BoshnasSurrogate,
    DeepEnsemble,
    RandomForest,
    LocalSearch,
    RegularisedEvolution,
    Nsga2,
    Tpe,
    SimulatedAnnealing,
    Reinforce,
    BayesianOptimisation,
    Bananas,
    Boshnas,
    Boshcode,
];
