//! Points as the vectors that surrogates learn from, and back.

use crate::landmarks::Landmarks;
use crate::paths::Paths;
use codebench_sdk::math;
use codebench_sdk::prelude::*;
use codebench_sdk::space::distance::Operations;
use codebench_sdk::space::graph_features::weisfeiler_lehman;
use codebench_sdk::space::{Column, Encoding, Points, SpaceError, decode};
use std::ops::Range;
use std::sync::Arc;

/// Buckets of neighbourhoods, and how far a neighbourhood reaches.
const BUCKETS: usize = 64;
const ROUNDS: usize = 2;

/// The columns of the whole CNN, if there are any, then those of [`Encoding`].
#[derive(Debug, Clone)]
pub(crate) struct Features {
    space: Space,
    whole: Option<WholeCnn>,
    encoding: Encoding,
    /// First column of the encoding that is used: the CNN's choices may be left out.
    skipped: usize,
}

/// A CNN as columns that are not its choices.
#[derive(Debug, Clone)]
enum WholeCnn {
    Paths(Paths),
    /// Its place among others.
    Place(Arc<Landmarks>),
    /// Its operations with what surrounds them, in buckets.
    Neighbourhoods(Operations),
}

impl WholeCnn {
    fn dimension(&self) -> usize {
        match self {
            WholeCnn::Paths(paths) => paths.dimension(),
            WholeCnn::Place(landmarks) => landmarks.dimension(),
            WholeCnn::Neighbourhoods(_) => BUCKETS,
        }
    }

    fn encode(&self, space: &Space, genotype: &Genotype) -> Vec<f64> {
        match self {
            WholeCnn::Paths(paths) => paths.encode(space, genotype),
            WholeCnn::Place(landmarks) => landmarks.place(space, genotype),
            WholeCnn::Neighbourhoods(operations) => {
                let cnn = decode(space, genotype).ok().and_then(|candidate| candidate.cnn);
                let graph = cnn.and_then(|cnn| operations.graph(&cnn).ok());
                graph.map_or_else(|| vec![0.0; BUCKETS], |graph| weisfeiler_lehman(&graph, ROUNDS, BUCKETS))
            }
        }
    }

    /// The point with every choice that nothing reads at its first value, as far as that is known.
    fn canonical(&self, genotype: &Genotype) -> Genotype {
        match self {
            WholeCnn::Paths(paths) => paths.canonical(genotype),
            WholeCnn::Place(_) | WholeCnn::Neighbourhoods(_) => genotype.clone(),
        }
    }
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
    /// For the CNN its place in an embedding by edit distances, choices for the accelerator.
    Distances,
    /// Neighbourhoods of the CNN's operations, and choices.
    Neighbourhoods,
}

impl Features {
    /// Features of a space: those of the whole CNN if they are asked for and the space has any.
    pub(crate) fn new(space: &Space, view: View) -> Features {
        let whole = match view {
            View::Choices => None,
            View::Both | View::Paths => Paths::of(space).map(WholeCnn::Paths),
            View::Distances => Landmarks::of(space).map(|landmarks| WholeCnn::Place(Arc::new(landmarks))),
            // The last layer is the same in all CNNs of a space.
            View::Neighbourhoods => Operations::of_space(space, 10).map(WholeCnn::Neighbourhoods),
        };
        let encoding = Encoding::new(space);
        let skipped = match (view, &whole) {
            (View::Paths, Some(WholeCnn::Paths(Paths::Edges(edges)))) if edges.cover(space) => {
                encoding.cnn.end
            }
            (View::Distances, Some(_)) => encoding.cnn.end,
            _ => 0,
        };
        Features { space: space.clone(), whole, encoding, skipped }
    }

    /// Whether every choice can be read back from a vector.
    pub(crate) fn is_decodable(&self) -> bool {
        self.skipped == 0
    }

    /// Number of columns; at least one.
    pub(crate) fn dimension(&self) -> usize {
        (self.of_whole() + self.encoding.dimension() - self.skipped).max(1)
    }

    fn of_whole(&self) -> usize {
        self.whole.as_ref().map_or(0, WholeCnn::dimension)
    }

    /// The columns of the CNN and those of the accelerator, where there are both.
    pub(crate) fn blocks(&self) -> Vec<(Block, Range<usize>)> {
        let (whole, encoding) = (self.of_whole(), &self.encoding);
        let cnn = 0..whole + encoding.cnn.end - self.skipped;
        let accelerator = cnn.end..cnn.end + encoding.accelerator.len();
        if cnn.is_empty() || accelerator.is_empty() {
            return Vec::new();
        }
        vec![(Block::Cnn, cnn), (Block::Accelerator, accelerator)]
    }

    /// The vector of a repaired point.
    pub(crate) fn encode(&self, genotype: &Genotype) -> Vec<f64> {
        let mut encoded = match &self.whole {
            Some(whole) => {
                let mut encoded = whole.encode(&self.space, genotype);
                let choices = self.encoding.encode(&self.space, &whole.canonical(genotype));
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
        for (column, x) in self.encoding.columns.iter().zip(x.iter().skip(self.of_whole())) {
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
        for view in [View::Choices, View::Both, View::Paths, View::Neighbourhoods] {
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
    #[test]
    fn a_cnn_is_its_place_alone_where_distances_are_asked_for() {
        let text = include_str!("../../../examples/spaces/digits.toml");
        let space = toml::from_str::<SpaceDescription>(text).unwrap().compile().unwrap();
        let features = Features::new(&space, View::Distances);
        assert!(!features.is_decodable());
        let [(_, cnn), (_, accelerator)] = features.blocks().try_into().unwrap();
        assert_eq!((cnn.end, accelerator.len()), (8, Encoding::new(&space).accelerator.len()));
        assert_eq!((cnn.end, accelerator.end), (accelerator.start, features.dimension()));
    }
}
