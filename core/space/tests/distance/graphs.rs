//! Random graphs like those of CNNs.

use codebench_model::{LabelledGraph, LabelledVertex};
use codebench_space::Rng;

/// Operations in the order of a list: some weigh the same.
fn operation(position: u32) -> LabelledVertex {
    let weight = match position {
        0 | 3 => 1e-6,
        1 | 2 => 5e-6,
        p => f64::from(p * p * p) * 1e-4,
    };
    LabelledVertex { label: position, weight, position }
}

/// A module: from its input to its output, edges only forwards, nothing dangling.
fn module(rng: &mut Rng, vertices: usize, operations: u64) -> LabelledGraph {
    let last = vertices as u32 - 1;
    let label = |rng: &mut Rng, v: u32| match v {
        0 => operation(0),
        v if v == last => operation(1),
        _ => operation(2 + rng.below(operations) as u32),
    };
    let list = (0..=last).map(|v| label(rng, v)).collect();
    let mut edges: Vec<(u32, u32)> = (0..last).map(|v| (v, v + 1)).collect();
    for from in 0..last {
        for to in from + 2..=last {
            if rng.below(3) == 0 {
                edges.push((from, to));
            }
        }
    }
    LabelledGraph { vertices: list, edges }
}

/// A module of 2 to `largest` vertices with few operations, or a graph that is no module.
pub(crate) fn small(rng: &mut Rng, largest: usize) -> LabelledGraph {
    let vertices = 2 + rng.index(largest - 1);
    let mut graph = module(rng, vertices, 4);
    if rng.below(3) == 0 {
        graph.edges.retain(|_| rng.below(2) == 0);
    }
    graph
}

/// Modules in a row up to `most` vertices, some of them repeated.
pub(crate) fn stacked(rng: &mut Rng, most: usize) -> LabelledGraph {
    let mut whole = LabelledGraph::default();
    let least = most / 2;
    let wanted = least + rng.index(most - least + 1);
    let mut part = module(rng, 5, 40);
    while whole.vertices.len() < wanted {
        if rng.below(2) == 0 {
            let size = 3 + rng.index(4);
            part = module(rng, size, 40);
        }
        let start = whole.vertices.len() as u32;
        if start > 0 {
            whole.edges.push((start - 1, start));
        }
        whole.vertices.extend(&part.vertices);
        whole.edges.extend(part.edges.iter().map(|(f, t)| (f + start, t + start)));
    }
    let count = whole.vertices.len().min(most) as u32;
    whole.vertices.truncate(most);
    whole.edges.retain(|(f, t)| *f < count && *t < count);
    whole
}

/// The same graph with its vertices in another order.
pub(crate) fn renumbered(rng: &mut Rng, graph: &LabelledGraph) -> LabelledGraph {
    let mut order: Vec<usize> = (0..graph.vertices.len()).collect();
    for i in (1..order.len()).rev() {
        order.swap(i, rng.index(i + 1));
    }
    let mut place = vec![0; order.len()];
    order.iter().enumerate().for_each(|(to, from)| place[*from] = to as u32);
    LabelledGraph {
        vertices: order.iter().map(|v| graph.vertices[*v]).collect(),
        edges: graph.edges.iter().map(|(f, t)| (place[*f as usize], place[*t as usize])).collect(),
    }
}
