//! Generating and counting CNNs as the released CNNBench does: all modules over a list of operations, all heads over
//! a list of dense layers, and all stacks of modules under a head, one per hash.

mod config;

pub use config::{GenerateError, GenerationConfig, ModuleSizes};

use crate::hash::{self, Algorithm};
use codebench_model::{CnnGraph, CnnModule, Vertex};
use num_bigint::BigUint;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// How CNNs are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GraphHash {
    /// By their modules in order; counted without enumeration.
    #[default]
    Simple,
    /// After merging chains of modules; counted by enumeration.
    Merged,
}

/// Modules or heads of up to a number of vertices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SizeCount {
    /// Vertices, input and output among them.
    pub vertices: usize,
    /// Distinct ones of this and all earlier sizes.
    pub distinct: u64,
    /// The same before those with equal hashes are dropped.
    pub labelled: u64,
}

/// CNNs of up to a number of stacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StackCount {
    /// Stacks.
    pub stacks: u64,
    /// Modules in them, the head not counted.
    pub modules: u64,
    /// CNNs with exactly this many stacks, as a decimal number.
    #[serde(with = "decimal")]
    pub exactly: BigUint,
    /// CNNs with up to this many stacks.
    #[serde(with = "decimal")]
    pub up_to: BigUint,
}

/// What a configuration generates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Modules by size, cumulative.
    pub modules: Vec<SizeCount>,
    /// Heads by size, cumulative.
    pub heads: Vec<SizeCount>,
    /// CNNs by stacks.
    pub graphs: Vec<StackCount>,
}

/// Big integers as decimal text, which every reader of JSON keeps whole.
mod decimal {
    use num_bigint::BigUint;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(value: &BigUint, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BigUint, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// CNNs that a merged count enumerates at most.
pub const MAX_ENUMERATED: u64 = 2_000_000;

/// Counts what `config` generates.
pub fn count(config: &GenerationConfig, by: GraphHash) -> Result<Counts, GenerateError> {
    config.check()?;
    let mut modules = Distinct::new(config.hash_algo);
    let module_counts = (config.module_vertices.sizes())
        .map(|v| modules.add(v, modules_of_size(config, v)))
        .collect::<Vec<_>>();
    let mut heads = Distinct::new(config.hash_algo);
    let head_counts =
        (config.head_sizes()).map(|v| heads.add(v, heads_of_size(config, v))).collect::<Vec<_>>();
    let graphs = match by {
        GraphHash::Simple => {
            let (modules, heads) = (modules.kept.len(), heads.kept.len());
            let exactly = (1..=config.max_stacks())
                .map(|stacks| BigUint::from(modules).pow(u32::try_from(stacks).unwrap_or(u32::MAX)) * heads);
            cumulative(config, exactly)
        }
        GraphHash::Merged => count_merged(config, &modules.kept, &heads.kept)?,
    };
    Ok(Counts { modules: module_counts, heads: head_counts, graphs })
}

fn cumulative(config: &GenerationConfig, exactly: impl Iterator<Item = BigUint>) -> Vec<StackCount> {
    let mut up_to = BigUint::ZERO;
    (1..)
        .zip(exactly)
        .map(|(stacks, exactly)| {
            up_to += &exactly;
            StackCount { stacks, modules: stacks * config.modules_per_stack, exactly, up_to: up_to.clone() }
        })
        .collect()
}

fn count_merged(
    config: &GenerationConfig,
    modules: &[CnnModule],
    heads: &[CnnModule],
) -> Result<Vec<StackCount>, GenerateError> {
    let total: BigUint = (1..=config.max_stacks())
        .map(|s| BigUint::from(modules.len()).pow(u32::try_from(s).unwrap_or(u32::MAX)) * heads.len())
        .sum();
    if total > BigUint::from(MAX_ENUMERATED) {
        return Err(GenerateError::TooMany { total, limit: MAX_ENUMERATED });
    }
    let mut seen = HashSet::new();
    let mut exactly = Vec::new();
    for stacks in 1..=config.max_stacks() {
        let before = seen.len();
        for graph in Stacks::new(config, modules, heads, stacks) {
            seen.insert(hash::graph_hash_merged(&graph, config.hash_algo));
        }
        exactly.push(BigUint::from(seen.len() - before));
    }
    Ok(cumulative(config, exactly.into_iter()))
}

/// The distinct modules of `config` in the order of the released code.
pub fn modules(config: &GenerationConfig) -> Result<Vec<CnnModule>, GenerateError> {
    config.check()?;
    let all = config.module_vertices.sizes().flat_map(|v| modules_of_size(config, v));
    Ok(Distinct::of(config.hash_algo, all))
}

/// The distinct heads of `config` in the order of the released code.
pub fn heads(config: &GenerationConfig) -> Result<Vec<CnnModule>, GenerateError> {
    config.check()?;
    Ok(Distinct::of(config.hash_algo, config.head_sizes().flat_map(|v| heads_of_size(config, v))))
}

/// The CNNs of `config`, one per hash, fewer stacks first.
pub fn graphs(
    config: &GenerationConfig,
    by: GraphHash,
) -> Result<impl Iterator<Item = CnnGraph> + use<>, GenerateError> {
    let (modules, heads) = (modules(config)?, heads(config)?);
    let config = config.clone();
    let mut seen = HashSet::new();
    let all = (1..=config.max_stacks()).flat_map({
        let config = config.clone();
        move |stacks| Stacks::new(&config, &modules, &heads, stacks)
    });
    Ok(all.filter(move |graph| match by {
        GraphHash::Simple => true,
        GraphHash::Merged => seen.insert(hash::graph_hash_merged(graph, config.hash_algo)),
    }))
}

/// Modules without repetition, by hash.
struct Distinct {
    algorithm: Algorithm,
    seen: HashSet<String>,
    kept: Vec<CnnModule>,
    labelled: u64,
}

impl Distinct {
    fn new(algorithm: Algorithm) -> Self {
        Distinct { algorithm, seen: HashSet::new(), kept: Vec::new(), labelled: 0 }
    }

    fn add(&mut self, vertices: usize, modules: impl Iterator<Item = CnnModule>) -> SizeCount {
        for module in modules {
            self.labelled += 1;
            if self.seen.insert(hash::module_hash(&module, self.algorithm)) {
                self.kept.push(module);
            }
        }
        SizeCount { vertices, distinct: self.kept.len() as u64, labelled: self.labelled }
    }

    fn of(algorithm: Algorithm, modules: impl Iterator<Item = CnnModule>) -> Vec<CnnModule> {
        let mut distinct = Distinct::new(algorithm);
        distinct.add(0, modules);
        distinct.kept
    }
}

/// All labelled modules of `size` vertices: edge sets in order of their bit pattern, labels in order of the list.
fn modules_of_size(config: &GenerationConfig, size: usize) -> impl Iterator<Item = CnnModule> + '_ {
    let limit = config.max_edges.of(size);
    EdgeSets::new(size).filter(move |edges| edges.len() <= limit).flat_map(move |edges| {
        Words::new(config.base_ops.len(), size.saturating_sub(2)).map(move |word| {
            let labels = word.iter().map(|&op| config.base_ops[op].as_str());
            CnnModule { vertices: bounded(labels), edges: edges.clone() }
        })
    })
}

/// All heads of `size` vertices: a flattening operation, dense layers, and the classes.
fn heads_of_size(config: &GenerationConfig, size: usize) -> impl Iterator<Item = CnnModule> + '_ {
    config.flatten_ops.iter().flat_map(move |flatten| {
        Words::new(config.dense_ops.len(), size.saturating_sub(4)).map(move |word| {
            let dense = word.iter().map(|&op| config.dense_ops[op].as_str());
            let labels = std::iter::once(flatten.as_str()).chain(dense).chain(["dense_classes"]);
            CnnModule { vertices: bounded(labels), edges: (1..size).map(|v| [v - 1, v]).collect() }
        })
    })
}

fn bounded<'a>(labels: impl Iterator<Item = &'a str>) -> Vec<Vertex> {
    std::iter::once("input").chain(labels).chain(["output"]).map(Vertex::new).collect()
}

/// Sets of edges in which every vertex but the first has an incoming and every vertex but the last an outgoing edge.
///
/// The predecessors of vertex `y` are bits `y(y-1)/2..` of a pattern; patterns come in ascending order.
struct EdgeSets {
    /// `predecessors[y - 1]`: bit `x` set for an edge from `x` to `y`; never 0.
    predecessors: Vec<u64>,
    done: bool,
}

impl EdgeSets {
    fn new(size: usize) -> Self {
        EdgeSets { predecessors: vec![1; size.saturating_sub(1)], done: size < 2 }
    }

    fn advance(&mut self) {
        for (index, bits) in self.predecessors.iter_mut().enumerate() {
            *bits += 1;
            if *bits < 1 << (index + 1) {
                return;
            }
            *bits = 1;
        }
        self.done = true;
    }

    fn covers_all(&self) -> bool {
        let used = self.predecessors.iter().fold(0, |all, bits| all | bits);
        used == (1 << self.predecessors.len()) - 1
    }

    fn edges(&self) -> Vec<[usize; 2]> {
        let of = |(index, bits): (usize, &u64)| {
            let bits = *bits;
            (0..=index).filter(move |x| bits >> x & 1 == 1).map(move |x| [x, index + 1])
        };
        self.predecessors.iter().enumerate().flat_map(of).collect()
    }
}

impl Iterator for EdgeSets {
    type Item = Vec<[usize; 2]>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.done {
            let edges = self.covers_all().then(|| self.edges());
            self.advance();
            if edges.is_some() {
                return edges;
            }
        }
        None
    }
}

/// Words of a length over `0..letters`, the last letter varying fastest.
struct Words {
    letters: usize,
    next: Option<Vec<usize>>,
}

impl Words {
    fn new(letters: usize, length: usize) -> Self {
        Words { letters, next: (letters > 0 || length == 0).then(|| vec![0; length]) }
    }
}

impl Iterator for Words {
    type Item = Vec<usize>;

    fn next(&mut self) -> Option<Self::Item> {
        let word = self.next.take()?;
        let mut following = word.clone();
        for letter in following.iter_mut().rev() {
            *letter += 1;
            if *letter < self.letters {
                self.next = Some(following);
                break;
            }
            *letter = 0;
        }
        Some(word)
    }
}

/// CNNs of one number of stacks: every sequence of modules under every head.
struct Stacks {
    modules: Vec<CnnModule>,
    heads: Vec<CnnModule>,
    modules_per_stack: u64,
    default_channels: u64,
    words: Words,
    word: Option<Vec<usize>>,
    head: usize,
}

impl Stacks {
    fn new(config: &GenerationConfig, modules: &[CnnModule], heads: &[CnnModule], stacks: u64) -> Self {
        let mut words = Words::new(modules.len(), usize::try_from(stacks).unwrap_or(usize::MAX));
        Stacks {
            modules: modules.to_vec(),
            heads: heads.to_vec(),
            modules_per_stack: config.modules_per_stack,
            default_channels: config.default_channels,
            word: words.next(),
            words,
            head: 0,
        }
    }
}

impl Iterator for Stacks {
    type Item = CnnGraph;

    fn next(&mut self) -> Option<CnnGraph> {
        if self.head == self.heads.len() {
            self.head = 0;
            self.word = self.words.next();
        }
        let head = self.heads.get(self.head)?;
        let word = self.word.as_ref()?;
        let body = word.iter().flat_map(|&m| (0..self.modules_per_stack).map(move |_| m));
        let modules = body.map(|m| self.modules[m].clone()).chain([head.clone()]).collect();
        self.head += 1;
        Some(CnnGraph { default_channels: self.default_channels, modules })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edge_sets_are_those_of_the_definition_in_order_of_their_bits() {
        for size in 2..=5_usize {
            let pairs: Vec<[usize; 2]> = (1..size).flat_map(|y| (0..y).map(move |x| [x, y])).collect();
            let by_definition: Vec<Vec<[usize; 2]>> = (0..1_u64 << pairs.len())
                .map(|bits| {
                    let bit = |(i, _): &(usize, _)| bits >> i & 1 == 1;
                    pairs.iter().copied().enumerate().filter(bit).map(|(_, e)| e).collect::<Vec<_>>()
                })
                .filter(|edges| {
                    (1..size).all(|v| edges.iter().any(|e| e[1] == v))
                        && (0..size - 1).all(|v| edges.iter().any(|e| e[0] == v))
                })
                .collect();
            assert_eq!(EdgeSets::new(size).collect::<Vec<_>>(), by_definition);
        }
    }

    #[test]
    fn words_vary_the_last_letter_fastest() {
        let words: Vec<Vec<usize>> = Words::new(2, 2).collect();
        assert_eq!(words, [[0, 0], [0, 1], [1, 0], [1, 1]]);
        assert_eq!(Words::new(3, 0).count(), 1);
        assert_eq!(Words::new(0, 2).count(), 0);
    }
}
