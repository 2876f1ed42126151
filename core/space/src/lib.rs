//! Pure functions over a search space: counting, sampling, mutation, neighbours, repair, encoding, decoding; distances between
//! CNNs ([`distance`]), their [`embedding`] in a few numbers, and [`graph_features`].
//!
//! A [`Space`] is data: ordered choices with conditions, and templates that say how a CNN and an accelerator are made from
//! them. [`SpaceDescription`] is what a user writes; [`Points`] answers questions about the valid points of a space. The
//! free functions here build a [`Points`] for one question; whoever asks many keeps one.
//!
//! No I/O, no clock, no threads: the crate is compiled into plugins of every form.

mod accelerator;
mod cell;
mod check;
mod cnn;
mod compile;
mod decode;
mod described;
mod description;
pub mod distance;
pub mod embedding;
mod encode;
mod error;
pub mod graph_features;
mod module;
mod points;
pub mod rng;
mod sample;
mod table;
mod validate;
mod variation;

pub use accelerator::parameters as accelerator_parameters;
pub use cell::{CellDescription, OperationDescription};
pub use check::{active, check, describe};
pub use compile::{Names, NoNames};
pub use decode::{Candidate, decode, find};
pub use description::{
    AcceleratorDescription, AcceleratorValues, ChoiceDescription, CnnDescription, HeadDescription, MaxEdges,
    MemoryKinds, Network, SpaceDescription,
};
pub use encode::{Column, Encoding};
pub use error::SpaceError;
pub use module::MAX_VERTICES;
pub use points::Points;
pub use rng::Rng;
pub use sample::Weighting;
pub use table::ValueList;
pub use validate::MAX_CHOICES;

/// Arbitrary-precision counts.
pub use num_bigint::BigUint;

use codebench_model::{Genotype, Space};

/// The exact number of valid points.
///
/// # Errors
/// As [`Points::new`], here and in the functions below.
pub fn count(space: &Space) -> Result<BigUint, SpaceError> {
    Ok(Points::new(space)?.count())
}

/// A valid point, every one exactly as likely.
pub fn sample(space: &Space, rng: &mut Rng) -> Result<Genotype, SpaceError> {
    Ok(Points::new(space)?.sample(rng))
}

/// The valid point at the given coordinates; see [`Points::from_unit`].
pub fn from_unit(space: &Space, coordinates: &[f64]) -> Result<Genotype, SpaceError> {
    Points::new(space)?.from_unit(coordinates, Weighting::Points)
}

/// The valid point nearest to `genotype`; see [`Points::repair`].
pub fn repair(space: &Space, genotype: &Genotype) -> Result<Genotype, SpaceError> {
    Points::new(space)?.repair(genotype)
}

/// A point one change away; see [`Points::mutate`].
pub fn mutate(space: &Space, genotype: &Genotype, rng: &mut Rng) -> Result<Genotype, SpaceError> {
    Points::new(space)?.mutate(genotype, rng)
}

/// A child of two points; see [`Points::crossover`].
pub fn crossover(space: &Space, a: &Genotype, b: &Genotype, rng: &mut Rng) -> Result<Genotype, SpaceError> {
    Points::new(space)?.crossover(a, b, rng)
}

/// All points one change away; see [`Points::neighbours`].
pub fn neighbours(space: &Space, genotype: &Genotype) -> Result<Vec<Genotype>, SpaceError> {
    Points::new(space)?.neighbours(genotype)
}

/// The point as a vector of [`Encoding::dimension`] numbers; see [`Encoding`].
pub fn encode(space: &Space, genotype: &Genotype) -> Vec<f64> {
    Encoding::new(space).encode(space, genotype)
}
