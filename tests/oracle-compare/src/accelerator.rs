//! Random accelerators.

use crate::{Random, StubMemory, StubModule};
use codebench_model::{Activation, ModuleFacts, PrimitiveKind, Role};
use codebench_oracle::Accelerator;

/// An accelerator as data, from which both simulators build theirs.
#[derive(Debug, Clone)]
pub struct Machine {
    /// The accelerator's clock.
    pub clock_khz: u64,
    /// Bits of a word.
    pub word_bits: u64,
    /// Whether the next tile is loaded while one is computed.
    pub double_buffer: bool,
    /// Main memory.
    pub memory: StubMemory,
    /// Every other module, in file order.
    pub modules: Vec<(Role, StubModule)>,
}

const ACTIVATIONS: [Activation; 3] = [Activation::Relu, Activation::Silu, Activation::Sigmoid];

fn runs(kinds: &[PrimitiveKind]) -> ModuleFacts {
    ModuleFacts { primitives: kinds.to_vec(), activations: ACTIVATIONS.to_vec(), ..ModuleFacts::default() }
}

/// A module of one of the roles that run layers.
fn runner(random: &mut Random, role: Role, kinds: &[PrimitiveKind]) -> (Role, StubModule) {
    let slow = random.pick(&[8, 24, 64]);
    let skips = role == Role::Compute && random.chance(60);
    let facts = ModuleFacts {
        peak_macs_per_cycle: 16,
        skips_zero_activations: skips && random.chance(70),
        skips_zero_weights: skips && random.chance(70),
        ..runs(kinds)
    };
    (role, StubModule::random(random, facts, slow))
}

fn plain(random: &mut Random, role: Role, capacity_bytes: u64) -> (Role, StubModule) {
    let facts = ModuleFacts {
        capacity_bytes,
        read_bytes_per_cycle: 16,
        write_bytes_per_cycle: 16,
        ..ModuleFacts::default()
    };
    let slow = random.pick(&[4, 16, 48]);
    (role, StubModule::random(random, facts, slow))
}

impl Machine {
    /// A random accelerator; its buffers are small and may have to grow.
    pub fn random(random: &mut Random) -> Self {
        let clock_khz = random.pick(&[500_000, 700_000, 1_000_000, 333_333]);
        let memory_khz = random.pick(&[500_000, 800_000, 1_200_000, 266_667]);
        let mut modules = Vec::new();
        let capacity = |random: &mut Random| random.pick(&[64, 64, 64, 200, 500, 2000]);
        for role in [Role::ActivationBuffer, Role::WeightBuffer, Role::MaskBuffer] {
            if role != Role::MaskBuffer || random.chance(50) {
                let bytes = capacity(random);
                modules.push(plain(random, role, bytes));
            }
        }
        for _ in 0..random.from(1, 2) {
            modules.push(plain(random, Role::Dma, 0));
        }
        for role in [Role::Dataflow, Role::Dataflow, Role::PreSparsity, Role::PostSparsity] {
            if random.chance(40) {
                modules.push(plain(random, role, 0));
            }
        }
        modules.push(runner(random, Role::Compute, &[PrimitiveKind::Conv, PrimitiveKind::Dense]));
        if random.chance(30) {
            let kinds = random.pick(&[
                vec![PrimitiveKind::Dense],
                vec![PrimitiveKind::Add, PrimitiveKind::Conv],
                vec![PrimitiveKind::MaxPool],
            ]);
            modules.push(runner(random, Role::Compute, &kinds));
        }
        let all: Vec<PrimitiveKind> = PrimitiveKind::ALL.to_vec();
        let (fused, rest): (Vec<_>, Vec<_>) = all.into_iter().partition(|kind| {
            matches!(kind, PrimitiveKind::BatchNorm | PrimitiveKind::Activation | PrimitiveKind::Add)
        });
        let rest: Vec<PrimitiveKind> = rest
            .into_iter()
            .filter(|kind| !matches!(kind, PrimitiveKind::Conv | PrimitiveKind::Dense))
            .collect();
        modules.push(runner(random, Role::Vector, &rest));
        if random.chance(50) {
            modules.push(runner(random, Role::Vector, &fused));
        } else {
            for kind in fused {
                modules.push(runner(random, Role::Vector, &[kind]));
            }
        }
        random.shuffle(&mut modules);
        Machine {
            clock_khz,
            word_bits: random.pick(&[1, 8, 13, 16, 20, 32]),
            double_buffer: random.chance(75),
            memory: StubMemory::random(random, memory_khz),
            modules,
        }
    }

    /// The oracle's form of it.
    pub fn for_oracle(&self) -> Accelerator {
        let boxed = |(role, module): &(Role, StubModule)| -> (Role, Box<dyn codebench_api::AccelModule>) {
            (*role, Box::new(module.clone()))
        };
        Accelerator {
            clock_khz: self.clock_khz,
            word_bits: self.word_bits,
            double_buffer: self.double_buffer,
            memory: Box::new(self.memory.clone()),
            modules: self.modules.iter().map(boxed).collect(),
        }
    }

    /// Makes a buffer larger.
    pub fn grow(&mut self, role: Role, need: u64) {
        for (_, module) in self.modules.iter_mut().filter(|(r, _)| *r == role) {
            module.facts.capacity_bytes = module.facts.capacity_bytes.max(need);
        }
    }
}
