//! Embeddings of distances, and features of graphs.
#![allow(clippy::unwrap_used, clippy::panic)]

use codebench_space::Rng;
use codebench_space::distance::{EditCosts, PreparedGraph, fast, pair, pairs};
use codebench_space::embedding::Embedding;
use codebench_space::graph_features::{paths, weisfeiler_lehman};

#[path = "distance/graphs.rs"]
mod graphs;

fn euclidean(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt()
}

/// Random points, and the distances of all pairs.
fn cloud(rng: &mut Rng, count: usize, dimensions: usize) -> (Vec<Vec<f64>>, Vec<f64>) {
    let points: Vec<Vec<f64>> =
        (0..count).map(|_| (0..dimensions).map(|k| rng.unit() / (k + 1) as f64).collect()).collect();
    let all = (0..pairs(count)).map(|n| pair(count, n)).map(|(i, j)| euclidean(&points[i], &points[j]));
    let all = all.collect();
    (points, all)
}

#[test]
fn distances_of_points_are_reproduced_and_further_points_placed() {
    let mut rng = Rng::new(1, 0);
    for count in [4, 5, 20, 60] {
        let (points, distances) = cloud(&mut rng, count, 3);
        for embedding in [
            Embedding::classical(count, &distances, 3).unwrap(),
            Embedding::smacof(count, &distances, 3, 100).unwrap(),
        ] {
            assert!(embedding.stress(&distances) < 1e-6, "{count}: {}", embedding.stress(&distances));
            // A further point keeps its distances to all others.
            let fresh: Vec<f64> = (0..3).map(|k| rng.unit() / (k + 1) as f64).collect();
            let to: Vec<f64> = points.iter().map(|p| euclidean(p, &fresh)).collect();
            let at = embedding.place(&to).unwrap();
            let worst =
                (0..count).map(|i| (euclidean(&at, embedding.point(i)) - to[i]).abs()).fold(0.0, f64::max);
            assert!(count == 4 || worst < 1e-3, "{count}: {worst}");
            // An embedded point is placed where it is.
            let to: Vec<f64> = points.iter().map(|p| euclidean(p, &points[1])).collect();
            assert!(euclidean(&embedding.place(&to).unwrap(), embedding.point(1)) < 1e-6);
        }
    }
}

#[test]
fn majorisation_lowers_the_stress_of_distances_that_fit_no_space() {
    let mut rng = Rng::new(2, 0);
    let graphs: Vec<PreparedGraph> =
        (0..40).map(|_| PreparedGraph::new(&graphs::stacked(&mut rng, 25)).unwrap()).collect();
    let costs = EditCosts::default();
    let distances: Vec<f64> =
        (0..pairs(40)).map(|n| pair(40, n)).map(|(i, j)| fast(&graphs[i], &graphs[j], &costs).cost).collect();
    let mut last = f64::INFINITY;
    for dimensions in [1, 2, 4, 8] {
        let classical = Embedding::classical(40, &distances, dimensions).unwrap().stress(&distances);
        let better = Embedding::smacof(40, &distances, dimensions, 300).unwrap();
        let stress = better.stress(&distances);
        println!("{dimensions} dimensions: classical {classical:.3}, by majorisation {stress:.3}");
        assert!(stress <= classical && stress <= last);
        last = stress;
    }
    assert!(last < 0.1, "{last}");
}

#[test]
fn odd_inputs() {
    let one = Embedding::classical(1, &[], 2).unwrap();
    assert_eq!(one.point(0), [0.0, 0.0]);
    assert!(
        (euclidean(&Embedding::smacof(1, &[], 2, 5).unwrap().place(&[3.0]).unwrap(), &[0.0, 0.0]) - 3.0)
            .abs()
            < 1e-12
    );
    assert!(Embedding::smacof(0, &[], 2, 5).unwrap().is_empty());
    let same = Embedding::smacof(3, &[0.0; 3], 2, 5).unwrap();
    assert_eq!(same.stress(&[0.0; 3]), 0.0);
    assert!(same.place(&[1.0; 3]).unwrap().iter().all(|x| x.is_finite()));
    // More dimensions than points.
    let few = Embedding::classical(2, &[2.0], 5).unwrap();
    assert!((euclidean(few.point(0), few.point(1)) - 2.0).abs() < 1e-12);
    let message = |answer: Result<Embedding, codebench_space::embedding::EmbeddingError>| {
        answer.unwrap_err().to_string()
    };
    assert_eq!(
        message(Embedding::classical(3, &[1.0], 2)),
        "1 distances for 3 points: give 3, one for every pair"
    );
    assert_eq!(
        message(Embedding::classical(2, &[f64::NAN], 2)),
        "distance 0 is NaN: give finite numbers of at least 0"
    );
    assert_eq!(
        one.place(&[1.0, 2.0]).unwrap_err().to_string(),
        "2 distances for 1 points: give 1, one for every point"
    );
}

#[test]
fn features_do_not_depend_on_numbering_and_tell_graphs_apart() {
    let mut rng = Rng::new(3, 0);
    let mut different = 0;
    for _ in 0..100 {
        let a = graphs::small(&mut rng, 7);
        let (same, other) = (graphs::renumbered(&mut rng, &a), graphs::small(&mut rng, 7));
        assert_eq!(weisfeiler_lehman(&a, 2, 64), weisfeiler_lehman(&same, 2, 64));
        assert_eq!(paths(&a, 4, 64), paths(&same, 4, 64));
        let both = |g: &codebench_model::LabelledGraph| (weisfeiler_lehman(g, 2, 256), paths(g, 4, 256));
        let prepared = |g: &codebench_model::LabelledGraph| PreparedGraph::new(g).unwrap();
        let apart = fast(&prepared(&a), &prepared(&other), &EditCosts::default()).cost > 0.0;
        different += usize::from(apart && both(&a) != both(&other));
        assert!(apart || both(&a) == both(&other));
    }
    assert!(different > 90, "{different}");
}

#[test]
fn paths_are_counted_without_listing_them() {
    use codebench_model::{LabelledGraph, LabelledVertex};
    // Twenty diamonds in a row: 2^20 paths from end to end, all of one sequence.
    let mut graph = LabelledGraph::default();
    let vertex = |label| LabelledVertex { label, weight: 1.0, position: label };
    graph.vertices.push(vertex(0));
    for diamond in 0..20u32 {
        let start = diamond * 3;
        graph.vertices.extend([vertex(1), vertex(1), vertex(0)]);
        graph.edges.extend([
            (start, start + 1),
            (start, start + 2),
            (start + 1, start + 3),
            (start + 2, start + 3),
        ]);
    }
    let longest = paths(&graph, 41, 1024);
    let shorter = paths(&graph, 40, 1024);
    let difference: f64 = longest.iter().zip(&shorter).map(|(a, b)| (a - b).abs()).sum();
    assert_eq!(difference, f64::from(1 << 20));
    assert_eq!(paths(&graph, 3, 0), Vec::<f64>::new());
    assert_eq!(weisfeiler_lehman(&LabelledGraph::default(), 3, 4), [0.0; 4]);
}
