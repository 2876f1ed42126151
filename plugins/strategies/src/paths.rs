//! Path encoding: an architecture as what lies on its ways from input to output.

use codebench_sdk::model::CnnGraph;
use codebench_sdk::prelude::*;
use std::collections::BTreeMap;

/// Buckets of the paths of CNN graphs, which are too many to list.
const BUCKETS: usize = 64;
/// Paths that a graph is followed along at most.
const MOST_PATHS: usize = 512;
/// Edges on a path at most, where paths are listed.
const LONGEST: usize = 3;

/// How the paths of a space's CNNs become columns.
#[derive(Debug, Clone)]
pub(crate) enum Paths {
    /// Operations stand on edges: plain choices called `edge_TO_FROM`, from vertex 0 to the last.
    Edges(EdgePaths),
    /// Operations stand on vertices: the paths of every module, in buckets.
    Graphs,
}

/// A cell whose edges carry operations.
#[derive(Debug, Clone)]
pub(crate) struct EdgePaths {
    /// Edges as choice, source, target.
    edges: Vec<(usize, usize, usize)>,
    output: usize,
    /// Per choice and value: no connection, an identity, or the number of an operation.
    ops: BTreeMap<usize, Vec<Op>>,
    /// Columns by sequence of operations.
    columns: BTreeMap<Vec<usize>, usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Op {
    None,
    Identity,
    Number(usize),
}

impl Paths {
    /// The paths of the space's CNNs; `None` if it has none.
    pub(crate) fn of(space: &Space) -> Option<Paths> {
        EdgePaths::of(space).map(Paths::Edges).or_else(|| space.cnn.is_some().then_some(Paths::Graphs))
    }

    /// Number of columns.
    pub(crate) fn dimension(&self) -> usize {
        match self {
            Paths::Edges(edges) => edges.columns.len(),
            Paths::Graphs => BUCKETS,
        }
    }

    /// The columns of a repaired point.
    pub(crate) fn encode(&self, space: &Space, genotype: &Genotype) -> Vec<f64> {
        match self {
            Paths::Edges(edges) => edges.encode(genotype),
            Paths::Graphs => {
                let graph = codebench_sdk::space::decode(space, genotype).ok().and_then(|c| c.cnn);
                graph.map_or_else(|| vec![0.0; BUCKETS], |graph| of_graph(&graph))
            }
        }
    }

    /// The point with every operation that no path reads replaced by none, where the space is one of edges.
    pub(crate) fn canonical(&self, genotype: &Genotype) -> Genotype {
        match self {
            Paths::Edges(edges) => edges.canonical(genotype),
            Paths::Graphs => genotype.clone(),
        }
    }
}

impl EdgePaths {
    fn of(space: &Space) -> Option<EdgePaths> {
        let mut edges = Vec::new();
        let mut names: BTreeMap<String, usize> = BTreeMap::new();
        let mut ops = BTreeMap::new();
        for (i, choice) in space.choices.iter().enumerate() {
            let Some((to, from)) = choice.name.strip_prefix("edge_").and_then(|rest| rest.split_once('_'))
            else {
                continue;
            };
            let (to, from) = (to.parse::<usize>().ok()?, from.parse::<usize>().ok()?);
            if from >= to || choice.ordered || !choice.when.is_empty() {
                return None;
            }
            edges.push((i, from, to));
            let mut of_choice = Vec::new();
            for value in &choice.values {
                of_choice.push(match value.as_str()? {
                    "none" => Op::None,
                    "skip_connect" | "identity" => Op::Identity,
                    name => {
                        let next = names.len();
                        Op::Number(*names.entry(name.to_owned()).or_insert(next))
                    }
                });
            }
            ops.insert(i, of_choice);
        }
        let output = edges.iter().map(|(_, _, to)| *to).max()?;
        if output > LONGEST || names.len() > 8 {
            return None;
        }
        let mut columns = BTreeMap::new();
        let mut sequences: Vec<Vec<usize>> = vec![Vec::new()];
        for _ in 0..=output {
            let mut longer = Vec::new();
            for sequence in &sequences {
                let next = columns.len();
                columns.entry(sequence.clone()).or_insert(next);
                longer.extend((0..names.len()).map(|op| [sequence.as_slice(), &[op]].concat()));
            }
            sequences = longer;
        }
        Some(EdgePaths { edges, output, ops, columns })
    }

    /// Whether the edges are all that the CNN's block has.
    pub(crate) fn cover(&self, space: &Space) -> bool {
        self.edges.len() == space.choices.iter().filter(|c| c.block == Block::Cnn).count()
    }

    /// Every unbroken path from the input to the output, as positions among the edges.
    fn paths(&self, genotype: &Genotype) -> Vec<Vec<usize>> {
        let mut whole = Vec::new();
        let mut open: Vec<(usize, Vec<usize>)> = vec![(0, Vec::new())];
        while let Some((at, path)) = open.pop() {
            if at == self.output {
                whole.push(path);
                continue;
            }
            for (edge, (choice, from, to)) in self.edges.iter().enumerate() {
                if *from == at && self.op(*choice, genotype) != Op::None {
                    open.push((*to, [path.as_slice(), &[edge]].concat()));
                }
            }
        }
        whole
    }

    fn op(&self, choice: usize, genotype: &Genotype) -> Op {
        let value = genotype.0.get(choice).copied().unwrap_or(0) as usize;
        self.ops.get(&choice).and_then(|ops| ops.get(value)).copied().unwrap_or(Op::None)
    }

    /// How often each sequence of operations leads from input to output; identities do not count.
    fn encode(&self, genotype: &Genotype) -> Vec<f64> {
        let mut encoded = vec![0.0; self.columns.len()];
        for path in self.paths(genotype) {
            let sequence: Vec<usize> = path
                .iter()
                .filter_map(|edge| match self.op(self.edges[*edge].0, genotype) {
                    Op::Number(op) => Some(op),
                    _ => None,
                })
                .collect();
            if let Some(column) = self.columns.get(&sequence) {
                encoded[*column] += 1.0;
            }
        }
        encoded
    }

    fn canonical(&self, genotype: &Genotype) -> Genotype {
        let mut live = vec![false; self.edges.len()];
        self.paths(genotype).iter().flatten().for_each(|edge| live[*edge] = true);
        let mut canonical = genotype.clone();
        for ((choice, _, _), live) in self.edges.iter().zip(live) {
            let none = self.ops.get(choice).and_then(|ops| ops.iter().position(|op| *op == Op::None));
            if let (false, Some(none)) = (live, none) {
                canonical.0[*choice] = none as u32;
            }
        }
        canonical
    }
}

/// Paths of labels through every module, counted in buckets by their hash with the position of the module.
fn of_graph(graph: &CnnGraph) -> Vec<f64> {
    let mut buckets = vec![0.0; BUCKETS];
    let mut followed = 0;
    let mut last = None;
    for (position, module) in graph.modules.iter().enumerate() {
        if last == Some(module) {
            continue;
        }
        last = Some(module);
        let mut open: Vec<(usize, u64)> = vec![(0, mix(0xcbf2_9ce4_8422_2325, &position.to_string()))];
        while let Some((at, hash)) = open.pop() {
            if at + 1 == module.vertices.len() {
                buckets[(hash >> 20) as usize % BUCKETS] += 1.0;
                followed += 1;
            }
            if followed >= MOST_PATHS {
                return buckets;
            }
            for [from, to] in &module.edges {
                if *from == at && *to > at {
                    let label = module.vertices.get(*to).map_or("", |v| v.label.as_str());
                    open.push((*to, mix(hash, label)));
                }
            }
        }
    }
    buckets
}

/// FNV-1a, with the end of the text marked.
fn mix(mut hash: u64, text: &str) -> u64 {
    for byte in text.bytes().chain([0]) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;
    use codebench_sdk::space::SpaceDescription;

    fn space(text: &str) -> Space {
        toml::from_str::<SpaceDescription>(text).unwrap().compile().unwrap()
    }

    #[test]
    fn cells_that_compute_the_same_have_the_same_paths() {
        let space = space(include_str!("../../../examples/spaces/nasbench201.toml"));
        let paths = Paths::of(&space).unwrap();
        assert_eq!(paths.dimension(), 1 + 3 + 9 + 27);
        let encode = |genes: [u32; 6]| paths.encode(&space, &Genotype(genes.to_vec()));
        // conv3x3 on 1<-0 and a skip on 3<-1 is a conv3x3 on 3<-0.
        assert_eq!(encode([3, 0, 0, 0, 1, 0]), encode([0, 0, 0, 3, 0, 0]));
        // An operation that leads nowhere does not count, and is none in the canonical point.
        let dead = Genotype(vec![3, 4, 0, 2, 1, 0]);
        assert_eq!(encode([3, 4, 0, 2, 1, 0]), encode([3, 0, 0, 2, 1, 0]));
        assert_eq!(paths.canonical(&dead).0, [3, 0, 0, 2, 1, 0]);
        assert_eq!(encode([3, 3, 3, 3, 3, 3]).iter().sum::<f64>(), 4.0);
        assert_eq!(encode([0; 6]).iter().sum::<f64>(), 0.0);
    }

    #[test]
    fn graphs_are_counted_in_buckets_and_other_spaces_have_no_paths() {
        let digits = space(include_str!("../../../examples/spaces/digits.toml"));
        let paths = Paths::of(&digits).unwrap();
        let points = codebench_sdk::space::Points::new(&digits).unwrap();
        let mut rng = codebench_sdk::space::Rng::new(1, 0);
        for _ in 0..20 {
            let encoded = paths.encode(&digits, &points.sample(&mut rng));
            assert!(encoded.len() == BUCKETS && encoded.iter().sum::<f64>() >= 3.0);
        }
        assert!(Paths::of(&space("[accelerator]\npib = [1, 2]")).is_none());
    }
}
