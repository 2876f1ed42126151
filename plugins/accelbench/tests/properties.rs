//! Promises of every module and memory, on random parameters and rows. A failure prints the seed that repeats it.

#![allow(clippy::unwrap_used, clippy::panic)]

use codebench_accelbench::PLUGINS;
use codebench_sdk::api::{Catalog, Entry};
use codebench_sdk::prelude::*;
use codebench_sdk::space::Rng;
use proptest::prelude::*;

fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    catalog.add_all("here", PLUGINS).unwrap();
    catalog
}

fn of_kind(catalog: &Catalog, kind: Kind) -> Vec<Entry> {
    catalog.entries().filter(|e| e.kind() == kind).cloned().collect()
}

/// A number from 0 to `2^bits`, small ones as likely as large ones.
fn number(rng: &mut Rng, bits: u64) -> u64 {
    let top = rng.below(bits + 1);
    rng.below(1 << top.min(63))
}

/// Values within the description; small extents are more likely than large ones.
fn parameters(entry: &Entry, rng: &mut Rng) -> Parameters {
    let mut parameters = Parameters::new();
    for description in &entry.info.parameters {
        // Only multiples of a burst are allowed, which the description cannot say.
        if description.name == "interleave_bytes" || rng.below(4) == 0 {
            continue;
        }
        let value = match &description.domain {
            Domain::Integer { min, max } => {
                let span = (max - min + 1).unsigned_abs();
                let offset = number(rng, u64::from(span.ilog2())).min(span - 1);
                ParameterValue::Integer(min + offset as i64)
            }
            Domain::Float { min, max } => {
                ParameterValue::Float(min + (max - min) * (rng.below(1001) as f64 / 1000.0))
            }
            Domain::Choice { values } => ParameterValue::Text(values[rng.index(values.len())].clone()),
            Domain::Boolean => ParameterValue::Boolean(rng.below(2) == 0),
            Domain::Text => continue,
        };
        parameters.insert(description.name.clone(), value);
    }
    parameters
}

fn hardware(rng: &mut Rng) -> HardwareContext {
    HardwareContext { clock_khz: 1 + number(rng, 24), word_bits: 1 + rng.below(64) }
}

/// What an engine may ask, as independent quantities; [`Tile::row`] derives the rest.
#[derive(Debug, Clone, Copy)]
struct Tile {
    primitive: PrimitiveKind,
    activation: u64,
    /// batch, out per group, y, x, in per group, kernel y, kernel x, groups, operands.
    extents: [u64; 9],
    stride: u64,
    /// 1 if partial sums of an earlier tile are read.
    partial: u64,
    /// 1 if the sums are complete.
    last: u64,
    /// activations, weights, overlap.
    densities: [u64; 3],
    compressed: bool,
}

impl Tile {
    fn draw(facts: &ModuleFacts, rng: &mut Rng) -> Tile {
        let primitive = match facts.primitives.is_empty() {
            true => [PrimitiveKind::Conv, PrimitiveKind::Dense][rng.index(2)],
            false => facts.primitives[rng.index(facts.primitives.len())],
        };
        let activation = match facts.activations.is_empty() {
            true => 0,
            false => facts.activations[rng.index(facts.activations.len())].code(),
        };
        let mut extents = [0; 9].map(|_| 1 + number(rng, 6));
        extents[5] = 1 + rng.below(7);
        extents[6] = 1 + rng.below(7);
        if primitive == PrimitiveKind::Dense {
            [2, 3, 5, 6, 7].iter().for_each(|i: &usize| extents[*i] = 1);
        }
        let density = |rng: &mut Rng| if rng.below(3) == 0 { 1_000_000 } else { rng.below(1_000_001) };
        Tile {
            primitive,
            activation,
            extents,
            stride: 1 + rng.below(3),
            partial: rng.below(2),
            last: rng.below(2),
            densities: [density(rng), density(rng), density(rng)],
            compressed: rng.below(2) == 0,
        }
    }

    /// One of the extents or densities larger, or finished instead of partial sums.
    fn grown(mut self, rng: &mut Rng) -> Tile {
        match rng.below(13) {
            n @ 0..=8 => {
                let fixed = self.primitive == PrimitiveKind::Dense && [2, 3, 5, 6, 7].contains(&n);
                if !fixed {
                    self.extents[n as usize] += 1 + number(rng, 5);
                }
            }
            n @ 9..=11 => {
                let density = &mut self.densities[n as usize - 9];
                *density += rng.below(1_000_001 - *density);
            }
            _ => self.last = 1,
        }
        self
    }

    fn row(&self, facts: &ModuleFacts, word_bits: u64) -> TileWork {
        let [batch, out, y, x, input, kernel_y, kernel_x, groups, operands] = self.extents;
        let product = matches!(self.primitive, PrimitiveKind::Conv | PrimitiveKind::Dense);
        let out_channels = out * groups;
        let in_channels = if product { input * groups } else { out_channels };
        let (in_y, in_x) = ((y - 1) * self.stride + kernel_y, (x - 1) * self.stride + kernel_x);
        let macs = if product { batch * y * x * out_channels * input * kernel_y * kernel_x } else { 0 };
        // The modules around the array see the effective MACs of an array that skips.
        let skips = facts.primitives.is_empty() || facts.skips_zero_weights;
        let share: u128 = self.densities.iter().map(|d| u128::from(*d)).product();
        let effective = (u128::from(macs) * share).div_ceil(10u128.pow(18)) as u64;
        let words = operands * batch * in_channels * in_y * in_x;
        TileWork {
            primitive: self.primitive.code(),
            activation: self.activation,
            batch,
            out_channels,
            out_y: y,
            out_x: x,
            in_channels,
            in_y,
            in_x,
            groups,
            kernel_y,
            kernel_x,
            stride_y: self.stride,
            stride_x: self.stride,
            dilation_y: 1,
            dilation_x: 1,
            operands,
            first_input_tile: 1 - self.partial,
            last_input_tile: self.last,
            macs,
            effective_macs: if skips { effective } else { macs },
            activation_density_ppm: self.densities[0],
            weight_density_ppm: self.densities[1],
            overlap_ppm: self.densities[2],
            read_bytes: (words * word_bits).div_ceil(8),
            write_bytes: (batch * out_channels * y * x * word_bits).div_ceil(8),
            mask_bytes: if self.compressed { words.div_ceil(8) } else { 0 },
            ..TileWork::default()
        }
    }
}

fn amounts(cost: &TileCost) -> Vec<u64> {
    let mut amounts = vec![
        cost.busy_cycles,
        cost.fill_cycles,
        cost.activation_read_bytes,
        cost.activation_write_bytes,
        cost.weight_read_bytes,
        cost.mask_read_bytes,
        cost.mask_write_bytes,
    ];
    amounts.extend(cost.events);
    amounts
}

fn one(module: &dyn AccelModule, work: TileWork) -> TileCost {
    let mut costs = [TileCost { busy_cycles: 99, events: [99; MAX_EVENTS], ..TileCost::default() }];
    module.cost(&[work], &mut costs).unwrap();
    costs[0]
}

/// Any number, most often a small one.
fn some(rng: &mut Rng) -> u64 {
    let bits = [2, 8, 20, 63][rng.index(4)];
    number(rng, bits)
}

/// A row of arbitrary numbers, most of them small.
fn anything(rng: &mut Rng) -> TileWork {
    let mut field = || some(rng);
    TileWork {
        role: field(),
        primitive: field() % 20,
        activation: field() % 12,
        batch: field(),
        out_channels: field(),
        out_y: field(),
        out_x: field(),
        in_channels: field(),
        in_y: field(),
        in_x: field(),
        groups: field(),
        kernel_y: field(),
        kernel_x: field(),
        stride_y: field(),
        stride_x: field(),
        dilation_y: field(),
        dilation_x: field(),
        operands: field(),
        first_input_tile: field(),
        last_input_tile: field(),
        macs: field(),
        effective_macs: field(),
        activation_density_ppm: field() % 1_000_002,
        weight_density_ppm: field() % 1_000_002,
        overlap_ppm: field() % 1_000_002,
        read_bytes: field(),
        write_bytes: field(),
        mask_bytes: field(),
        weight_bytes: field(),
        same_weights: field() % 2,
        variant: field() % 4,
    }
}

fn sound(events: &[EventFacts]) -> bool {
    events.len() <= MAX_EVENTS && events.iter().all(|e| e.energy_pj.is_finite() && e.energy_pj >= 0.0)
}

fn finite(values: &[f64]) -> bool {
    values.iter().all(|v| v.is_finite() && *v >= 0.0)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn facts_are_finite_and_never_negative(seed in any::<u64>()) {
        let (catalog, mut rng) = (catalog(), Rng::new(seed, 0));
        for entry in of_kind(&catalog, Kind::AccelModule) {
            let given = parameters(&entry, &mut rng);
            let module = catalog.accel_module(&entry.info.id, &given, hardware(&mut rng)).unwrap();
            let facts = module.facts();
            prop_assert!(finite(&[facts.area_mm2, facts.leakage_mw]), "{} {given:?}: {facts:?}", entry.info.id);
            prop_assert!(sound(&facts.events), "{} {given:?}: {facts:?}", entry.info.id);
            prop_assert_eq!(module.facts(), facts);
        }
        for entry in of_kind(&catalog, Kind::Memory) {
            let given = parameters(&entry, &mut rng);
            let facts = catalog.memory(&entry.info.id, &given, hardware(&mut rng)).unwrap().facts();
            prop_assert!(finite(&[facts.area_mm2, facts.leakage_mw, facts.background_mw]), "{facts:?}");
            prop_assert!(sound(&facts.events) && sound(facts.refresh_event.as_slice()), "{facts:?}");
            prop_assert!(facts.row_bytes % facts.burst_bytes == 0 && facts.row_bytes % facts.interleave_bytes == 0);
        }
    }

    #[test]
    fn more_work_never_costs_less(seed in any::<u64>()) {
        let (catalog, mut rng) = (catalog(), Rng::new(seed, 1));
        for entry in of_kind(&catalog, Kind::AccelModule) {
            let given = parameters(&entry, &mut rng);
            let hardware = hardware(&mut rng);
            let module = catalog.accel_module(&entry.info.id, &given, hardware).unwrap();
            let facts = module.facts();
            for _ in 0..8 {
                let tile = Tile::draw(&facts, &mut rng);
                let more = tile.grown(&mut rng);
                let [less, more] = [tile, more].map(|t| t.row(&facts, hardware.word_bits));
                let (a, b) = (one(&*module, less), one(&*module, more));
                prop_assert!(
                    amounts(&a).iter().zip(amounts(&b)).all(|(a, b)| *a <= b),
                    "{} {given:?} {hardware:?}\n{less:?}\n{a:?}\n{more:?}\n{b:?}", entry.info.id
                );
                if less.macs > 0 && facts.peak_macs_per_cycle > 0 {
                    prop_assert!(
                        u128::from(a.busy_cycles) * u128::from(facts.peak_macs_per_cycle) >= less.effective_macs.into(),
                        "faster than its peak: {less:?} {a:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn arbitrary_rows_are_answered_or_refused_and_the_split_into_calls_changes_nothing(seed in any::<u64>()) {
        let (catalog, mut rng) = (catalog(), Rng::new(seed, 2));
        for entry in of_kind(&catalog, Kind::AccelModule) {
            let given = parameters(&entry, &mut rng);
            let module = catalog.accel_module(&entry.info.id, &given, hardware(&mut rng)).unwrap();
            let mut answered = Vec::new();
            for _ in 0..16 {
                let work = anything(&mut rng);
                let mut cost = [TileCost::default()];
                match module.cost(&[work], &mut cost) {
                    Ok(()) => answered.push((work, cost[0])),
                    Err(e) => prop_assert!(e.message.contains('`'), "names no field: {e}"),
                }
            }
            answered.reverse();
            let works: Vec<_> = answered.iter().map(|(work, _)| *work).collect();
            let mut costs = vec![TileCost { busy_cycles: 7, ..TileCost::default() }; works.len()];
            module.cost(&works, &mut costs).unwrap();
            prop_assert!(costs.iter().eq(answered.iter().map(|(_, cost)| cost)), "{}", entry.info.id);
        }
    }

    #[test]
    fn more_bytes_never_cost_less(seed in any::<u64>()) {
        let (catalog, mut rng) = (catalog(), Rng::new(seed, 3));
        for entry in of_kind(&catalog, Kind::Memory) {
            let given = parameters(&entry, &mut rng);
            let memory = catalog.memory(&entry.info.id, &given, hardware(&mut rng)).unwrap();
            let cost = |profile: TransferProfile| {
                let mut costs = [TransferCost { bus_mem_cycles: 99, events: [99; MAX_EVENTS], ..TransferCost::default() }];
                memory.cost(&[profile], &mut costs).unwrap();
                costs[0]
            };
            let (runs, run_bytes) = (1 + number(&mut rng, 12), 1 + number(&mut rng, 20));
            let mut profile = TransferProfile {
                direction: rng.below(2),
                bytes: runs * run_bytes,
                runs,
                run_bytes,
                row_hits: number(&mut rng, 8),
                row_activates: number(&mut rng, 8),
                row_conflicts: number(&mut rng, 8),
                banks: 1 + number(&mut rng, 8),
            };
            for _ in 0..8 {
                let mut more = profile;
                match rng.below(5) {
                    0 => more.run_bytes += number(&mut rng, 10),
                    1 => more.runs += number(&mut rng, 10),
                    2 => more.row_hits += number(&mut rng, 6),
                    3 => more.row_activates += number(&mut rng, 6),
                    _ => more.row_conflicts += number(&mut rng, 6),
                }
                more.bytes = more.runs * more.run_bytes;
                let (a, b) = (cost(profile), cost(more));
                prop_assert!(
                    a.bus_mem_cycles <= b.bus_mem_cycles && a.first_byte_mem_cycles <= b.first_byte_mem_cycles
                        && a.events.iter().zip(b.events).all(|(a, b)| *a <= b),
                    "{}: {profile:?} {a:?} {more:?} {b:?}", entry.info.id
                );
                let facts = memory.facts();
                prop_assert!(
                    u128::from(a.events[1] + a.events[2]) * u128::from(facts.burst_bytes) >= profile.bytes.into(),
                    "fewer bursts than bytes: {profile:?} {a:?}"
                );
                profile = more;
            }
        }
    }

    #[test]
    fn arbitrary_transfers_are_answered_or_refused(seed in any::<u64>()) {
        let (catalog, mut rng) = (catalog(), Rng::new(seed, 4));
        for entry in of_kind(&catalog, Kind::Memory) {
            let given = parameters(&entry, &mut rng);
            let memory = catalog.memory(&entry.info.id, &given, hardware(&mut rng)).unwrap();
            let mut field = || some(&mut rng);
            let profile = TransferProfile {
                direction: field() % 3,
                bytes: field(),
                runs: field(),
                run_bytes: field(),
                row_hits: field(),
                row_activates: field(),
                row_conflicts: field(),
                banks: field(),
            };
            if let Err(e) = memory.cost(&[profile], &mut [TransferCost::default()]) {
                prop_assert!(e.message.contains('`'), "names no field: {e}");
            }
        }
    }
}
