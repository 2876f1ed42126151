//! The valid points of a space as a layered graph: counting, ranking, sampling and mending without enumeration.
//!
//! Choices are decided in order. Two partial candidates that agree on every earlier choice which a later condition still
//! reads can be completed in exactly the same ways, so they share a node; a node knows in how many. The edges of one
//! module are decided in one step, whose number of ways has a closed form ([`crate::module`]).

use crate::SpaceError;
use crate::module::{EdgeCounter, pairs, position};
use crate::validate::validate;
use codebench_model::{Block, Genotype, ModuleTemplate, Space};
use num_bigint::BigUint;
use std::collections::{BTreeMap, HashMap};

/// Nodes that one layer may have.
const MAX_NODES: usize = 200_000;

/// The valid points of a space. Building it counts them once; a question after that walks through the choices.
#[derive(Debug, Clone)]
pub struct Points {
    pub(crate) space: Space,
    items: Vec<Item>,
    layers: Vec<Vec<Node>>,
    /// Per module, by number of vertices.
    counters: Vec<BTreeMap<usize, EdgeCounter>>,
}

/// What is decided in one step.
#[derive(Debug, Clone, Copy)]
enum Item {
    Choice(usize),
    Edges(usize),
}

#[derive(Debug, Clone)]
struct Node {
    /// Valid completions.
    ways: BigUint,
    step: Step,
}

/// Where the decision leads: indices into the next layer.
#[derive(Debug, Clone)]
enum Step {
    /// Inactive.
    Skip(usize),
    /// Every value leads to the same node.
    Free(usize),
    /// One node per value.
    Each(Vec<usize>),
    /// The edges of a module of so many vertices.
    Edges { vertices: usize, next: usize },
}

/// The number of valid completions by value of a choice.
pub(crate) enum Ways<'a> {
    /// As many for each of so many values.
    Equal(&'a BigUint, usize),
    /// One number per value.
    Each(Vec<&'a BigUint>),
}

impl Ways<'_> {
    /// Number of values.
    pub(crate) fn values(&self) -> usize {
        match self {
            Ways::Equal(_, values) => *values,
            Ways::Each(ways) => ways.len(),
        }
    }

    /// Completions of all values together.
    pub(crate) fn total(&self) -> BigUint {
        match self {
            Ways::Equal(each, values) => *each * *values,
            Ways::Each(ways) => ways.iter().copied().sum(),
        }
    }

    /// Whether the value leaves a completion.
    pub(crate) fn leaves(&self, value: usize) -> bool {
        let zero = BigUint::default();
        match self {
            Ways::Equal(each, values) => value < *values && **each != zero,
            Ways::Each(ways) => ways.get(value).is_some_and(|ways| **ways != zero),
        }
    }

    /// Values that leave a completion, ascending.
    pub(crate) fn possible(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.values()).filter(|value| self.leaves(*value))
    }

    /// The value within which completion `number` falls, and the number among that value's.
    pub(crate) fn locate(&self, mut number: BigUint) -> (usize, BigUint) {
        match self {
            Ways::Equal(each, _) => {
                let quotient = &number / *each;
                (usize::try_from(&quotient).unwrap_or(usize::MAX), number - quotient * *each)
            }
            Ways::Each(ways) => {
                for (value, ways) in ways.iter().enumerate() {
                    if number < **ways {
                        return (value, number);
                    }
                    number -= *ways;
                }
                (self.possible().last().unwrap_or(0), number)
            }
        }
    }
}

/// Decides what a walk leaves open.
pub(crate) trait Decide {
    /// The value of an active choice; one that leaves a valid completion, as at least one does.
    fn decide(&mut self, choice: usize, ways: &Ways<'_>) -> usize;

    /// The flags of all edges of a module at once, in the order of [`pairs`]; `None` asks for each in turn.
    fn edges(&mut self, _module: &ModuleTemplate, _vertices: usize) -> Option<Vec<bool>> {
        None
    }
}

impl Points {
    /// The points of `space`.
    ///
    /// # Errors
    /// If the document is malformed, has no valid point, or its conditions are too entangled to count.
    pub fn new(space: &Space) -> Result<Points, SpaceError> {
        validate(space)?;
        let items = items_of(space);
        let layers = explore(space, &items)?;
        let mut points = Points { space: space.clone(), items, layers, counters: Vec::new() };
        points.make_counters();
        points.count_ways();
        match points.count() == BigUint::default() {
            true => Err(SpaceError::Empty {
                message:
                    "no module of the allowed numbers of vertices keeps the limit of edges; raise the limit"
                        .into(),
            }),
            false => Ok(points),
        }
    }

    /// The space.
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// The number of valid points.
    pub fn count(&self) -> BigUint {
        self.layers[0][0].ways.clone()
    }

    /// The numbers of CNNs and of accelerators whose product is [`Points::count`]; `None` if a condition ties the two
    /// blocks together. A block without choices counts as 1.
    pub fn count_by_block(&self) -> Option<(BigUint, BigUint)> {
        let is_accelerator = |item: &Item| matches!(*item, Item::Choice(c) if self.space.choices[c].block == Block::Accelerator);
        let boundary = self.items.iter().position(is_accelerator).unwrap_or(self.items.len());
        let [node] = self.layers[boundary].as_slice() else { return None };
        Some((self.count() / &node.ways, node.ways.clone()))
    }

    /// Whether a change of this choice entails no other: no condition reads it, and it is no edge.
    pub(crate) fn is_free(&self, choice: usize) -> bool {
        let item = |item: &Item| matches!(*item, Item::Choice(c) if c == choice);
        let Some(at) = self.items.iter().position(item) else { return false };
        self.layers[at].iter().all(|node| matches!(node.step, Step::Free(_) | Step::Skip(_)))
    }

    /// Walks from the first choice to the last.
    pub(crate) fn walk(&self, decide: &mut dyn Decide) -> Genotype {
        let mut genes = vec![0; self.space.choices.len()];
        let mut at = 0;
        for (i, item) in self.items.iter().enumerate() {
            let next_layer = &self.layers[i + 1];
            at = match (&self.layers[i][at].step, *item) {
                (Step::Free(next), Item::Choice(choice)) => {
                    let ways = Ways::Equal(&next_layer[*next].ways, self.space.choices[choice].values.len());
                    genes[choice] = decide.decide(choice, &ways) as u32;
                    *next
                }
                (Step::Each(nexts), Item::Choice(choice)) => {
                    let ways = Ways::Each(nexts.iter().map(|n| &next_layer[*n].ways).collect());
                    let value = decide.decide(choice, &ways);
                    genes[choice] = value as u32;
                    nexts[value]
                }
                (Step::Edges { vertices, next }, Item::Edges(module)) => {
                    let after = &next_layer[*next].ways;
                    self.walk_edges(module, *vertices, after, decide, &mut genes);
                    *next
                }
                (Step::Skip(next) | Step::Free(next) | Step::Edges { next, .. }, _) => *next,
                (Step::Each(nexts), _) => nexts[0],
            };
        }
        Genotype(genes)
    }

    fn walk_edges(
        &self,
        module: usize,
        vertices: usize,
        after: &BigUint,
        decide: &mut dyn Decide,
        genes: &mut [u32],
    ) {
        let template = &self.space.modules()[module];
        let choices: Vec<usize> = edge_choices(template, vertices).collect();
        if let Some(flags) = decide.edges(template, vertices) {
            for (choice, flag) in choices.into_iter().zip(flags) {
                genes[choice] = u32::from(flag);
            }
            return;
        }
        let counter = &self.counters[module][&vertices];
        let mut partial = counter.start();
        for choice in choices {
            let branches = [false, true].map(|flag| counter.decide(&partial, flag));
            let ways = branches.each_ref().map(|branch| match branch {
                Some(branch) => counter.completions(branch) * after,
                None => BigUint::default(),
            });
            let value = decide.decide(choice, &Ways::Each(ways.iter().collect()));
            genes[choice] = value as u32;
            let [without, with] = branches;
            match if value == 0 { without } else { with } {
                Some(branch) => partial = branch,
                None => return,
            }
        }
    }

    fn make_counters(&mut self) {
        self.counters = vec![BTreeMap::new(); self.space.modules().len()];
        for (layer, item) in self.layers.iter().zip(&self.items) {
            let Item::Edges(module) = *item else { continue };
            let limit = self.space.modules()[module].edge_limit;
            for node in layer {
                if let Step::Edges { vertices, .. } = node.step {
                    let new = || EdgeCounter::new(vertices, limit.of(vertices));
                    self.counters[module].entry(vertices).or_insert_with(new);
                }
            }
        }
    }

    fn count_ways(&mut self) {
        let mut totals: Vec<BTreeMap<usize, BigUint>> = Vec::new();
        for counters in &self.counters {
            totals.push(counters.iter().map(|(v, counter)| (*v, counter.total())).collect());
        }
        for i in (0..self.items.len()).rev() {
            let (before, after) = self.layers.split_at_mut(i + 1);
            let next = &after[0];
            for node in &mut before[i] {
                node.ways = match (&node.step, self.items[i]) {
                    (Step::Skip(n), _) => next[*n].ways.clone(),
                    (Step::Free(n), Item::Choice(choice)) => {
                        &next[*n].ways * self.space.choices[choice].values.len()
                    }
                    (Step::Free(n), Item::Edges(_)) => next[*n].ways.clone(),
                    (Step::Each(nexts), _) => nexts.iter().map(|n| &next[*n].ways).sum(),
                    (Step::Edges { vertices, next: n }, Item::Edges(module)) => {
                        &totals[module][vertices] * &next[*n].ways
                    }
                    (Step::Edges { .. }, Item::Choice(_)) => BigUint::default(),
                };
            }
        }
    }
}

/// Choices of the edges of a module with `vertices` vertices, in the order of [`pairs`]`(vertices)`.
pub(crate) fn edge_choices(module: &ModuleTemplate, vertices: usize) -> impl Iterator<Item = usize> + '_ {
    let slot = move |vertex: usize| if vertex + 1 == vertices { module.slots - 1 } else { vertex };
    pairs(vertices).map(move |(from, to)| module.edges[position(slot(from), slot(to))].choice)
}

/// Choices in order, the edges of a module as one item.
fn items_of(space: &Space) -> Vec<Item> {
    let mut items = Vec::new();
    let mut choice = 0;
    while choice < space.choices.len() {
        let block = space.modules().iter().position(|m| m.edges.first().is_some_and(|e| e.choice == choice));
        match block {
            Some(module) => {
                items.push(Item::Edges(module));
                choice += space.modules()[module].edges.len();
            }
            None => {
                items.push(Item::Choice(choice));
                choice += 1;
            }
        }
    }
    items
}

/// Choices that an item reads.
fn reads(space: &Space, item: Item) -> Vec<usize> {
    match item {
        Item::Choice(choice) => space.choices[choice].when.iter().map(|w| w.choice).collect(),
        Item::Edges(module) => vec![space.modules()[module].vertices],
    }
}

/// A choice that is inactive, in a node's key.
const INACTIVE: u32 = u32::MAX;

/// All nodes that are reachable, layer by layer; their ways are still 0, except 1 in the last layer.
fn explore(space: &Space, items: &[Item]) -> Result<Vec<Vec<Node>>, SpaceError> {
    let mut last_read: Vec<Option<usize>> = vec![None; space.choices.len()];
    for (i, item) in items.iter().enumerate() {
        for choice in reads(space, *item) {
            last_read[choice] = Some(i);
        }
    }
    // The key of a node holds the values of these choices, in this order.
    let mut live: Vec<usize> = Vec::new();
    let mut keys: Vec<Vec<u32>> = vec![Vec::new()];
    let mut layers = Vec::with_capacity(items.len() + 1);
    for (i, item) in items.iter().enumerate() {
        let mut live_after: Vec<usize> = live.iter().copied().filter(|c| last_read[*c] > Some(i)).collect();
        let read_later = matches!(*item, Item::Choice(c) if last_read[c].is_some());
        if let (Item::Choice(choice), true) = (*item, read_later) {
            live_after.push(choice);
        }
        let mut next = Layer::default();
        let mut layer = Vec::with_capacity(keys.len());
        for key in &keys {
            let value_of = |choice: usize| {
                live.iter().position(|c| *c == choice).map_or(INACTIVE, |position| key[position])
            };
            let kept: Vec<u32> =
                live_after.iter().filter(|c| live.contains(c)).map(|c| value_of(*c)).collect();
            layer.push(step(space, *item, read_later, &value_of, kept, &mut next));
            if next.keys.len() > MAX_NODES {
                return Err(SpaceError::malformed(format!(
                    "the conditions on {} choices are too entangled to count: the combinations of the choices that \
                     later conditions read exceed {MAX_NODES}; give fewer values or conditions",
                    space.choices.len(),
                )));
            }
        }
        layers.push(layer);
        keys = next.keys;
        live = live_after;
    }
    let end = Node { ways: BigUint::from(1u32), step: Step::Skip(0) };
    layers.push(vec![end; keys.len()]);
    Ok(layers)
}

/// Nodes of the layer being made.
#[derive(Default)]
struct Layer {
    keys: Vec<Vec<u32>>,
    index: HashMap<Vec<u32>, usize>,
}

impl Layer {
    fn node(&mut self, key: Vec<u32>) -> usize {
        let keys = &mut self.keys;
        *self.index.entry(key).or_insert_with_key(|key| {
            keys.push(key.clone());
            keys.len() - 1
        })
    }
}

/// The node's step; `kept` is the part of its key that lives on.
fn step(
    space: &Space,
    item: Item,
    read_later: bool,
    value_of: &dyn Fn(usize) -> u32,
    kept: Vec<u32>,
    next: &mut Layer,
) -> Node {
    let with = |value: u32| {
        let mut key = kept.clone();
        if read_later {
            key.push(value);
        }
        key
    };
    let step = match item {
        Item::Choice(choice) => {
            let choice = &space.choices[choice];
            let active = choice.when.iter().all(|w| w.is_in.binary_search(&value_of(w.choice)).is_ok());
            match (active, read_later) {
                (false, _) => Step::Skip(next.node(with(INACTIVE))),
                (true, false) => Step::Free(next.node(kept)),
                (true, true) => {
                    Step::Each((0..choice.values.len() as u32).map(|v| next.node(with(v))).collect())
                }
            }
        }
        Item::Edges(module) => {
            let vertices = space.modules()[module].vertices;
            let count = space.choices[vertices].values.get(value_of(vertices) as usize);
            match count.and_then(|v| v.as_i64()) {
                None => Step::Skip(next.node(kept)),
                Some(count) => Step::Edges { vertices: count as usize, next: next.node(kept) },
            }
        }
    };
    Node { ways: BigUint::default(), step }
}
