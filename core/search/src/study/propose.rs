//! Asking for a batch: the study removes duplicates and fills gaps.

use super::strategist::Strategist;
use super::{Study, note_failures};
use crate::error::SearchError;
use crate::observer::Observer;
use crate::store::{Asked, BatchEnd, Origin};
use codebench_api::PluginError;
use codebench_model::Genotype;
use codebench_space::{BigUint, Points, Rng};
use std::collections::BTreeSet;
use std::time::Instant;

/// How often a strategy that repeats itself is asked again for the missing candidates.
const RE_ASKS: usize = 10;
/// Streams of random numbers for samples by the study; strategies use the lower ones.
const SAMPLE_STREAM: u64 = 1 << 63;
/// Draws of a uniform sample before the rest of the space is searched in order.
const DRAWS: usize = 1000;

/// Candidates of one batch.
struct Proposals {
    fresh: Vec<(Genotype, Origin)>,
    end: Option<BatchEnd>,
}

impl Study<'_> {
    /// Asks for the next batch and commits it.
    pub(super) fn propose(&mut self, batch: u64, observer: &mut dyn Observer) -> Result<(), SearchError> {
        let first = self.asks.len() as u64;
        let budget = self.setup.experiment.budget;
        let left = self.setup.points.count() - BigUint::from(self.seen.len());
        let wanted = budget.batch.min(budget.trials - first);
        let wanted = u64::try_from(&left).map_or(wanted, |left| left.min(wanted));
        let start = self.strategist.calls();
        let mut proposals = Proposals { fresh: Vec::new(), end: None };
        let clock = Instant::now();
        let asked = self.ask(batch, usize::try_from(wanted).unwrap_or(usize::MAX), &mut proposals);
        let seconds = clock.elapsed().as_secs_f64();
        if let Err(error) = asked {
            self.store.commit_calls(self.strategist.calls_since(start))?;
            return Err(error);
        }
        if left == BigUint::from(proposals.fresh.len()) {
            proposals.end = Some(BatchEnd::Exhausted);
        }
        let asked: Vec<Asked> = (first..)
            .zip(proposals.fresh)
            .map(|(trial, (genotype, origin))| Asked { trial, batch, genotype, origin })
            .collect();
        let calls = self.strategist.calls_since(start);
        self.store.commit_batch(batch, calls, &asked, proposals.end)?;
        note_failures(calls, observer);
        self.seen.extend(asked.iter().map(|a| a.genotype.clone()));
        self.asks.extend(asked);
        self.batches.push((batch, proposals.end));
        self.note_time(batch, "ask_s", seconds)?;
        Ok(())
    }

    fn ask(&mut self, batch: u64, wanted: usize, proposals: &mut Proposals) -> Result<(), SearchError> {
        let mut taken = BTreeSet::new();
        for _ in 0..=RE_ASKS {
            let missing = wanted - proposals.fresh.len();
            if missing == 0 {
                return Ok(());
            }
            let Some(repaired) = ask_repaired(&mut self.strategist, &self.setup.points, batch, missing)?
            else {
                self.strategist.check()?;
                break;
            };
            let all = repaired.len() == missing;
            for genotype in repaired {
                if !self.seen.contains(&genotype) && taken.insert(genotype.clone()) {
                    proposals.fresh.push((genotype, Origin::Strategy));
                }
            }
            if !all {
                proposals.end = Some(BatchEnd::StrategyDone);
                return Ok(());
            }
        }
        while proposals.fresh.len() < wanted {
            let trial = (self.asks.len() + proposals.fresh.len()) as u64;
            let known = |genotype: &Genotype| self.seen.contains(genotype) || taken.contains(genotype);
            let Some(genotype) = sample(&self.setup.points, self.setup.experiment.seed, trial, known) else {
                break;
            };
            taken.insert(genotype.clone());
            proposals.fresh.push((genotype, Origin::Sample));
        }
        Ok(())
    }
}

fn ask_repaired(
    strategist: &mut Strategist<'_>,
    points: &Points,
    batch: u64,
    count: usize,
) -> Result<Option<Vec<Genotype>>, SearchError> {
    strategist.ask(batch, count, |proposals| {
        let repair = |genotype: &Genotype| {
            points.repair(genotype).map_err(|e| PluginError::contract(format!("a proposed genotype: {e}")))
        };
        proposals.iter().map(repair).collect()
    })
}

/// A uniform sample among the candidates that are not known, a function of the seed and the trial. `None` if there is
/// none.
fn sample(points: &Points, seed: u64, trial: u64, known: impl Fn(&Genotype) -> bool) -> Option<Genotype> {
    let mut rng = Rng::new(seed, SAMPLE_STREAM | trial);
    for _ in 0..DRAWS {
        let genotype = points.sample(&mut rng);
        if !known(&genotype) {
            return Some(genotype);
        }
    }
    // Nearly all candidates are known: take the first unknown one from a random place on, all the way round.
    let count = points.count();
    let start = rng.below_big(&count);
    let mut number = start.clone();
    loop {
        let genotype = points.nth(&number)?;
        if !known(&genotype) {
            return Some(genotype);
        }
        number += 1u32;
        if number == count {
            number = BigUint::ZERO;
        }
        if number == start {
            return None;
        }
    }
}
