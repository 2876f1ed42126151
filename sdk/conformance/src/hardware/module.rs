//! The suite of `accel-module`.

use super::work::{Growth, Tile, families, is_view};
use super::{MOST, counts, events, hardware, quantity};
use crate::check::{Check, Finding, Verdict, ensure, failed, warning};
use crate::rows::{self, Call};
use crate::subject::{Shown, Subject};
use codebench_api::{AccelModule, ErrorKind};
use codebench_model::{
    Activation, HardwareContext, MAX_EVENTS, ModuleFacts, Parameters, PrimitiveKind, Role, TileCost, TileWork,
};
use codebench_space::Rng;
use std::collections::BTreeSet;

pub(crate) const CHECKS: &[Check] = &[
    Check {
        name: "facts",
        promise: "Facts are finite, not negative, consistent, and the same at every call and in a fresh instance.",
        run: facts,
    },
    Check {
        name: "capabilities",
        promise: "Every primitive and activation that the facts list is accepted; others are refused as invalid.",
        run: capabilities,
    },
    Check {
        name: "units",
        promise: "Costs are no wrapped negative numbers; counts stand in declared events; only stages cause buffer traffic.",
        run: units,
    },
    Check { name: "rates", promise: "No tile is done faster than the facts' peak rates allow.", run: rates },
    Check {
        name: "determinism",
        promise: "A fresh instance with the same parameters gives the same costs.",
        run: determinism,
    },
    Check {
        name: "purity",
        promise: "Neither the order of the rows, nor their split into calls, nor repetition changes a cost.",
        run: purity,
    },
    Check {
        name: "monotonicity",
        promise: "More work never costs fewer cycles, events or bytes of traffic.",
        run: monotonicity,
    },
    Check {
        name: "scale",
        promise: "1 to 65,536 rows, and tiles of any size, are answered alike, in time linear in the rows.",
        run: scale,
    },
    Check { name: "threads", promise: "Several threads at once get the answers of one.", run: threads },
];

/// One instance with what it was made from and what it says of itself.
struct Module {
    parameters: Parameters,
    hardware: HardwareContext,
    module: Box<dyn AccelModule>,
    facts: ModuleFacts,
}

impl Module {
    fn cost(&self, works: &[TileWork], costs: &mut [TileCost]) -> Result<(), codebench_api::PluginError> {
        self.module.cost(works, costs)
    }

    fn one(&self, work: &TileWork) -> Result<TileCost, Finding> {
        let mut cost = [TileCost::default()];
        match self.cost(std::slice::from_ref(work), &mut cost) {
            Ok(()) => Ok(cost[0]),
            Err(e) => rows::refused(work, &e),
        }
    }

    /// Tiles of the roles and primitives that it serves; a role that it refuses is left to other modules of its sort.
    fn tiles(&self, rng: &mut Rng, each: usize) -> Result<Vec<Tile>, Finding> {
        let (mut tiles, mut refusal) = (Vec::new(), None);
        for (role, primitives) in families(&self.facts) {
            for primitive in primitives {
                let drawn: Vec<Tile> =
                    (0..each).map(|_| Tile::draw(role, primitive, &self.facts, rng)).collect();
                let first = drawn.first().map(|t| t.row(&self.facts, self.hardware));
                match first.map(|work| self.cost(&[work], &mut [TileCost::default()])) {
                    Some(Err(e)) if self.facts.primitives.is_empty() && e.kind == ErrorKind::Invalid => {
                        refusal = Some(format!("as {role}: {e}"));
                    }
                    _ => tiles.extend(drawn),
                }
            }
        }
        match refusal {
            Some(refusal) if tiles.is_empty() => failed(format!(
                "nothing that its facts suggest is accepted: list `primitives` for compute and vector, `capacity_bytes` \
                 for buffers, rates for DMA ({refusal})"
            )),
            _ => Ok(tiles),
        }
    }

    fn works(&self, rng: &mut Rng, each: usize) -> Result<Vec<TileWork>, Finding> {
        Ok(self.tiles(rng, each)?.iter().map(|t| t.row(&self.facts, self.hardware)).collect())
    }
}

fn make(
    subject: &Subject<'_>,
    parameters: &Parameters,
    hardware: HardwareContext,
) -> Result<Module, Finding> {
    match subject.catalog.accel_module(subject.id(), parameters, hardware) {
        Ok(module) => {
            let facts = module.facts();
            Ok(Module { parameters: parameters.clone(), hardware, module, facts })
        }
        Err(e) => failed(format!("with {} it cannot be made: {e}", Shown(parameters))),
    }
}

/// Runs `check` on instances with drawn parameters, on several clocks and words.
fn each(
    subject: &Subject<'_>,
    rng: &mut Rng,
    count: usize,
    mut check: impl FnMut(&Module, &mut Rng) -> Verdict,
) -> Verdict {
    let drawn = subject.drawn(rng, count)?;
    let instances =
        subject.instances(drawn, |p| subject.catalog.accel_module(subject.id(), p, hardware(0)))?;
    for (i, (parameters, _)) in instances.into_iter().enumerate() {
        let module = make(subject, &parameters, hardware(i))?;
        check(&module, rng).map_err(|finding| with(finding, &module))?;
    }
    Ok(())
}

/// The finding with the parameters of the instance.
fn with(finding: Finding, module: &Module) -> Finding {
    let add = |message: String| {
        let HardwareContext { clock_khz, word_bits } = module.hardware;
        format!("{message}\nwith {}, clock_khz {clock_khz}, word_bits {word_bits}", Shown(&module.parameters))
    };
    match finding {
        Finding::Failed(message) => Finding::Failed(add(message)),
        Finding::Warning(message) => Finding::Warning(add(message)),
        Finding::Skipped(message) => Finding::Skipped(message),
    }
}

fn facts(subject: &Subject<'_>, rng: &mut Rng) -> Verdict {
    each(subject, rng, 24, |module, _| {
        let facts = &module.facts;
        quantity("area_mm2", facts.area_mm2)?;
        quantity("leakage_mw", facts.leakage_mw)?;
        events(&facts.events)?;
        let primitives: BTreeSet<_> = facts.primitives.iter().collect();
        ensure(primitives.len() == facts.primitives.len(), || {
            format!("a primitive is listed twice: {:?}", facts.primitives)
        })?;
        if let Some(view) = facts.primitives.iter().find(|p| is_view(**p)) {
            return failed(format!(
                "primitive `{}` is a view: it costs nothing and no module runs it",
                view.name()
            ));
        }
        let lists = facts.primitives.contains(&PrimitiveKind::Activation);
        ensure(lists != facts.activations.is_empty(), || {
            format!(
                "primitives {:?} with activations {:?}: list both the primitive `activation` and its functions, or neither",
                facts.primitives, facts.activations
            )
        })?;
        ensure(module.module.facts() == *facts, || "a second call gives other facts".into())?;
        let fresh = make(subject, &module.parameters, module.hardware)?;
        ensure(fresh.facts == *facts, || "a fresh instance gives other facts".into())
    })
}

fn capabilities(subject: &Subject<'_>, rng: &mut Rng) -> Verdict {
    let mut undeclared = None;
    each(subject, rng, 6, |module, rng| {
        for tile in module.tiles(rng, 8)? {
            module.one(&tile.row(&module.facts, module.hardware))?;
        }
        for activation in &module.facts.activations {
            let only = ModuleFacts { activations: vec![*activation], ..module.facts.clone() };
            let tile = Tile::draw(Role::Vector, Some(PrimitiveKind::Activation), &only, rng);
            module.one(&tile.row(&only, module.hardware))?;
        }
        if !module.facts.primitives.is_empty() {
            undeclared = undeclared.take().or(accepts_undeclared(module, rng)?);
        }
        Ok(())
    })?;
    match undeclared {
        Some(name) => {
            warning(format!("`{name}`, which its facts do not list, is answered: refuse it as Invalid"))
        }
        None => Ok(()),
    }
}

/// A primitive or an activation that the facts do not list and that is answered all the same.
fn accepts_undeclared(module: &Module, rng: &mut Rng) -> Result<Option<String>, Finding> {
    let facts = &module.facts;
    let mut asked = Vec::new();
    for primitive in PrimitiveKind::ALL.into_iter().filter(|p| !is_view(*p) && !facts.primitives.contains(p))
    {
        let all = ModuleFacts { activations: vec![Activation::Relu], ..facts.clone() };
        asked.push((
            primitive.name(),
            Tile::draw(Role::Vector, Some(primitive), &all, rng).row(&all, module.hardware),
        ));
    }
    for (activation, name) in Activation::ALL.into_iter().filter(|(a, _)| !facts.activations.contains(a)) {
        let only = ModuleFacts { activations: vec![activation], ..facts.clone() };
        let tile = Tile::draw(Role::Vector, Some(PrimitiveKind::Activation), &only, rng);
        if facts.primitives.contains(&PrimitiveKind::Activation) {
            asked.push((name, tile.row(&only, module.hardware)));
        }
    }
    for (name, work) in asked {
        match module.cost(&[work], &mut [TileCost::default()]) {
            Ok(()) => return Ok(Some(name.to_owned())),
            Err(e) => ensure(e.kind == ErrorKind::Invalid && !e.message.is_empty(), || {
                format!(
                    "`{name}` is refused as {:?} ({e}): refuse it as Invalid, and say what is accepted",
                    e.kind
                )
            })?,
        }
    }
    Ok(None)
}

fn units(subject: &Subject<'_>, rng: &mut Rng) -> Verdict {
    each(subject, rng, 12, |module, rng| {
        for work in module.works(rng, 32)? {
            let cost = module.one(&work)?;
            sane(&work, &cost, &module.facts)?;
        }
        Ok(())
    })
}

fn sane(work: &TileWork, cost: &TileCost, facts: &ModuleFacts) -> Verdict {
    let traffic = traffic(cost);
    for (name, value) in
        [("busy_cycles", cost.busy_cycles), ("fill_cycles", cost.fill_cycles)].into_iter().chain(traffic)
    {
        ensure(value < MOST, || {
            format!("{name} = {value} of {work:?}: a negative number that wrapped around?")
        })?;
    }
    if work.primitive == 0 {
        let caused = traffic.into_iter().find(|(_, bytes)| *bytes > 0);
        ensure(caused.is_none(), || {
            format!("{caused:?} of {work:?}: buffers and DMA cause no buffer traffic")
        })?;
    }
    counts(&cost.events, &facts.events).or_else(|finding| match finding {
        Finding::Failed(message) => failed(format!("{message} (for {work:?})")),
        other => Err(other),
    })
}

fn traffic(cost: &TileCost) -> [(&'static str, u64); 5] {
    [
        ("activation_read_bytes", cost.activation_read_bytes),
        ("activation_write_bytes", cost.activation_write_bytes),
        ("weight_read_bytes", cost.weight_read_bytes),
        ("mask_read_bytes", cost.mask_read_bytes),
        ("mask_write_bytes", cost.mask_write_bytes),
    ]
}

fn rates(subject: &Subject<'_>, rng: &mut Rng) -> Verdict {
    each(subject, rng, 12, |module, rng| {
        let facts = &module.facts;
        for work in module.works(rng, 32)? {
            let cost = module.one(&work)?;
            let limits = [
                ("peak_macs_per_cycle", facts.peak_macs_per_cycle, work.effective_macs, "MACs"),
                ("read_bytes_per_cycle", facts.read_bytes_per_cycle, work.read_bytes, "bytes read"),
                ("write_bytes_per_cycle", facts.write_bytes_per_cycle, work.write_bytes, "bytes written"),
            ];
            for (name, rate, amount, what) in limits {
                let applies = rate > 0 && (work.primitive == 0) != (name == "peak_macs_per_cycle");
                let possible = u128::from(cost.busy_cycles) * u128::from(rate);
                ensure(!applies || u128::from(amount) <= possible, || {
                    format!(
                        "{amount} {what} in {} busy cycles are more than {name} = {rate} allows (for {work:?})",
                        cost.busy_cycles
                    )
                })?;
            }
        }
        Ok(())
    })
}

fn determinism(subject: &Subject<'_>, rng: &mut Rng) -> Verdict {
    each(subject, rng, 6, |module, rng| {
        let works = module.works(rng, 64)?;
        let call: Call<'_, _, _> = &|w: &[TileWork], c: &mut [TileCost]| module.cost(w, c);
        let expected = rows::costs(call, &works, &TileCost::default())?;
        let fresh = make(subject, &module.parameters, module.hardware)?;
        let again: Call<'_, _, _> = &|w: &[TileWork], c: &mut [TileCost]| fresh.cost(w, c);
        rows::same(
            &works,
            &rows::costs(again, &works, &TileCost::default())?,
            &expected,
            "from a fresh instance",
        )
    })
}

fn purity(subject: &Subject<'_>, rng: &mut Rng) -> Verdict {
    each(subject, rng, 4, |module, rng| {
        let works = module.works(rng, 64)?;
        let dirty = TileCost {
            busy_cycles: 7,
            fill_cycles: 7,
            activation_read_bytes: 7,
            activation_write_bytes: 7,
            weight_read_bytes: 7,
            mask_read_bytes: 7,
            mask_write_bytes: 7,
            events: [7; MAX_EVENTS],
        };
        rows::purity(&|w, c| module.cost(w, c), &works, (&TileCost::default(), &dirty), rng)
    })
}

fn monotonicity(subject: &Subject<'_>, rng: &mut Rng) -> Verdict {
    each(subject, rng, 12, |module, rng| {
        for tile in module.tiles(rng, 24)? {
            let (facts, hardware) = (&module.facts, module.hardware);
            let work = tile.row(facts, hardware);
            let cost = module.one(&work)?;
            for growth in Growth::ALL {
                let Some(more) = tile.grown(growth, rng) else { continue };
                let more = more.row(facts, hardware);
                let grown = module.one(&more)?;
                let fewer = fewer(&cost, &grown, facts);
                ensure(fewer.is_empty(), || {
                    format!(
                        "more work costs fewer {} ({growth:?} grew):\n{work:?}\n{more:?}",
                        fewer.join(", ")
                    )
                })?;
            }
        }
        Ok(())
    })
}

/// What `grown` has less of than `cost`.
fn fewer(cost: &TileCost, grown: &TileCost, facts: &ModuleFacts) -> Vec<String> {
    let all = |c: &TileCost| {
        let cycles =
            [("busy_cycles", c.busy_cycles), ("busy_cycles + fill_cycles", c.busy_cycles + c.fill_cycles)];
        let events = facts.events.iter().zip(c.events).map(|(e, count)| (e.name.clone(), count));
        let fixed = cycles.into_iter().chain(traffic(c)).map(|(name, value)| (name.to_owned(), value));
        fixed.chain(events).collect::<Vec<_>>()
    };
    let pairs = all(cost).into_iter().zip(all(grown));
    pairs.filter(|(a, b)| b.1 < a.1).map(|(a, b)| format!("{} ({} after {})", a.0, b.1, a.1)).collect()
}

fn scale(subject: &Subject<'_>, rng: &mut Rng) -> Verdict {
    let mut slow = None;
    // The base and the extremes: what grows with a parameter shows there.
    each(subject, rng, 0, |module, rng| {
        for tile in module.tiles(rng, 4)? {
            let work = tile.huge().row(&module.facts, module.hardware);
            sane(&work, &module.one(&work)?, &module.facts)?;
        }
        let works = module.works(rng, 64)?;
        match rows::sizes(&|w, c| module.cost(w, c), &works, &TileCost::default()) {
            Err(Finding::Warning(message)) => slow = Some(message),
            other => other?,
        }
        Ok(())
    })?;
    slow.map_or(Ok(()), warning)
}

fn threads(subject: &Subject<'_>, rng: &mut Rng) -> Verdict {
    each(subject, rng, 1, |module, rng| {
        let works = module.works(rng, 64)?;
        let call: Call<'_, _, _> = &|w: &[TileWork], c: &mut [TileCost]| module.cost(w, c);
        rows::threads(
            &|| Ok((rows::costs(call, &works, &TileCost::default())?, module.module.facts())),
            "costs",
        )
    })
}
