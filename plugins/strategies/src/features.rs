//! Points as the vectors that surrogates learn from, and back.

use crate::paths::Paths;
use codebench_sdk::math;
use codebench_sdk::prelude::*;
use codebench_sdk::space::{Column, Encoding, Points, SpaceError};
use std::ops::Range;

/// The columns of paths, if there are any, then those of [`Encoding`].
#[derive(Debug, Clone)]
pub(crate) struct Features {
    space: Space,
    paths: Option<Paths>,
    encoding: Encoding,
    /// First column of the encoding that is used: those of the CNN may be left to its paths.
    skipped: usize,
}

/// What a vector holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum View {
    /// The choices.
    Choices,
    /// Paths, and choices.
    Both,
    /// Paths for the CNN where they are listed one by one (else choices too), choices for the accelerator.
    Paths,
}

impl Features {
    /// Features of a space; paths if they are asked for and the space has any.
    pub(crate) fn new(space: &Space, view: View) -> Features {
        let paths = if view == View::Choices { None } else { Paths::of(space) };
        let encoding = Encoding::new(space);
        let skipped = match (view, &paths) {
            (View::Paths, Some(Paths::Edges(edges))) if edges.cover(space) => encoding.cnn.end,
            _ => 0,
        };
        Features { space: space.clone(), paths, encoding, skipped }
    }

    /// Whether every choice can be read back from a vector.
    pub(crate) fn is_decodable(&self) -> bool {
        self.skipped == 0
    }

    /// Number of columns; at least one.
    pub(crate) fn dimension(&self) -> usize {
        (self.of_paths() + self.encoding.dimension() - self.skipped).max(1)
    }

    fn of_paths(&self) -> usize {
        self.paths.as_ref().map_or(0, Paths::dimension)
    }

    /// The columns of the CNN and those of the accelerator, where there are both.
    pub(crate) fn blocks(&self) -> Vec<(Block, Range<usize>)> {
        let (paths, encoding) = (self.of_paths(), &self.encoding);
        let cnn = 0..paths + encoding.cnn.end - self.skipped;
        let accelerator = cnn.end..cnn.end + encoding.accelerator.len();
        if cnn.is_empty() || accelerator.is_empty() {
            return Vec::new();
        }
        vec![(Block::Cnn, cnn), (Block::Accelerator, accelerator)]
    }

    /// The vector of a repaired point.
    pub(crate) fn encode(&self, genotype: &Genotype) -> Vec<f64> {
        let mut encoded = match &self.paths {
            Some(paths) => {
                let mut encoded = paths.encode(&self.space, genotype);
                let choices = self.encoding.encode(&self.space, &paths.canonical(genotype));
                encoded.extend(choices.into_iter().skip(self.skipped));
                encoded
            }
            None => self.encoding.encode(&self.space, genotype),
        };
        if encoded.is_empty() {
            encoded.push(0.0);
        }
        encoded
    }

    /// The vectors of several points, one after another.
    pub(crate) fn encode_all<'a>(&self, points: impl IntoIterator<Item = &'a Genotype>) -> Vec<f64> {
        points.into_iter().flat_map(|point| self.encode(point)).collect()
    }

    /// For vectors of all choices, the valid point that any numbers are read as: the nearest position of an ordered choice, the largest column of
    /// another, then repaired.
    pub(crate) fn decode(&self, x: &[f64], points: &Points) -> Result<Genotype, SpaceError> {
        let mut genes = vec![0u32; self.space.choices.len()];
        let mut largest = vec![f64::NEG_INFINITY; self.space.choices.len()];
        for (column, x) in self.encoding.columns.iter().zip(x.iter().skip(self.of_paths())) {
            match *column {
                Column::Position { choice } => {
                    let last = self.space.choices[choice].values.len().saturating_sub(1) as f64;
                    genes[choice] = math::floor((x * last).clamp(0.0, last) + 0.5) as u32;
                }
                Column::Is { choice, value } if *x > largest[choice] => {
                    largest[choice] = *x;
                    genes[choice] = value;
                }
                _ => {}
            }
        }
        points.repair(&Genotype(genes))
    }
}

/// Squared distance of two vectors.
pub(crate) fn squared_distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use codebench_sdk::space::{Rng, SpaceDescription};

    #[test]
    fn vectors_of_points_are_read_back_as_the_points() {
        let text = include_str!("../../../examples/spaces/digits.toml");
        let space = toml::from_str::<SpaceDescription>(text).unwrap().compile().unwrap();
        let points = Points::new(&space).unwrap();
        let mut rng = Rng::new(3, 0);
        for view in [View::Choices, View::Both, View::Paths] {
            let features = Features::new(&space, view);
            assert!(features.is_decodable());
            for _ in 0..50 {
                let point = points.sample(&mut rng);
                let x = features.encode(&point);
                assert_eq!(x.len(), features.dimension());
                assert_eq!(features.decode(&x, &points).unwrap(), point);
            }
            let [(_, cnn), (_, accelerator)] = features.blocks().try_into().unwrap();
            assert_eq!((cnn.start, cnn.end, accelerator.end), (0, accelerator.start, features.dimension()));
        }
    }
}
