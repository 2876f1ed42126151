//! An accelerator that can be asked: its modules made, its roles and facts checked.

mod facts;
mod memo;
mod parts;
mod resolve;

use super::error::{CycleError, LayerRef};
use codebench_api::{ErrorKind, Memory, PluginError};
use codebench_model::{
    Activation, HardwareContext, LoopPolicy, MemoryFacts, ModuleFacts, PrimitiveKind, Role, TilePolicy,
    TransferCost, TransferProfile,
};
pub(crate) use memo::{CostMemo, FastHasher, FastMap};
pub use parts::Parts;
use std::sync::Arc;

/// A module and its facts.
#[derive(Clone)]
pub struct Module {
    /// What it is for.
    pub role: Role,
    /// Id of its plugin.
    pub plugin: String,
    /// Position in the file, from 0.
    pub position: usize,
    /// What it states about itself.
    pub facts: ModuleFacts,
    pub(crate) costs: Arc<CostMemo>,
}

/// The main memory and its facts.
#[derive(Clone)]
pub struct MainMemory {
    /// Id of its plugin.
    pub plugin: String,
    /// Position in the file, from 0.
    pub position: usize,
    /// What it states about itself.
    pub facts: MemoryFacts,
    pub(crate) instance: Arc<dyn Memory>,
}

/// Indices into [`Machine::modules`] by role.
#[derive(Debug, Clone, Default)]
pub(crate) struct Roles {
    pub(crate) activation_buffer: usize,
    pub(crate) weight_buffer: usize,
    pub(crate) mask_buffer: Option<usize>,
    pub(crate) dma: Vec<usize>,
    pub(crate) dataflow: Vec<usize>,
    pub(crate) pre_sparsity: Vec<usize>,
    pub(crate) post_sparsity: Vec<usize>,
}

/// An accelerator, ready to be simulated.
#[derive(Clone)]
pub struct Machine {
    /// For people.
    pub name: String,
    /// Clock and word.
    pub context: HardwareContext,
    /// Images per inference.
    pub batch: u64,
    /// Whether the next tile is loaded while one is computed.
    pub double_buffer: bool,
    /// How tiles are found.
    pub tile: TilePolicy,
    /// How the order of the loops over tiles is found.
    pub loop_order: LoopPolicy,
    /// All modules but the memory, in file order.
    pub modules: Vec<Module>,
    /// The memory.
    pub memory: MainMemory,
    pub(crate) roles: Roles,
    /// Whether modules and memory are asked anew for what they have answered before.
    pub(crate) forgetful: bool,
}

impl Module {
    /// How messages call it: `3 (compute, codebench/mac-lanes)`, counted from 1.
    pub fn label(&self) -> String {
        format!("{} ({}, {})", self.position + 1, self.role, self.plugin)
    }

    fn accepts(&self, primitive: PrimitiveKind, activation: Option<Activation>) -> bool {
        let function = activation.is_none_or(|a| self.facts.activations.contains(&a));
        self.facts.primitives.contains(&primitive) && function
    }
}

impl MainMemory {
    /// How messages call it.
    pub fn label(&self) -> String {
        format!("{} (memory, {})", self.position + 1, self.plugin)
    }

    /// Costs of transfers.
    pub(crate) fn cost(
        &self,
        profiles: &[TransferProfile],
        costs: &mut [TransferCost],
        layer: &LayerRef,
    ) -> Result<(), CycleError> {
        let failed = |source| CycleError::Cost { layer: layer.clone(), module: self.label(), source };
        self.instance.cost(profiles, costs).map_err(failed)?;
        let wrapped = |cost: &&TransferCost| {
            cost.bus_mem_cycles > memo::MOST_CYCLES || cost.first_byte_mem_cycles > memo::MOST_CYCLES
        };
        match costs.iter().find(wrapped) {
            None => Ok(()),
            Some(cost) => Err(failed(PluginError {
                kind: ErrorKind::Contract,
                message: format!(
                    "bus_mem_cycles = {} and first_byte_mem_cycles = {}: one is beyond 2^63, perhaps a negative number",
                    cost.bus_mem_cycles, cost.first_byte_mem_cycles
                ),
            })),
        }
    }
}

impl Machine {
    /// The same accelerator, whose modules and memory are asked for every tile and transfer that is followed. Answers are pure, so
    /// that no result differs: this shows what keeping them saves.
    pub fn without_memo(&self) -> Machine {
        let mut machine = self.clone();
        machine.forgetful = true;
        for module in &mut machine.modules {
            module.costs = Arc::new(module.costs.forgetful());
        }
        machine
    }

    /// Whether tensors are stored compressed.
    pub fn compressed(&self) -> bool {
        self.roles.mask_buffer.is_some()
    }

    /// Capacities of activation, weight and mask buffer, bytes.
    pub(crate) fn capacities(&self) -> [u64; 3] {
        let capacity = |index: usize| self.modules[index].facts.capacity_bytes;
        [
            capacity(self.roles.activation_buffer),
            capacity(self.roles.weight_buffer),
            self.roles.mask_buffer.map_or(0, capacity),
        ]
    }

    /// The first module, over the roles compute and vector, that runs the primitive.
    pub(crate) fn main_module(
        &self,
        primitive: PrimitiveKind,
        activation: Option<Activation>,
    ) -> Option<usize> {
        self.find(primitive, activation, &[Role::Compute, Role::Vector])
    }

    /// The first vector module that runs the fused operation.
    pub(crate) fn vector_module(
        &self,
        primitive: PrimitiveKind,
        activation: Option<Activation>,
    ) -> Option<usize> {
        self.find(primitive, activation, &[Role::Vector])
    }

    fn find(
        &self,
        primitive: PrimitiveKind,
        activation: Option<Activation>,
        roles: &[Role],
    ) -> Option<usize> {
        self.modules.iter().position(|m| roles.contains(&m.role) && m.accepts(primitive, activation))
    }
}
