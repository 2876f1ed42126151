//! Distances by trying every mapping, with nothing of the code under test but the costs.

use codebench_space::distance::{EditCosts, PreparedGraph};

fn substitute(a: &PreparedGraph, i: usize, b: &PreparedGraph, j: usize, costs: &EditCosts) -> f64 {
    let (from, to) = (a.vertices()[i], b.vertices()[j]);
    let steps = (f64::from(from.position) - f64::from(to.position)).abs();
    let changed = if from.label == to.label { 0.0 } else { costs.label };
    (1.0 + costs.position * steps) * (from.weight - to.weight).abs() + changed
}

/// The least cost over all mappings.
pub(crate) fn brute(a: &PreparedGraph, b: &PreparedGraph, costs: &EditCosts) -> f64 {
    let mut best = f64::INFINITY;
    every(a.len(), b.len(), &mut Vec::new(), &mut |image| best = best.min(cost(a, b, costs, image)));
    best
}

pub(crate) fn isomorphic(a: &PreparedGraph, b: &PreparedGraph) -> bool {
    let mut found = false;
    every(a.len(), b.len(), &mut Vec::new(), &mut |image| {
        let whole = a.len() == b.len() && image.iter().all(Option::is_some);
        let same =
            |(v, j): (&codebench_model::LabelledVertex, &Option<usize>)| *v == b.vertices()[j.unwrap()];
        found |= whole
            && a.vertices().iter().zip(image).all(same)
            && kept(a, b, image) == a.edges().len()
            && a.edges().len() == b.edges().len();
    });
    found
}

fn kept(a: &PreparedGraph, b: &PreparedGraph, image: &[Option<usize>]) -> usize {
    let moved = |(f, t): &(u32, u32)| Some((image[*f as usize]? as u32, image[*t as usize]? as u32));
    a.edges().iter().filter_map(moved).filter(|e| b.edges().contains(e)).count()
}

fn cost(a: &PreparedGraph, b: &PreparedGraph, costs: &EditCosts, image: &[Option<usize>]) -> f64 {
    let vertices: f64 = image
        .iter()
        .enumerate()
        .map(|(i, j)| j.map_or(a.vertices()[i].weight, |j| substitute(a, i, b, j, costs)))
        .sum();
    let inserted: f64 =
        (0..b.len()).filter(|j| !image.contains(&Some(*j))).map(|j| b.vertices()[j].weight).sum();
    let edges = a.edges().len() + b.edges().len() - 2 * kept(a, b, image);
    vertices + inserted + costs.edge * edges as f64
}

fn every(
    rows: usize,
    columns: usize,
    image: &mut Vec<Option<usize>>,
    visit: &mut dyn FnMut(&[Option<usize>]),
) {
    if image.len() == rows {
        return visit(image);
    }
    for j in (0..columns).map(Some).chain([None]) {
        if j.is_none() || !image.contains(&j) {
            image.push(j);
            every(rows, columns, image, visit);
            image.pop();
        }
    }
}
