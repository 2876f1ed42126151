use crate::{Case, all_noticed, info, passes};
use codebench_api::{AccelModule, Catalog, Entry, Kind, Maker, PluginError};
use codebench_conformance::Status::{Crashed, Failed, Warning};
use codebench_conformance::{Options, checks, run_check};
use codebench_model::{
    Activation, Cause, EventFacts, ModuleFacts, ParameterDescription, ParameterValue, Parameters,
    PrimitiveKind, TileCost, TileWork,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What a fake sees of its surroundings.
struct Seen {
    /// Rows answered before, by this instance.
    before: u64,
    /// Rows of this call, and the index of this one.
    rows: usize,
    index: usize,
    /// Number of the instance.
    instance: u64,
    /// Calls that run at this moment.
    running: u64,
}

type Cost = fn(&TileWork, &mut TileCost, &Seen) -> Result<(), PluginError>;
type Facts = fn(&mut ModuleFacts, u64);

struct Fake {
    facts: Facts,
    cost: Cost,
    calls: AtomicU64,
    answered: AtomicU64,
    running: AtomicU64,
    instance: u64,
}

static INSTANCES: AtomicU64 = AtomicU64::new(0);

impl AccelModule for Fake {
    fn facts(&self) -> ModuleFacts {
        let mut facts = ModuleFacts {
            area_mm2: 0.5,
            leakage_mw: 1.0,
            primitives: vec![PrimitiveKind::Conv, PrimitiveKind::Dense, PrimitiveKind::Activation],
            activations: vec![Activation::Relu],
            peak_macs_per_cycle: 64,
            events: vec![EventFacts::new("mac", Cause::Mac, 0.1)],
            ..ModuleFacts::default()
        };
        (self.facts)(&mut facts, self.calls.fetch_add(1, Ordering::Relaxed));
        facts
    }

    fn cost(&self, works: &[TileWork], costs: &mut [TileCost]) -> Result<(), PluginError> {
        let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        let result = works.iter().zip(costs).enumerate().try_for_each(|(index, (work, cost))| {
            sound(work, cost)?;
            let before = self.answered.fetch_add(1, Ordering::Relaxed);
            let seen = Seen { before, rows: works.len(), index, instance: self.instance, running };
            (self.cost)(work, cost, &seen)
        });
        self.running.fetch_sub(1, Ordering::SeqCst);
        result
    }
}

/// 64 multiply-accumulates, or as many elements, a cycle.
fn sound(work: &TileWork, cost: &mut TileCost) -> Result<(), PluginError> {
    let kind = PrimitiveKind::of_code(work.primitive);
    let relu = kind == Some(PrimitiveKind::Activation) && work.activation == Activation::Relu.code();
    if !relu && !matches!(kind, Some(PrimitiveKind::Conv | PrimitiveKind::Dense)) {
        return Err(PluginError::invalid(format!("primitive {}: give conv, dense or relu", work.primitive)));
    }
    let elements = work.batch * work.out_channels * work.out_y * work.out_x;
    let amount = work.macs.max(elements);
    *cost =
        TileCost { busy_cycles: amount.div_ceil(64), weight_read_bytes: work.macs, ..TileCost::default() };
    cost.events[0] = amount;
    Ok(())
}

fn fake(facts: Facts, cost: Cost) -> Entry {
    let info = info().parameters(vec![ParameterDescription::integer("rows", 1, 8, 4, "Rows of the array.")]);
    let make = move |_: &codebench_api::Configuration<'_>| {
        let instance = INSTANCES.fetch_add(1, Ordering::Relaxed);
        let zero = || AtomicU64::new(0);
        let fake = Fake { facts, cost, calls: zero(), answered: zero(), running: zero(), instance };
        Ok(Box::new(fake) as Box<dyn AccelModule>)
    };
    crate::entry(info, Maker::AccelModule(Arc::new(make)))
}

fn facts(change: Facts) -> Entry {
    fake(change, |_, _, _| Ok(()))
}

fn cost(change: Cost) -> Entry {
    fake(|_, _| {}, change)
}

#[test]
fn a_sound_module_passes() {
    passes(cost(|_, _, _| Ok(())));
}

#[test]
fn every_check_can_fail() {
    let cases: Vec<Case> = vec![
        (facts(|f, _| f.area_mm2 = -1.0), "facts", Failed, "area_mm2 = -1"),
        (facts(|f, _| f.leakage_mw = f64::NAN), "facts", Failed, "leakage_mw = NaN"),
        (facts(|f, _| f.events = vec![f.events[0].clone(); 9]), "facts", Failed, "9 events"),
        (facts(|f, _| f.events.push(f.events[0].clone())), "facts", Failed, "declared twice"),
        (facts(|f, _| f.events[0].energy_pj = f64::INFINITY), "facts", Failed, "energy_pj"),
        (facts(|f, _| f.events[0].name = "Busy cycle".into()), "facts", Failed, "`Busy cycle`"),
        (facts(|f, _| f.primitives.push(PrimitiveKind::Conv)), "facts", Failed, "listed twice"),
        (facts(|f, _| f.primitives.push(PrimitiveKind::Flatten)), "facts", Failed, "is a view"),
        (facts(|f, _| f.activations.clear()), "facts", Failed, "or neither"),
        (facts(|f, calls| f.area_mm2 += calls as f64), "facts", Failed, "a second call"),
        (
            facts(|f, _| f.primitives.push(PrimitiveKind::MaxPool)),
            "capabilities",
            Failed,
            "is refused (Invalid)",
        ),
        (facts(|f, _| f.activations.push(Activation::Tanh)), "capabilities", Failed, "is refused (Invalid)"),
        (
            facts(|f, _| {
                f.primitives.clear();
                f.activations.clear();
                f.capacity_bytes = 1024;
            }),
            "capabilities",
            Failed,
            "nothing that its facts suggest is accepted",
        ),
        (
            facts(|f, _| {
                let _ = f.primitives.remove(1);
            }),
            "capabilities",
            Warning,
            "`dense`",
        ),
        (
            cost(|_, c, _| {
                c.busy_cycles = u64::MAX;
                Ok(())
            }),
            "units",
            Failed,
            "wrapped",
        ),
        (
            cost(|_, c, _| {
                c.events[0] = u64::MAX - 3;
                Ok(())
            }),
            "units",
            Failed,
            "event `mac`",
        ),
        (
            cost(|_, c, _| {
                c.events[3] = 1;
                Ok(())
            }),
            "units",
            Failed,
            "events[3] = 1, but only 1",
        ),
        (
            cost(|_, c, _| {
                c.busy_cycles /= 2;
                Ok(())
            }),
            "rates",
            Failed,
            "peak_macs_per_cycle = 64",
        ),
        (
            cost(|_, c, s| {
                c.fill_cycles = s.instance;
                Ok(())
            }),
            "determinism",
            Failed,
            "from a fresh instance",
        ),
        (
            cost(|_, c, s| {
                c.fill_cycles = s.before;
                Ok(())
            }),
            "purity",
            Failed,
            "instead of",
        ),
        (
            cost(|_, c, s| {
                c.fill_cycles = s.rows as u64;
                Ok(())
            }),
            "purity",
            Failed,
            "asked alone",
        ),
        (
            cost(|_, c, s| {
                c.fill_cycles = s.index as u64;
                Ok(())
            }),
            "purity",
            Failed,
            "asked alone",
        ),
        (
            cost(|w, c, _| {
                c.busy_cycles += 100 / w.out_channels;
                Ok(())
            }),
            "monotonicity",
            Failed,
            "busy_cycles",
        ),
        (
            cost(|w, c, _| {
                c.events[0] %= 1 + w.batch;
                Ok(())
            }),
            "monotonicity",
            Failed,
            "fewer mac",
        ),
        (
            cost(|w, c, _| {
                c.mask_read_bytes = 100 / w.out_y;
                Ok(())
            }),
            "monotonicity",
            Failed,
            "mask_read_bytes",
        ),
        (
            cost(|w, c, _| {
                c.fill_cycles = w.macs % 1000;
                Ok(())
            }),
            "monotonicity",
            Failed,
            "fill_cycles",
        ),
        (
            cost(|w, c, _| {
                c.fill_cycles = u64::from(u32::try_from(w.macs).unwrap());
                Ok(())
            }),
            "scale",
            Crashed,
            "panicked",
        ),
        (
            cost(|_, _, _| Err(PluginError::panicked("no rows"))),
            "purity",
            Crashed,
            "the plugin panicked: no rows",
        ),
        (
            cost(|_, _, _| Err(PluginError::trapped("unreachable", ""))),
            "purity",
            Crashed,
            "it trapped (unreachable)",
        ),
        (
            cost(|_, _, s| match s.rows {
                1000.. => Err(PluginError::limit("too many rows")),
                _ => Ok(()),
            }),
            "scale",
            Failed,
            "too many rows",
        ),
        (
            cost(|_, c, s| {
                std::thread::sleep(std::time::Duration::from_micros(10));
                c.fill_cycles = u64::from(s.running > 1);
                Ok(())
            }),
            "threads",
            Failed,
            "several threads",
        ),
    ];
    all_noticed(Kind::AccelModule, cases);
}

#[test]
fn time_that_grows_faster_than_the_rows_is_a_warning() {
    let slow = cost(|_, _, s| {
        if s.rows > 5000 && s.index == 0 {
            std::thread::sleep(std::time::Duration::from_millis(400));
        }
        Ok(())
    });
    let mut catalog = Catalog::default();
    catalog.add(slow).unwrap();
    let check = checks(Kind::AccelModule).into_iter().find(|c| c.name == "scale").unwrap();
    // One instance is enough.
    let parameters = Parameters::from([("rows".to_owned(), ParameterValue::Integer(4))]);
    let options = Options { parameters, ..Options::default() };
    let outcome = run_check(&catalog, crate::ID, check, &options).unwrap();
    assert_eq!(outcome.status, Warning, "{outcome:?}");
}
