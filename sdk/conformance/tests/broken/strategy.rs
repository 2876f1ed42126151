use crate::{Case, all_noticed, info, outcome, passes};
use codebench_api::{Entry, Kind, Maker, PluginError, Strategy, StrategyContext, Tell};
use codebench_conformance::Status::{Crashed, Failed, Warning};
use codebench_model::{Genotype, Status};
use codebench_space::{Points, Rng};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::ThreadId;

struct Fake {
    fault: Fault,
    context: StrategyContext,
    points: Points,
    rng: Rng,
    told: usize,
    home: ThreadId,
}

type Fault = fn(&mut Fake, Event<'_>) -> Result<(), PluginError>;

/// Where a fault may strike: a proposal may be changed before it is given, a tell may be refused.
enum Event<'a> {
    Asked(&'a mut Vec<Genotype>),
    Told(&'a [Tell]),
}

/// Calls of all instances.
static CALLS: AtomicU64 = AtomicU64::new(0);

impl Strategy for Fake {
    fn start(&mut self, _: &StrategyContext) -> Result<(), PluginError> {
        Ok(())
    }

    fn ask(&mut self, count: usize) -> Result<Vec<Genotype>, PluginError> {
        CALLS.fetch_add(1, Ordering::Relaxed);
        let mut asked = (0..count).map(|_| self.points.sample(&mut self.rng)).collect();
        (self.fault)(self, Event::Asked(&mut asked))?;
        Ok(asked)
    }

    fn tell(&mut self, outcomes: &[Tell]) -> Result<(), PluginError> {
        (self.fault)(self, Event::Told(outcomes))?;
        self.told += outcomes.len();
        Ok(())
    }
}

fn fake(fault: Fault) -> Entry {
    let make = move |_: &codebench_api::Configuration<'_>, context: &StrategyContext| {
        let points = Points::new(&context.space).map_err(|e| PluginError::invalid(e.to_string()))?;
        let rng = Rng::new(context.seed, 0);
        let home = std::thread::current().id();
        Ok(Box::new(Fake { fault, context: context.clone(), points, rng, told: 0, home })
            as Box<dyn Strategy>)
    };
    crate::entry(info(), Maker::Strategy(Arc::new(make)))
}

/// Changes the first index of every proposal.
fn shift(asked: &mut [Genotype], by: u64) {
    for Genotype(indices) in asked {
        if let Some(first) = indices.first_mut() {
            *first = (*first + by as u32) % 2;
        }
    }
}

#[test]
fn a_sound_strategy_passes() {
    passes(fake(|_, _| Ok(())));
}

#[test]
fn every_check_can_fail() {
    fn on_ask(event: Event<'_>, change: impl FnOnce(&mut Vec<Genotype>)) -> Result<(), PluginError> {
        if let Event::Asked(asked) = event {
            change(asked);
        }
        Ok(())
    }
    let cases: Vec<Case> = vec![
        (
            fake(|_, e| on_ask(e, |a| a.push(Genotype(vec![])))),
            "proposals",
            Failed,
            "ask(0) gave 1 candidates",
        ),
        (fake(|_, e| on_ask(e, |a| a.clear())), "proposals", Failed, "gave nothing"),
        (
            fake(|_, e| on_ask(e, |a| a.iter_mut().for_each(|g| g.0.push(0)))),
            "proposals",
            Failed,
            "indices for",
        ),
        (
            fake(|_, e| on_ask(e, |a| a.iter_mut().for_each(|g| g.0[1] = 99))),
            "proposals",
            Failed,
            "index 99 is none",
        ),
        (
            fake(|_, e| on_ask(e, |a| shift(a, CALLS.load(Ordering::Relaxed) / 3))),
            "determinism",
            Failed,
            "replayed from the same seed",
        ),
        (
            fake(|f, e| {
                let shared = CALLS.load(Ordering::Relaxed);
                on_ask(e, |a| {
                    // The first call of a run resets the count, as a counter shared by all instances would be.
                    if f.told == 0 {
                        CALLS.store(0, Ordering::Relaxed);
                    } else {
                        shift(a, u64::from(shared as usize != f.told / 5));
                    }
                })
            }),
            "isolation",
            Failed,
            "beside another instance",
        ),
        (
            fake(|_, e| match e {
                Event::Told(o) if o.iter().any(|t| t.status == Status::Failed) => {
                    Err(PluginError::failed("a failure"))
                }
                _ => Ok(()),
            }),
            "outcomes",
            Failed,
            "is an error: a failure",
        ),
        (
            fake(|f, e| match e {
                Event::Told(o) if o.first().is_some_and(|t| t.trial as usize != f.told) => {
                    Err(PluginError::failed("out of order"))
                }
                _ => Ok(()),
            }),
            "outcomes",
            Failed,
            "out of order",
        ),
        (
            fake(|f, _| match f.context.objectives {
                1 => Ok(()),
                more => Err(PluginError::invalid(format!("{more} objectives"))),
            }),
            "objectives",
            Failed,
            "3 objectives",
        ),
        (
            fake(|f, e| on_ask(e, |_| assert!(f.context.space.choices.len() > 1))),
            "objectives",
            Crashed,
            "panicked",
        ),
        (fake(|_, e| on_ask(e, |a| assert!(a.len() < 200))), "scale", Crashed, "panicked"),
        (
            fake(|f, e| {
                let away = std::thread::current().id() != f.home;
                on_ask(e, |a| shift(a, away.into()))
            }),
            "threads",
            Failed,
            "from changing threads",
        ),
    ];
    all_noticed(Kind::Strategy, cases);
}

#[test]
fn time_that_grows_faster_than_the_candidates_is_a_warning() {
    let slow = fake(|f, e| {
        if let Event::Asked(asked) = e
            && asked.len() > 100
            && f.context.space.cnn.is_none()
        {
            std::thread::sleep(std::time::Duration::from_millis(400));
        }
        Ok(())
    });
    assert_eq!(outcome(slow, "scale").status, Warning);
}
