//! The blocks of one operation as a program of nested repetitions, and its evaluation without running it.
//!
//! A block is the unit of work of the released simulator: one tile of a convolution with what it computes and loads.
//! Equal blocks are one [`Block`] with a count, so that a program is as long as there are distinct tile shapes.

use super::residency::Fill;
use super::sum::{Decomposed, Step, Sum};
use crate::SimError;

/// Index of a node; children have lower indices than their parents.
pub(crate) type NodeId = u32;
/// Bounds the memory of a program.
const MOST_NODES: usize = 1 << 18;

/// One block and what it is charged.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Block {
    /// Energies in J, in order of accumulation: MAC lanes, other modules, then DMA and mask buffer for the activation
    /// load and for the weight load. What does not happen is 0.
    pub(crate) energies: [f64; 6],
    pub(crate) tally: Tally,
}

/// Whole-number totals over blocks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) blocks: u64,
    pub(crate) mac_cycles: u64,
    /// Per block the longer of the two loads.
    pub(crate) wait_cycles: u64,
    /// Residency tests, in chunks.
    pub(crate) checks: u64,
    /// Activations, then weights.
    pub(crate) loads: [Loads; 2],
}

/// Totals over loads into one buffer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Loads {
    pub(crate) blocks: u64,
    pub(crate) chunks: u64,
    pub(crate) cycles: u64,
}

impl Loads {
    fn add_times(&mut self, other: &Loads, times: u64) -> Option<()> {
        if other.blocks > 0 {
            self.blocks = self.blocks.checked_add(other.blocks.checked_mul(times)?)?;
            self.chunks = self.chunks.checked_add(other.chunks.checked_mul(times)?)?;
            self.cycles = self.cycles.checked_add(other.cycles.checked_mul(times)?)?;
        }
        Some(())
    }
}

impl Tally {
    /// Adds `other`, `times` over.
    pub(crate) fn add_times(&mut self, other: &Tally, times: u64) -> Result<(), SimError> {
        self.checked_add_times(other, times).ok_or_else(|| SimError::TooLarge {
            quantity: "the number of cycles or loads".into(),
            limit: "2^64".into(),
        })
    }

    fn checked_add_times(&mut self, other: &Tally, times: u64) -> Option<()> {
        self.blocks = self.blocks.checked_add(other.blocks.checked_mul(times)?)?;
        self.mac_cycles = self.mac_cycles.checked_add(other.mac_cycles.checked_mul(times)?)?;
        self.wait_cycles = self.wait_cycles.checked_add(other.wait_cycles.checked_mul(times)?)?;
        self.checks = self.checks.checked_add(other.checks.checked_mul(times)?)?;
        self.loads[0].add_times(&other.loads[0], times)?;
        self.loads[1].add_times(&other.loads[1], times)
    }
}

#[derive(Debug, Clone, Copy)]
enum Node {
    Block(Block),
    /// Edges `first..end`, run in order.
    Sequence {
        first: u32,
        end: u32,
    },
}

/// Blocks and repetitions of one operation.
#[derive(Debug, Default)]
pub(crate) struct Program {
    nodes: Vec<Node>,
    tallies: Vec<Tally>,
    edges: Vec<(NodeId, u64)>,
}

impl Program {
    /// Forgets everything but the memory.
    pub(crate) fn clear(&mut self) {
        self.nodes.clear();
        self.tallies.clear();
        self.edges.clear();
    }

    /// Adds a block.
    pub(crate) fn block(&mut self, block: Block) -> Result<NodeId, SimError> {
        self.push(Node::Block(block), block.tally)
    }

    /// Adds `children`, each repeated as often as its count says.
    pub(crate) fn sequence(&mut self, children: &[(NodeId, u64)]) -> Result<NodeId, SimError> {
        if let [(child, 1)] = children {
            return Ok(*child);
        }
        let mut tally = Tally::default();
        for (child, count) in children {
            tally.add_times(self.tally(*child), *count)?;
        }
        let first = self.edges.len() as u32;
        self.edges.extend_from_slice(children);
        self.push(Node::Sequence { first, end: self.edges.len() as u32 }, tally)
    }

    fn push(&mut self, node: Node, tally: Tally) -> Result<NodeId, SimError> {
        if self.nodes.len() >= MOST_NODES || self.edges.len() >= MOST_NODES * 8 {
            return Err(SimError::TooLarge {
                quantity: "the number of different tiles of an operation".into(),
                limit: "2^18".into(),
            });
        }
        self.nodes.push(node);
        self.tallies.push(tally);
        Ok((self.nodes.len() - 1) as NodeId)
    }

    /// Totals of a node.
    pub(crate) fn tally(&self, node: NodeId) -> &Tally {
        &self.tallies[node as usize]
    }

    fn children(&self, first: u32, end: u32) -> &[(NodeId, u64)] {
        &self.edges[first as usize..end as usize]
    }
}

/// Something that is summed in double precision over the blocks of a program.
pub(crate) trait Accumulator {
    /// What a block does to the sum in its present binade (and, for a buffer, its present filling).
    fn step(&self, block: &Block) -> Step;
    /// Adds a block's terms one by one.
    fn add(&mut self, block: &Block);
    /// How often, at most `limit`, a node can be applied as a whole.
    fn most_times(&self, step: Step, tally: &Tally, limit: u64) -> u64;
    /// Applies a node `times` over.
    fn apply(&mut self, step: Step, tally: &Tally, times: u64);
    /// Whether steps computed before `previous` hold still.
    fn same_regime(&self, previous: &Self) -> bool;
}

/// Evaluates programs for one accumulator; keeps its memory from program to program.
#[derive(Debug, Default)]
pub(crate) struct Evaluation {
    steps: Vec<Step>,
}

impl Evaluation {
    /// Runs the program from `root`.
    pub(crate) fn run<A: Accumulator + Clone>(
        &mut self,
        program: &Program,
        root: NodeId,
        accumulator: &mut A,
    ) {
        self.prepare(program, accumulator);
        self.descend(program, root, 1, accumulator);
    }

    /// Computes the step of every node in the accumulator's present regime.
    fn prepare<A: Accumulator>(&mut self, program: &Program, accumulator: &A) {
        self.steps.clear();
        for node in &program.nodes {
            let step = match node {
                Node::Block(block) => accumulator.step(block),
                Node::Sequence { first, end } => {
                    program.children(*first, *end).iter().fold(Step::NOTHING, |step, (child, count)| {
                        step.then(self.steps[*child as usize].times(*count))
                    })
                }
            };
            self.steps.push(step);
        }
    }

    fn follow<A: Accumulator>(&mut self, program: &Program, accumulator: &A, previous: &A) {
        if !accumulator.same_regime(previous) {
            self.prepare(program, accumulator);
        }
    }

    fn descend<A: Accumulator + Clone>(
        &mut self,
        program: &Program,
        node: NodeId,
        count: u64,
        accumulator: &mut A,
    ) {
        let tally = program.tally(node);
        let mut left = count;
        loop {
            let step = self.steps[node as usize];
            let times = accumulator.most_times(step, tally, left);
            if times > 0 {
                let previous = accumulator.clone();
                accumulator.apply(step, tally, times);
                self.follow(program, accumulator, &previous);
                left -= times;
            }
            if left == 0 {
                return;
            }
            match &program.nodes[node as usize] {
                Node::Block(block) => {
                    let previous = accumulator.clone();
                    accumulator.add(block);
                    self.follow(program, accumulator, &previous);
                }
                Node::Sequence { first, end } => {
                    for (child, count) in program.children(*first, *end) {
                        self.descend(program, *child, *count, accumulator);
                    }
                }
            }
            left -= 1;
        }
    }
}

/// The dynamic energy in J.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Energy(pub(crate) Sum);

impl Accumulator for Energy {
    fn step(&self, block: &Block) -> Step {
        let exponent = self.0.exponent();
        block
            .energies
            .iter()
            .filter(|term| **term != 0.0)
            .fold(Step::NOTHING, |step, term| step.then(Step::of(Decomposed::of(*term), exponent)))
    }

    fn add(&mut self, block: &Block) {
        for term in block.energies {
            self.0.add(term);
        }
    }

    fn most_times(&self, step: Step, _: &Tally, limit: u64) -> u64 {
        self.0.most_times(step, limit)
    }

    fn apply(&mut self, step: Step, _: &Tally, times: u64) {
        self.0.apply(step.times(times));
    }

    fn same_regime(&self, previous: &Energy) -> bool {
        self.0.exponent() == previous.0.exponent()
    }
}

/// The energy of one buffer in nJ, with its filling: loads insert chunks, then evict the oldest.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Buffer {
    pub(crate) sum: Sum,
    pub(crate) fill: Fill,
    /// nJ of one access.
    pub(crate) access_nj: f64,
    /// 0 for activations, 1 for weights.
    pub(crate) stream: usize,
}

impl Buffer {
    /// One load of `chunks`.
    pub(crate) fn load(&mut self, chunks: u64) {
        let evicted = self.fill.insert(chunks);
        self.sum.add(self.access_nj * chunks as f64);
        self.sum.add(self.access_nj * evicted as f64);
    }
}

impl Accumulator for Buffer {
    fn step(&self, block: &Block) -> Step {
        let chunks = block.tally.loads[self.stream].chunks;
        if chunks == 0 {
            return Step::NOTHING;
        }
        let inserted = Step::of(Decomposed::of(self.access_nj * chunks as f64), self.sum.exponent());
        if self.fill.is_full() { inserted.then(inserted) } else { inserted }
    }

    fn add(&mut self, block: &Block) {
        let chunks = block.tally.loads[self.stream].chunks;
        if chunks > 0 {
            self.load(chunks);
        }
    }

    fn most_times(&self, step: Step, tally: &Tally, limit: u64) -> u64 {
        let limit = self.fill.most_times(tally.loads[self.stream].chunks, limit);
        self.sum.most_times(step, limit)
    }

    fn apply(&mut self, step: Step, tally: &Tally, times: u64) {
        self.sum.apply(step.times(times));
        self.fill.insert(tally.loads[self.stream].chunks.saturating_mul(times));
    }

    fn same_regime(&self, previous: &Buffer) -> bool {
        self.sum.exponent() == previous.sum.exponent() && self.fill.is_full() == previous.fill.is_full()
    }
}
