//! Points by number, at random, and by coordinates.

use crate::SpaceError;
use crate::points::{Decide, Points, Ways};
use crate::rng::Rng;
use codebench_model::Genotype;
use num_bigint::BigUint;
use serde::{Deserialize, Serialize};

/// What is equally likely.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weighting {
    /// Every valid point: a value that leaves more completions is proportionally likelier, so large CNNs prevail.
    #[default]
    Points,
    /// Every value of a choice that leaves any completion, choice by choice: small and large CNNs are as likely.
    Values,
}

impl Points {
    /// Valid point number `number`, counted from 0 in lexicographic order of the active choices; `None` from
    /// [`Points::count`] on.
    pub fn nth(&self, number: &BigUint) -> Option<Genotype> {
        (number < &self.count()).then(|| self.walk(&mut Unrank(number.clone())))
    }

    /// A valid point, every one exactly as likely: the point whose number is drawn by [`Rng::below_big`].
    pub fn sample(&self, rng: &mut Rng) -> Genotype {
        let number = rng.below_big(&self.count());
        self.walk(&mut Unrank(number))
    }

    /// A valid point, weighted as asked.
    pub fn sample_weighted(&self, rng: &mut Rng, weighting: Weighting) -> Genotype {
        match weighting {
            Weighting::Points => self.sample(rng),
            Weighting::Values => self.walk(&mut Balanced(rng)),
        }
    }

    /// The valid point at `coordinates` of the unit cube, one per choice; those of inactive choices are not read.
    ///
    /// Choice by choice the coordinate is looked up in the distribution function of the choice's values given the
    /// earlier ones, so uniform coordinates give points distributed as [`Points::sample_weighted`] draws them, and
    /// evenly spread coordinates give evenly spread points. A coordinate counts to 2^-53.
    ///
    /// # Errors
    /// If the number of coordinates is not that of the choices, or one is outside [0, 1).
    pub fn from_unit(&self, coordinates: &[f64], weighting: Weighting) -> Result<Genotype, SpaceError> {
        let choices = self.space().choices.len();
        if coordinates.len() != choices {
            return Err(SpaceError::Coordinates { given: coordinates.len(), choices });
        }
        match coordinates.iter().position(|x| !(0.0..1.0).contains(x)) {
            Some(index) => Err(SpaceError::Coordinate { index, value: coordinates[index] }),
            None => Ok(self.walk(&mut Quantile { coordinates, weighting })),
        }
    }
}

/// Goes to the point of that number.
struct Unrank(BigUint);

impl Decide for Unrank {
    fn decide(&mut self, _: usize, ways: &Ways<'_>) -> usize {
        let (value, rest) = ways.locate(std::mem::take(&mut self.0));
        self.0 = rest;
        value
    }
}

/// Draws every value that leaves a completion as likely.
struct Balanced<'a>(&'a mut Rng);

impl Decide for Balanced<'_> {
    fn decide(&mut self, _: usize, ways: &Ways<'_>) -> usize {
        let drawn = self.0.index(ways.possible().count());
        ways.possible().nth(drawn).unwrap_or(0)
    }
}

struct Quantile<'a> {
    coordinates: &'a [f64],
    weighting: Weighting,
}

impl Decide for Quantile<'_> {
    fn decide(&mut self, choice: usize, ways: &Ways<'_>) -> usize {
        let scaled = (self.coordinates[choice] * (1u64 << 53) as f64) as u64;
        match self.weighting {
            Weighting::Values => {
                let position = (u128::from(scaled) * ways.possible().count() as u128) >> 53;
                ways.possible().nth(position as usize).unwrap_or(0)
            }
            Weighting::Points => ways.locate((ways.total() * scaled) >> 53u32).0,
        }
    }
}
