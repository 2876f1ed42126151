//! The suite of `strategy`.

use crate::check::{Check, Finding, Verdict, ensure, failed, warning};
use crate::rows;
use crate::subject::{Shown, Subject};
use codebench_api::{Strategy, StrategyContext, Tell};
use codebench_model::{Genotype, Parameters, Space, Status};
use codebench_space::{Encoding, Points, Rng, SpaceDescription};

pub(crate) const CHECKS: &[Check] = &[
    Check {
        name: "proposals",
        promise: "An ask gives at most as many candidates as asked for, each with one valid index per choice.",
        run: proposals,
    },
    Check {
        name: "determinism",
        promise: "A fresh instance with the same seed, given the same log of calls, proposes the same.",
        run: determinism,
    },
    Check {
        name: "isolation",
        promise: "Instances share no state: another one that runs between the calls changes nothing.",
        run: isolation,
    },
    Check {
        name: "outcomes",
        promise: "Failed and infeasible trials, tells in any order and several outstanding asks are no errors.",
        run: outcomes,
    },
    Check {
        name: "objectives",
        promise: "Several objectives, constant objectives and a space of one point are no errors.",
        run: objectives,
    },
    Check {
        name: "scale",
        promise: "Asks of 1 to 256 candidates are answered, in time that grows no worse than linearly.",
        run: scale,
    },
    Check { name: "threads", promise: "The thread that calls changes nothing.", run: threads },
];

/// Rounds and asks per round of a log.
const ROUNDS: usize = 4;
const ASKED: usize = 5;

fn space(text: &str) -> Result<Space, Finding> {
    let compiled = toml::from_str::<SpaceDescription>(text).map_err(|e| e.to_string());
    match compiled.and_then(|description| description.compile().map_err(|e| e.to_string())) {
        Ok(space) => Ok(space),
        Err(e) => failed(format!("a space of the suite does not compile: {e}")),
    }
}

/// An accelerator with conditions; a pair of CNN and accelerator.
fn spaces() -> Result<Vec<Space>, Finding> {
    Ok(vec![space(include_str!("../data/accelerator.toml"))?, space(include_str!("../data/pair.toml"))?])
}

fn make(
    subject: &Subject<'_>,
    parameters: &Parameters,
    space: &Space,
    seed: u64,
    objectives: usize,
) -> Result<Box<dyn Strategy>, Finding> {
    let context = StrategyContext { space: space.clone(), seed, objectives };
    match subject.catalog.strategy(subject.id(), parameters, &context) {
        Ok(strategy) => Ok(strategy),
        Err(e) => failed(format!("space `{}` with {}: it cannot start: {e}", space.name, Shown(parameters))),
    }
}

fn each(
    subject: &Subject<'_>,
    rng: &mut Rng,
    mut check: impl FnMut(&Parameters, &Space, &mut Rng) -> Verdict,
) -> Verdict {
    for parameters in subject.variants(rng, 3)? {
        for space in spaces()? {
            check(&parameters, &space, rng).map_err(|finding| match finding {
                Finding::Failed(m) => {
                    Finding::Failed(format!("{m}\non space `{}` with {}", space.name, Shown(&parameters)))
                }
                other => other,
            })?;
        }
    }
    Ok(())
}

fn ask(strategy: &mut dyn Strategy, count: usize) -> Result<Vec<Genotype>, Finding> {
    strategy.ask(count).or_else(|e| failed(format!("ask({count}) is an error ({:?}): {e}", e.kind)))
}

fn tell(strategy: &mut dyn Strategy, outcomes: &[Tell]) -> Verdict {
    strategy
        .tell(outcomes)
        .or_else(|e| failed(format!("a tell of {} outcomes is an error: {e}", outcomes.len())))
}

/// Outcomes as a study would tell them: repaired, and with objectives that are a function of the candidate alone.
fn judge(
    space: &Space,
    asked: Vec<Genotype>,
    first_trial: usize,
    objectives: usize,
) -> Result<Vec<Tell>, Finding> {
    let points = Points::new(space).or_else(|e| failed(e.to_string()))?;
    let encoding = Encoding::new(space);
    let tells = asked.into_iter().enumerate().map(|(i, genotype)| {
        let genotype =
            points.repair(&genotype).or_else(|e| failed(format!("{genotype:?} cannot be repaired: {e}")))?;
        let x = encoding.encode(space, &genotype);
        let distance: f64 = x.iter().enumerate().map(|(j, x)| (x - 0.3) * (x - 0.3) / (j + 1) as f64).sum();
        let trial = (first_trial + i) as u64;
        let status = [Status::Ok, Status::Ok, Status::Infeasible, Status::Ok, Status::Failed][i % 5];
        let values = (0..objectives)
            .map(|m| 1.0 - distance * (m + 1) as f64 + m as f64 * x.first().copied().unwrap_or(0.0));
        Ok(Tell {
            trial,
            genotype,
            status,
            objectives: if status == Status::Ok { values.collect() } else { Vec::new() },
            violation: if status == Status::Infeasible { 1.0 } else { 0.0 },
        })
    });
    tells.collect()
}

/// Proposals of a whole run, round by round.
fn run(strategy: &mut dyn Strategy, space: &Space, objectives: usize) -> Result<Vec<Vec<Genotype>>, Finding> {
    let mut rounds = Vec::new();
    for round in 0..ROUNDS {
        let asked = ask(strategy, ASKED)?;
        valid(space, &asked, ASKED)?;
        tell(strategy, &judge(space, asked.clone(), round * ASKED, objectives)?)?;
        rounds.push(asked);
    }
    Ok(rounds)
}

fn valid(space: &Space, asked: &[Genotype], count: usize) -> Verdict {
    ensure(asked.len() <= count, || format!("ask({count}) gave {} candidates", asked.len()))?;
    for Genotype(indices) in asked {
        ensure(indices.len() == space.choices.len(), || {
            format!("a candidate has {} indices for {} choices", indices.len(), space.choices.len())
        })?;
        let odd = indices.iter().zip(&space.choices).find(|(i, choice)| **i as usize >= choice.values.len());
        if let Some((index, choice)) = odd {
            return failed(format!(
                "choice `{}` has {} values; index {index} is none",
                choice.name,
                choice.values.len()
            ));
        }
    }
    Ok(())
}

fn proposals(subject: &Subject<'_>, rng: &mut Rng) -> Verdict {
    each(subject, rng, |parameters, space, rng| {
        let mut strategy = make(subject, parameters, space, rng.word(), 1)?;
        valid(space, &ask(strategy.as_mut(), 0)?, 0)?;
        let first = ask(strategy.as_mut(), 3)?;
        ensure(!first.is_empty(), || {
            "the first ask(3) gave nothing: a fresh strategy is not exhausted".into()
        })?;
        valid(space, &first, 3)?;
        let mut strategy = make(subject, parameters, space, rng.word(), 1)?;
        run(strategy.as_mut(), space, 1).map(drop)
    })
}

fn determinism(subject: &Subject<'_>, rng: &mut Rng) -> Verdict {
    each(subject, rng, |parameters, space, rng| {
        let seed = rng.word();
        let first = run(make(subject, parameters, space, seed, 1)?.as_mut(), space, 1)?;
        let second = run(make(subject, parameters, space, seed, 1)?.as_mut(), space, 1)?;
        same(&first, &second, "replayed from the same seed and log")
    })
}

fn same(first: &[Vec<Genotype>], second: &[Vec<Genotype>], how: &str) -> Verdict {
    let odd = first.iter().zip(second).position(|(a, b)| a != b);
    ensure(odd.is_none(), || {
        let i = odd.unwrap_or_default();
        format!("{how}, round {i} proposes {:?} instead of {:?}", second[i], first[i])
    })
}

fn isolation(subject: &Subject<'_>, rng: &mut Rng) -> Verdict {
    each(subject, rng, |parameters, space, rng| {
        let (seed, other) = (rng.word(), rng.word());
        let alone = run(make(subject, parameters, space, seed, 1)?.as_mut(), space, 1)?;
        let mut strategy = make(subject, parameters, space, seed, 1)?;
        let mut disturber = make(subject, parameters, space, other, 1)?;
        let mut beside = Vec::new();
        for round in 0..ROUNDS {
            let disturbing = ask(disturber.as_mut(), 3)?;
            let asked = ask(strategy.as_mut(), ASKED)?;
            tell(disturber.as_mut(), &judge(space, disturbing, round * 3, 1)?)?;
            tell(strategy.as_mut(), &judge(space, asked.clone(), round * ASKED, 1)?)?;
            beside.push(asked);
        }
        same(&alone, &beside, "beside another instance")
    })
}

fn outcomes(subject: &Subject<'_>, rng: &mut Rng) -> Verdict {
    each(subject, rng, |parameters, space, rng| {
        let mut strategy = make(subject, parameters, space, rng.word(), 1)?;
        // Two asks outstanding; tells of a part, backwards, one by one; everything failed.
        let first = judge(space, ask(strategy.as_mut(), 4)?, 0, 1)?;
        let second = judge(space, ask(strategy.as_mut(), 4)?, 4, 1)?;
        for outcome in second.iter().rev() {
            tell(strategy.as_mut(), std::slice::from_ref(outcome))?;
        }
        tell(strategy.as_mut(), &[])?;
        let failed: Vec<Tell> = first
            .into_iter()
            .map(|t| Tell { status: Status::Failed, objectives: Vec::new(), violation: 0.0, ..t })
            .collect();
        tell(strategy.as_mut(), &failed)?;
        valid(space, &ask(strategy.as_mut(), 3)?, 3)
    })
}

fn objectives(subject: &Subject<'_>, rng: &mut Rng) -> Verdict {
    each(subject, rng, |parameters, space, rng| {
        run(make(subject, parameters, space, rng.word(), 3)?.as_mut(), space, 3)?;
        let mut strategy = make(subject, parameters, space, rng.word(), 1)?;
        for round in 0..ROUNDS {
            let mut told = judge(space, ask(strategy.as_mut(), ASKED)?, round * ASKED, 1)?;
            told.iter_mut().flat_map(|t| t.objectives.iter_mut()).for_each(|y| *y = 0.5);
            tell(strategy.as_mut(), &told)?;
        }
        Ok(())
    })?;
    let point = space("name = \"one point\"\n[accelerator]\npib = 1\n")?;
    for parameters in subject.variants(rng, 1)? {
        run(make(subject, &parameters, &point, 0, 1)?.as_mut(), &point, 1)?;
    }
    Ok(())
}

fn scale(subject: &Subject<'_>, rng: &mut Rng) -> Verdict {
    let mut slow = None;
    each(subject, rng, |parameters, space, rng| {
        let linear = rows::linear(&[1, 16, 64, 256], "candidates", |count| {
            let seed = rng.word();
            let first = || ask(make(subject, parameters, space, seed, 1)?.as_mut(), count);
            let (asked, time) = rows::timed(first)?;
            valid(space, &asked, count)?;
            Ok(time)
        });
        match linear {
            Err(Finding::Warning(message)) => slow = Some(message),
            other => other?,
        }
        Ok(())
    })?;
    slow.map_or(Ok(()), warning)
}

fn threads(subject: &Subject<'_>, rng: &mut Rng) -> Verdict {
    each(subject, rng, |parameters, space, rng| {
        let seed = rng.word();
        let here = run(make(subject, parameters, space, seed, 1)?.as_mut(), space, 1)?;
        let mut strategy = make(subject, parameters, space, seed, 1)?;
        let mut moved = Vec::new();
        for round in 0..ROUNDS {
            let strategy = strategy.as_mut();
            let work = move || {
                let asked = ask(strategy, ASKED)?;
                tell(strategy, &judge(space, asked.clone(), round * ASKED, 1)?)?;
                Ok(asked)
            };
            moved.push(match std::thread::scope(|scope| scope.spawn(work).join()) {
                Ok(asked) => asked?,
                Err(panic) => {
                    return failed(format!(
                        "panicked on another thread: {}",
                        crate::check::text_of(panic.as_ref())
                    ));
                }
            });
        }
        same(&here, &moved, "called from changing threads")
    })
}
