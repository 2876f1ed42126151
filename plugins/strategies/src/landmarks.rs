//! CNNs as points that lie apart by their edit distances.

use crate::history::range;
use codebench_sdk::prelude::*;
use codebench_sdk::space::distance::{EditCosts, Operations, PreparedGraph, distances, fast, pairs};
use codebench_sdk::space::embedding::Embedding;
use codebench_sdk::space::{Points, Rng, decode};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Stream of the seed 0: the landmarks of a space are the same in every study.
const STREAM: u64 = 23;
/// Landmarks at most and at least.
const MOST: usize = 32;
const LEAST: usize = 8;
/// Draws for each landmark, until as many different CNNs are found.
const DRAWS: usize = 20;
/// Coordinates of a CNN at most.
const DIMENSIONS: usize = 8;
/// Steps of majorisation.
const STEPS: usize = 300;
/// Vertices of the CNNs of which there are [`MOST`] landmarks: the time of a distance grows with their cube.
const VERTICES: usize = 60;

/// CNNs of a space, embedded by the distances between them; others are placed by their distances to these.
#[derive(Debug)]
pub(crate) struct Landmarks {
    operations: Operations,
    graphs: Vec<PreparedGraph>,
    embedding: Embedding,
    /// By how much coordinates are divided: the greatest extent of the landmarks in one of them.
    extent: f64,
    /// Choices that make up the CNN.
    choices: Vec<usize>,
    /// Coordinates by the values of those choices.
    placed: Mutex<BTreeMap<Vec<u32>, Vec<f64>>>,
}

impl Landmarks {
    /// Landmarks of a space; `None` if it has no CNNs.
    pub(crate) fn of(space: &Space) -> Option<Landmarks> {
        // The last layer is the same in all CNNs of a space, so its size moves none.
        let operations = Operations::of_space(space, 10)?;
        let graphs = drawn(space, &operations);
        let between = distances(&graphs, &EditCosts::default(), 0..pairs(graphs.len()));
        let dimensions = DIMENSIONS.min(graphs.len().saturating_sub(1)).max(1);
        let embedding = Embedding::smacof(graphs.len(), &between, dimensions, STEPS).ok()?;
        let of_coordinate = |k: usize| range((0..graphs.len()).map(|i| embedding.point(i)[k]));
        let extent = (0..dimensions).map(of_coordinate).map(|(low, high)| high - low).fold(0.0, f64::max);
        let choices = space.choices.iter().enumerate().filter(|(_, c)| c.block == Block::Cnn);
        Some(Landmarks {
            operations,
            graphs,
            embedding,
            extent: if extent > 0.0 { extent } else { 1.0 },
            choices: choices.map(|(i, _)| i).collect(),
            placed: Mutex::default(),
        })
    }

    /// Number of coordinates.
    pub(crate) fn dimension(&self) -> usize {
        self.embedding.dimensions()
    }

    /// Where the CNN of a repaired point lies. What has no graph lies at the origin, the middle of the landmarks.
    pub(crate) fn place(&self, space: &Space, genotype: &Genotype) -> Vec<f64> {
        let key: Vec<u32> = self.choices.iter().filter_map(|i| genotype.0.get(*i).copied()).collect();
        let mut placed = self.placed.lock().unwrap_or_else(PoisonError::into_inner);
        placed.entry(key).or_insert_with(|| self.coordinates(space, genotype)).clone()
    }

    fn coordinates(&self, space: &Space, genotype: &Genotype) -> Vec<f64> {
        let place = |graph: PreparedGraph| {
            let costs = EditCosts::default();
            let distances: Vec<f64> = self.graphs.iter().map(|g| fast(&graph, g, &costs).cost).collect();
            self.embedding.place(&distances).ok()
        };
        let coordinates = graph(space, genotype, &self.operations).and_then(place);
        let mut coordinates = coordinates.unwrap_or_else(|| vec![0.0; self.dimension()]);
        coordinates.iter_mut().for_each(|x| *x /= self.extent);
        coordinates
    }
}

/// Graphs of different CNNs, fewer of large ones.
fn drawn(space: &Space, operations: &Operations) -> Vec<PreparedGraph> {
    let Ok(points) = Points::new(space) else { return Vec::new() };
    let mut rng = Rng::new(0, STREAM);
    let mut graphs: Vec<PreparedGraph> = Vec::new();
    let mut wanted = MOST;
    for _ in 0..MOST * DRAWS {
        if graphs.len() >= wanted {
            break;
        }
        let Some(graph) = graph(space, &points.sample(&mut rng), operations) else { continue };
        let costs = EditCosts::default();
        if graphs.iter().any(|known| fast(known, &graph, &costs).cost == 0.0) {
            continue;
        }
        let larger = graph.len().div_ceil(VERTICES).max(1);
        wanted = wanted.min((MOST / larger.pow(3)).max(LEAST));
        graphs.push(graph);
    }
    graphs
}

fn graph(space: &Space, genotype: &Genotype, operations: &Operations) -> Option<PreparedGraph> {
    let cnn = decode(space, genotype).ok()?.cnn?;
    PreparedGraph::new(&operations.graph(&cnn).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use codebench_sdk::space::SpaceDescription;

    fn space(text: &str) -> Space {
        toml::from_str::<SpaceDescription>(text).unwrap().compile().unwrap()
    }

    /// Euclidean distances of places against edit distances, which are in millions of parameters.
    #[test]
    fn cnns_lie_about_as_far_apart_as_their_edit_distances() {
        let space = space(include_str!("../../../examples/spaces/digits.toml"));
        let landmarks = Landmarks::of(&space).unwrap();
        let points = Points::new(&space).unwrap();
        let mut rng = Rng::new(7, 0);
        let drawn: Vec<Genotype> = (0..40).map(|_| points.sample(&mut rng)).collect();
        let (mut errors, mut squares) = (0.0, 0.0);
        for (a, b) in drawn.iter().zip(&drawn[1..]) {
            let graphs = [a, b].map(|point| graph(&space, point, &landmarks.operations).unwrap());
            let target = fast(&graphs[0], &graphs[1], &EditCosts::default()).cost / landmarks.extent;
            let places = [a, b].map(|point| landmarks.place(&space, point));
            assert!(places.iter().all(|p| p.len() == landmarks.dimension()));
            let squared = crate::features::squared_distance(&places[0], &places[1]);
            errors += (codebench_sdk::math::sqrt(squared) - target).powi(2);
            squares += target * target;
        }
        assert!(errors < 0.04 * squares, "stress {}", (errors / squares).sqrt());
    }

    #[test]
    fn the_accelerator_moves_no_cnn_and_a_space_without_cnns_has_no_landmarks() {
        let digits = space(include_str!("../../../examples/spaces/digits.toml"));
        let landmarks = Landmarks::of(&digits).unwrap();
        let points = Points::new(&digits).unwrap();
        let mut rng = Rng::new(1, 0);
        let (a, b) = (points.sample(&mut rng), points.sample(&mut rng));
        let mut pair = a.clone();
        for (i, choice) in digits.choices.iter().enumerate() {
            if choice.block == Block::Accelerator {
                pair.0[i] = b.0[i];
            }
        }
        assert_ne!(pair, a);
        assert_eq!(landmarks.place(&digits, &pair), landmarks.place(&digits, &a));
        assert!(Landmarks::of(&space("[accelerator]\npib = [1, 2]")).is_none());
    }
}
