//! Graph-edit distances against an oracle that tries everything, and against values of the released code.
#![allow(clippy::unwrap_used, clippy::panic)]

mod golden;
mod graphs;
mod oracle;

use codebench_model::LabelledGraph;
use codebench_space::Rng;
use codebench_space::distance::{
    EditCosts, EditOperation, EditPath, PreparedGraph, distances, exact, fast, pair, pairs,
};
use graphs::{renumbered, small, stacked};
use oracle::{brute, isomorphic};

/// Costs under which vertices and edges weigh about the same, beside the paper's, under which edges are dust.
fn all_costs() -> [EditCosts; 3] {
    [EditCosts::default(), EditCosts::published(), EditCosts { position: 0.3, edge: 0.4, label: 0.2 }]
}

/// Takes the steps of a path one by one, and checks that they lead from `a` to `b` and cost what the path says.
fn recost(a: &PreparedGraph, b: &PreparedGraph, costs: &EditCosts, path: &EditPath) {
    let mut labels: Vec<Option<u32>> = a.vertices().iter().map(|v| Some(v.label)).collect();
    let mut edges: Vec<(u32, u32)> = a.edges().to_vec();
    let mut place: Vec<Option<u32>> = vec![None; b.len()];
    let mut cost = 0.0;
    for operation in path.operations(a, b) {
        cost += operation.cost(a, b, costs);
        match operation {
            EditOperation::DeleteEdge(from, to) => {
                let at = edges.iter().position(|e| *e == (from, to)).unwrap();
                edges.remove(at);
            }
            EditOperation::DeleteVertex(i) => {
                assert!(edges.iter().all(|(f, t)| *f != i && *t != i), "it has edges");
                assert!(labels[i as usize].take().is_some());
            }
            EditOperation::Substitute(i, j) => {
                labels[i as usize] = Some(b.vertices()[j as usize].label);
                assert!(place[j as usize].replace(i).is_none());
            }
            EditOperation::InsertVertex(j) => {
                assert!(place[j as usize].replace(labels.len() as u32).is_none());
                labels.push(Some(b.vertices()[j as usize].label));
            }
            EditOperation::InsertEdge(from, to) => {
                edges.push((place[from as usize].unwrap(), place[to as usize].unwrap()));
            }
        }
    }
    assert_eq!(labels.iter().flatten().count(), b.len());
    for (j, place) in place.iter().enumerate() {
        assert_eq!(labels[place.unwrap() as usize], Some(b.vertices()[j].label));
    }
    let mut expected: Vec<(u32, u32)> =
        b.edges().iter().map(|(f, t)| (place[*f as usize].unwrap(), place[*t as usize].unwrap())).collect();
    expected.sort_unstable();
    edges.sort_unstable();
    assert_eq!(edges, expected);
    assert!((cost - path.cost).abs() <= 1e-12 * (1.0 + cost), "{cost} {}", path.cost);
}

fn prepared(graph: &LabelledGraph) -> PreparedGraph {
    PreparedGraph::new(graph).unwrap()
}

#[test]
fn exact_distances_equal_the_oracle_up_to_seven_vertices() {
    let mut rng = Rng::new(1, 0);
    for _ in 0..400 {
        let (a, b) = (prepared(&small(&mut rng, 7)), prepared(&small(&mut rng, 7)));
        for costs in all_costs() {
            let path = exact(&a, &b, &costs, usize::MAX);
            recost(&a, &b, &costs, &path);
            let least = brute(&a, &b, &costs);
            assert!((path.cost - least).abs() <= 1e-11 * (1.0 + least), "{} instead of {least}", path.cost);
            assert!(path.is_exact());
        }
    }
}

#[test]
fn fast_paths_lie_between_their_bound_and_a_few_per_cent_above_the_best() {
    let mut rng = Rng::new(2, 0);
    for costs in all_costs() {
        let (mut excess, mut count) = (0.0, 0);
        for _ in 0..150 {
            let (a, b) = (prepared(&small(&mut rng, 9)), prepared(&small(&mut rng, 9)));
            let best = exact(&a, &b, &costs, 3_000_000);
            let path = fast(&a, &b, &costs);
            recost(&a, &b, &costs, &path);
            assert!(path.lower_bound <= best.cost * (1.0 + 1e-12), "{} {}", path.lower_bound, best.cost);
            assert!(path.cost >= best.cost * (1.0 - 1e-9), "{} {}", path.cost, best.cost);
            if best.cost > 0.0 && best.is_exact() {
                excess += path.cost / best.cost - 1.0;
                count += 1;
            }
        }
        println!("{costs:?}: mean excess {:.2} % of {count} pairs", 100.0 * excess / f64::from(count));
        assert!(count > 100 && excess / f64::from(count) <= 0.05);
    }
}

#[test]
fn only_isomorphic_graphs_are_at_distance_zero() {
    let mut rng = Rng::new(3, 0);
    let costs = EditCosts::default();
    let mut same = 0;
    for _ in 0..300 {
        let a = small(&mut rng, 5);
        let b = if rng.below(3) == 0 { renumbered(&mut rng, &a) } else { small(&mut rng, 5) };
        let (a, b) = (prepared(&a), prepared(&b));
        let isomorphic = isomorphic(&a, &b);
        same += usize::from(isomorphic);
        assert_eq!(fast(&a, &b, &costs).cost == 0.0, isomorphic);
        assert_eq!(exact(&a, &b, &costs, 100_000).cost == 0.0, isomorphic);
    }
    assert!(same > 50);
    for _ in 0..20 {
        let a = stacked(&mut rng, 60);
        let b = renumbered(&mut rng, &a);
        assert_eq!(fast(&prepared(&a), &prepared(&b), &costs).cost, 0.0);
    }
}

#[test]
fn both_directions_cost_the_same() {
    let mut rng = Rng::new(4, 0);
    for costs in all_costs() {
        for _ in 0..60 {
            let (a, b) = (prepared(&stacked(&mut rng, 30)), prepared(&stacked(&mut rng, 30)));
            let (there, back) = (fast(&a, &b, &costs), fast(&b, &a, &costs));
            recost(&a, &b, &costs, &there);
            recost(&b, &a, &costs, &back);
            assert!(
                (there.cost - back.cost).abs() <= 1e-12 * there.cost.max(1e-3),
                "{} {}",
                there.cost,
                back.cost
            );
            assert_eq!(there.lower_bound, back.lower_bound);
        }
    }
}

#[test]
fn empty_graphs_and_bad_graphs() {
    let mut rng = Rng::new(5, 0);
    let (empty, some) = (prepared(&LabelledGraph::default()), prepared(&small(&mut rng, 5)));
    let costs = EditCosts::default();
    let whole =
        some.vertices().iter().map(|v| v.weight).sum::<f64>() + some.edges().len() as f64 * costs.edge;
    assert_eq!(fast(&empty, &empty, &costs).cost, 0.0);
    for path in [fast(&empty, &some, &costs), fast(&some, &empty, &costs), exact(&empty, &some, &costs, 10)] {
        assert!((path.cost - whole).abs() < 1e-12);
    }
    let refuse = |change: &dyn Fn(&mut LabelledGraph)| {
        let mut graph = LabelledGraph { vertices: some.vertices().to_vec(), edges: vec![(0, 1)] };
        graph.vertices.truncate(2);
        graph.vertices.resize(2, graph.vertices[0]);
        change(&mut graph);
        PreparedGraph::new(&graph).unwrap_err().to_string()
    };
    assert_eq!(
        refuse(&|g| g.edges.push((1, 7))),
        "edge 1 -> 7 of a graph of 2 vertices: give vertices from 0 to 1"
    );
    assert_eq!(
        refuse(&|g| g.edges.push((0, 1))),
        "edge 0 -> 1 is there twice: give each edge between two vertices once"
    );
    assert_eq!(
        refuse(&|g| g.edges.push((1, 1))),
        "edge 1 -> 1 leads to its own start: give each edge between two vertices once"
    );
    assert_eq!(
        refuse(&|g| g.vertices[1].weight = f64::NAN),
        "vertex 1 weighs NaN: give a finite number of at least 0"
    );
}

#[test]
fn pairs_are_numbered_without_gaps() {
    let mut expected = Vec::new();
    for i in 0..7 {
        expected.extend((i + 1..7).map(|j| (i, j)));
    }
    assert_eq!((0..pairs(7)).map(|n| pair(7, n)).collect::<Vec<_>>(), expected);
    assert_eq!((pairs(0), pairs(1), pairs(1000)), (0, 0, 499_500));
    let mut rng = Rng::new(6, 0);
    let graphs: Vec<PreparedGraph> = (0..7).map(|_| prepared(&small(&mut rng, 6))).collect();
    let costs = EditCosts::default();
    let one_by_one: Vec<f64> =
        expected.iter().map(|(i, j)| fast(&graphs[*i], &graphs[*j], &costs).cost).collect();
    for split in [0, 1, 5, 6, 7, 20, 21] {
        let parts = [distances(&graphs, &costs, 0..split), distances(&graphs, &costs, split..21)].concat();
        assert_eq!(parts, one_by_one);
    }
    assert_eq!(distances(&graphs, &costs, 21..30), Vec::<f64>::new());
    assert_eq!(distances(&[], &costs, 0..9), Vec::<f64>::new());
}
