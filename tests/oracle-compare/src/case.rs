//! A case: everything that both simulators get.

use crate::network::network;
use crate::{Machine, Random};
use codebench_model::hardware::{Densities, FusedWorkload, LayerPlan, LoopOrder};
use codebench_model::{Role, TileSize, Workload};
use codebench_oracle::{Deviation, Failure, Outcome, Problem, fuse, simulate};

/// What a seed makes.
#[derive(Debug, Clone)]
pub struct Case {
    /// The seed.
    pub seed: u64,
    /// The network.
    pub workload: Workload,
    /// The same, fused by the oracle.
    pub fused: FusedWorkload,
    /// The accelerator.
    pub machine: Machine,
    /// One plan per fused layer.
    pub plans: Vec<LayerPlan>,
    /// Shares of words that are not zero.
    pub densities: Densities,
    /// Images per inference.
    pub batch: u64,
}

/// What a case is made to exercise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// Everything, on small maps.
    Mixed,
    /// Layers of many small tiles.
    Tiled,
    /// Many images, one or two a tile: blocks that repeat.
    Batched,
}

fn extent(random: &mut Random, whole: u64, style: Style) -> u64 {
    if style == Style::Tiled {
        return random.from(1, whole.div_ceil(6));
    }
    match random.from(0, 3) {
        0 => 0,
        1 => random.from(1, whole + 2),
        _ => random.from(whole.div_ceil(3), whole),
    }
}

fn plan(random: &mut Random, fused: &FusedWorkload, layer: usize, batch: u64, style: Style) -> LayerPlan {
    let layer = &fused.layers[layer];
    let output = fused.storages[layer.output].shape;
    let tile = TileSize {
        batch: if style == Style::Batched { random.from(1, 2) } else { extent(random, batch, Style::Mixed) },
        y: extent(random, output.height, style),
        x: extent(random, output.width, style),
        in_channels: extent(random, layer.inputs[0].shape.channels, Style::Mixed),
        out_channels: extent(random, output.channels, Style::Mixed),
    };
    LayerPlan { tile, order: random.pick(&[LoopOrder::ActivationsOuter, LoopOrder::WeightsOuter]) }
}

fn density(random: &mut Random) -> u64 {
    match random.from(0, 19) {
        0 => 0,
        1 | 2 => 1_000_000,
        3 => 500_000,
        _ => random.from(1, 1_000_000),
    }
}

/// A network whose slices all fall on whole channels.
fn fusable(random: &mut Random, style: Style) -> (Workload, FusedWorkload) {
    loop {
        let workload = network(random, style);
        if let Ok(fused) = fuse(&workload) {
            return (workload, fused);
        }
    }
}

/// Seeds to run: those of `ORACLE_CASES` cases, by default `count`, or `ORACLE_SEED` alone.
pub fn cases(count: u64) -> std::ops::Range<u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    match number("ORACLE_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("ORACLE_CASES").unwrap_or(count),
    }
}

impl Case {
    /// The case of a seed; buffers grow until the network fits, in most cases.
    pub fn new(seed: u64) -> Self {
        let random = &mut Random::new(seed);
        let style = match random.from(0, 99) {
            0..=7 => Style::Tiled,
            8..=22 => Style::Batched,
            _ => Style::Mixed,
        };
        let (workload, fused) = fusable(random, style);
        let machine = Machine::random(random, style);
        let batch = machine.batch();
        let densities = Densities {
            activation_ppm: fused.storages.iter().map(|_| density(random)).collect(),
            weight_ppm: fused.layers.iter().map(|_| density(random)).collect(),
            overlap_ppm: density(random),
        };
        let plans = (0..fused.layers.len()).map(|layer| plan(random, &fused, layer, batch, style)).collect();
        let mut case = Case { seed, workload, fused, machine, plans, densities, batch };
        if !random.chance(5) {
            case.grow(random);
        }
        case
    }

    /// Grows what is too small, mostly as little as needed.
    fn grow(&mut self, random: &mut Random) {
        let slack = random.pick(&[0, 0, 0, 40, 300]);
        loop {
            let (role, need) = match self.plan_only() {
                Some(Failure::ActivationBuffer { need, .. }) => (Role::ActivationBuffer, need),
                Some(Failure::MaskBuffer { need, .. }) => (Role::MaskBuffer, need),
                Some(Failure::WeightBuffer { need, .. }) => (Role::WeightBuffer, need),
                _ => return,
            };
            self.machine.grow(role, need + slack);
        }
    }

    /// What is wrong before the first tick.
    fn plan_only(&self) -> Option<Failure> {
        self.with_problem(codebench_oracle::check).err()
    }

    fn with_problem<T>(&self, run: impl FnOnce(&Problem<'_>) -> Result<T, Failure>) -> Result<T, Failure> {
        let accelerator = self.machine.for_oracle().map_err(Failure::Refused)?;
        run(&Problem {
            fused: &self.fused,
            accelerator: &accelerator,
            plans: &self.plans,
            densities: &self.densities,
            batch: self.batch,
        })
    }

    /// The oracle's answer.
    pub fn oracle(&self, deviation: Option<Deviation>) -> Result<Outcome, Failure> {
        self.with_problem(|problem| simulate(problem, deviation))
    }
}
