//! A second simulator of the cycle model, written from `docs/src/cycle-model.md` alone and made to be read rather than to be
//! fast: it lists every tile, region, address, residency and transfer, then advances one clock at a time. The engine of
//! `codebench-sim` must agree with it in every task and every count; `tests/oracle-compare` compares them.
//!
//! It never imports the engine. A [`Deviation`] breaks one rule on purpose, to prove that the comparison would notice.

mod clock;
mod coverage;
mod deviation;
mod fusion;
mod geometry;
mod layout;
mod modules;
mod outcome;
mod residency;
mod sizes;
mod tasks;
mod transfer;

pub use coverage::Coverage;
pub use deviation::Deviation;
pub use fusion::fuse;
pub use outcome::{Failure, LayerTotals, Outcome, TaskKind, TaskRecord};

use codebench_api::{AccelModule, Memory};
use codebench_model::hardware::{Densities, FusedWorkload, LayerPlan};
use codebench_model::{MemoryFacts, ModuleFacts, Role};

/// An accelerator whose modules are made: all but the memory, in file order.
pub struct Accelerator {
    /// The accelerator's clock.
    pub clock_khz: u64,
    /// Bits of a word.
    pub word_bits: u64,
    /// Whether the next tile is loaded while one is computed.
    pub double_buffer: bool,
    /// The main memory.
    pub memory: Box<dyn Memory>,
    /// Every other module with its role, in file order.
    pub modules: Vec<(Role, Box<dyn AccelModule>)>,
}

/// What is simulated.
pub struct Problem<'a> {
    /// The layers.
    pub fused: &'a FusedWorkload,
    /// What runs them.
    pub accelerator: &'a Accelerator,
    /// One plan per layer.
    pub plans: &'a [LayerPlan],
    /// Shares of words that are not zero.
    pub densities: &'a Densities,
    /// Images per inference.
    pub batch: u64,
}

/// A problem with the facts of its modules at hand.
struct Model<'a> {
    problem: &'a Problem<'a>,
    memory: MemoryFacts,
    facts: Vec<ModuleFacts>,
    deviation: Option<Deviation>,
}

impl<'a> Model<'a> {
    fn new(problem: &'a Problem<'a>, deviation: Option<Deviation>) -> Self {
        let facts = problem.accelerator.modules.iter().map(|(_, module)| module.facts()).collect();
        Model { problem, memory: problem.accelerator.memory.facts(), facts, deviation }
    }

    /// Whether a rule is broken on purpose.
    fn deviates(&self, deviation: Deviation) -> bool {
        self.deviation == Some(deviation)
    }

    /// Modules of a role, in file order.
    fn of_role(&self, role: Role) -> impl Iterator<Item = usize> + '_ {
        let modules = self.problem.accelerator.modules.iter().enumerate();
        modules.filter(move |(_, (r, _))| *r == role).map(|(index, _)| index)
    }

    /// Whether data are stored compressed.
    fn compressed(&self) -> bool {
        self.of_role(Role::MaskBuffer).next().is_some()
    }
}

/// Simulates one inference, breaking one rule if a deviation is given.
pub fn simulate(problem: &Problem<'_>, deviation: Option<Deviation>) -> Result<Outcome, Failure> {
    let model = Model::new(problem, deviation);
    let layers = modules::assign(&model)?;
    let tiles = geometry::tiles(&model);
    let plan = residency::plan(&model, &tiles)?;
    let layout = layout::place(&model, &plan)?;
    let tasks = tasks::list(&model, &tiles, &plan, &layout);
    clock::run(&model, &layers, &tiles, &plan, tasks)
}

/// What is wrong with a problem before its first tick.
pub fn check(problem: &Problem<'_>) -> Result<(), Failure> {
    let model = Model::new(problem, None);
    modules::assign(&model)?;
    let plan = residency::plan(&model, &geometry::tiles(&model))?;
    layout::place(&model, &plan).map(|_| ())
}
