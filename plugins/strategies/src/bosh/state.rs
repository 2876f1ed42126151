//! What a running search knows, and how it proposes.

use super::ascent::Ascent;
use super::refine::Refinement;
use super::settings::{Fix, Settings};
use super::transfer::Donors;
use crate::acquisition::{Acquisition, Scored, Weights, climbed, pool};
use crate::features::squared_distance;
use crate::history::{History, Outcome, range};
use crate::hypervolume;
use crate::model::Model;
use crate::pareto::{Ranks, improves};
use crate::start;
use codebench_sdk::prelude::*;
use codebench_sdk::space::BigUint;

#[cfg(test)]
mod tests;

/// Stream of the seed.
const STREAM: u64 = 11;
/// Unknown points of which the farthest from all that is known is a diverse one.
const FAR: usize = 100;

/// A running search.
#[derive(Debug)]
pub(super) struct State {
    pub(super) settings: Settings,
    pub(super) context: StrategyContext,
    pub(super) history: History,
    pub(super) model: Model,
    /// Every point of a small space with its vector.
    library: Option<Library>,
    /// Outcomes since the last improvement.
    pub(super) stale: usize,
    pub(super) judged: usize,
    pub(super) proposed: usize,
    /// The last turn that was taken.
    pub(super) turn: Option<usize>,
    /// The size of stacks that is searched, if it falls.
    refinement: Option<Refinement>,
    /// CNNs whose weights others could take over.
    pub(super) donors: Donors,
}

#[derive(Debug)]
struct Library {
    points: Vec<Genotype>,
    rows: Vec<f64>,
}

impl State {
    pub(super) fn new(settings: &Settings, context: &StrategyContext) -> Result<State, PluginError> {
        let mut history = History::new(context, STREAM)?;
        let model = settings.model(context)?;
        let is_climber = settings.starts > 0 && model.differentiable();
        let library = match history.points.count() <= BigUint::from(settings.library) && is_climber {
            true => Some(Library::new(&history, &model)),
            false => None,
        };
        if let Fix::Block(block) = settings.fix {
            let point = history.sample();
            history.pin(Some((block, point)));
        }
        // The stacks of a CNN that is held fast stay as they are.
        let refines = settings.refine && settings.fix != Fix::Block(Block::Cnn);
        let refinement = if refines { Refinement::new(&mut history) } else { None };
        let settings = settings.clone();
        Ok(State {
            settings,
            context: context.clone(),
            history,
            model,
            library,
            stale: 0,
            judged: 0,
            proposed: 0,
            turn: None,
            refinement,
            donors: Donors::default(),
        })
    }

    pub(super) fn tell(&mut self, outcomes: &[Tell]) {
        self.history.tell(outcomes);
        let outcomes = &self.history.outcomes;
        let improved = (self.judged..outcomes.len()).any(|i| improves(&outcomes[i], &outcomes[..i]));
        self.stale = if improved { 0 } else { self.stale + outcomes.len() - self.judged };
        self.judged = outcomes.len();
    }

    pub(super) fn ask(&mut self, count: usize) -> Result<Vec<Genotype>, PluginError> {
        let mut proposals = Vec::with_capacity(count);
        if self.settings.patience > 0 && self.stale >= self.settings.patience {
            return Ok(proposals);
        }
        while proposals.len() < count {
            self.redraw_pin();
            let mut point = match self.refined()? {
                Some(split) => split,
                None => {
                    self.take_turns()?;
                    self.next()?
                }
            };
            // The side that moves has no unknown point left beside the one that is held.
            if self.is_held_for_now() && self.history.is_known(&point) {
                self.history.pin(None);
                point = self.next()?;
            }
            self.proposed += 1;
            proposals.push(self.history.propose(point));
        }
        Ok(proposals)
    }

    /// A CNN that came out of a split; a search that has settled, or has nothing left to propose, goes on to smaller stacks.
    fn refined(&mut self) -> Result<Option<Genotype>, PluginError> {
        let is_held = self.is_held_for_now();
        let Some(refinement) = &mut self.refinement else { return Ok(None) };
        let has_started = self.history.known() >= self.settings.startup;
        let is_settled = has_started && self.stale >= self.settings.settled_after.max(1);
        // What a turn has used up is not all that there is.
        let is_spent = self.history.is_spent() && !is_held;
        if (is_settled || is_spent) && refinement.has_next() {
            if is_held {
                self.history.pin(None);
            }
            refinement.advance(&mut self.history, &self.model)?;
            self.stale = 0;
        }
        Ok(refinement.next(&self.history))
    }

    /// The next proposal; each of a batch throws its own dice.
    fn next(&mut self) -> Result<Genotype, PluginError> {
        let starting = self.history.known() < self.settings.startup || self.history.outcomes.is_empty();
        if starting || self.history.is_exhausted() || !self.model.learn(&self.history) {
            return Ok(self.history.sample());
        }
        let dice = self.history.rng.unit();
        if dice < self.settings.diversity_probability {
            return Ok(self.far());
        }
        let uncertain = dice < self.settings.diversity_probability + self.settings.uncertainty_probability;
        let settled = self.stale >= self.settings.settled_after;
        let weights = Weights::draw(&mut self.history, if settled { self.settings.aleatoric } else { 0.0 });
        let found = self.promising(&weights, uncertain)?;
        Ok(found.unwrap_or_else(|| self.history.sample()))
    }

    /// The unknown point, of many, that is farthest from all that is known.
    fn far(&mut self) -> Genotype {
        let mut known = self.model.rows().to_vec();
        known.extend(self.model.features.encode_all(self.history.open()));
        let dimension = self.model.features.dimension();
        let mut best: Option<(f64, Genotype)> = None;
        for _ in 0..FAR {
            let point = self.history.sample();
            let row = self.model.features.encode(&point);
            let nearest =
                known.chunks(dimension).map(|k| squared_distance(k, &row)).fold(f64::INFINITY, f64::min);
            if best.as_ref().is_none_or(|(distance, _)| nearest > *distance) {
                best = Some((nearest, point));
            }
        }
        best.map_or_else(|| self.history.sample(), |(_, point)| point)
    }

    /// The best by the confidence bound, or the most uncertain one; `None` if the surrogate fails.
    fn promising(&mut self, weights: &Weights, uncertain: bool) -> Result<Option<Genotype>, PluginError> {
        let mut candidates = self.ends(weights)?;
        if self.settings.around > 0 || candidates.is_empty() {
            let mut around = self.leaders();
            around.truncate(self.settings.around.max(1));
            let near = pool(&mut self.history, &around, self.settings.random)?;
            for point in near.into_iter().chain(self.pairs(&around)?) {
                if !candidates.contains(&point) {
                    candidates.push(point);
                }
            }
        }
        let acquisition = match (uncertain, self.settings.improvement) {
            (true, _) => Acquisition::Uncertainty,
            _ if self.is_pareto() => Acquisition::Hypervolume(self.settings.beta),
            (false, true) => Acquisition::Improvement,
            (false, false) => Acquisition::Bound(self.settings.beta),
        };
        let climbs = if self.settings.around > 0 { self.settings.climbs } else { 0 };
        let scored = climbed(&self.model, candidates, weights, acquisition, climbs, &mut self.history)?;
        let Some(scored) = scored else { return Ok(None) };
        let (chosen, worths) = scored.choose(&self.model, weights, acquisition, 1, &mut self.history);
        let Some(best) = chosen.first().copied() else { return Ok(None) };
        let chosen = match self.settings.transfer > 0.0 && !uncertain {
            true => self.familiar(&scored, &worths, best),
            false => best,
        };
        Ok(Some(scored.points[chosen].clone()))
    }

    /// Unknown pairs of the CNN of one and the accelerator of another of the outcomes at `around`.
    fn pairs(&self, around: &[usize]) -> Result<Vec<Genotype>, PluginError> {
        let choices = &self.history.points.space().choices;
        let Some(first) = choices.iter().position(|c| c.block == Block::Accelerator) else {
            return Ok(Vec::new());
        };
        let mut pairs = Vec::new();
        for of_cnn in around {
            for of_accelerator in around.iter().filter(|other| *other != of_cnn) {
                let mut pair = self.history.outcomes[*of_cnn].genotype.clone();
                pair.0[first..].copy_from_slice(&self.history.outcomes[*of_accelerator].genotype.0[first..]);
                let pair = self.history.points.repair(&pair).map_err(start::invalid)?;
                let pair = self.history.pinned(pair)?;
                if !self.history.is_known(&pair) && !pairs.contains(&pair) {
                    pairs.push(pair);
                }
            }
        }
        Ok(pairs)
    }

    /// Of the candidates whose bound is nearly that of the best, and whose worth by which it was chosen is too, the one whose CNN could
    /// take over most weights.
    fn familiar(&mut self, scored: &Scored, worths: &[f64], best: usize) -> usize {
        let space = self.history.points.space();
        self.donors.learn(space, &self.history.outcomes);
        let bound = |i: usize| scored.mean[i] + self.settings.beta * scored.deviation[i];
        let transfer = self.settings.transfer;
        let (least, least_worth) = (bound(best) - transfer, worths[best] - transfer);
        let near = (0..scored.points.len()).filter(|i| bound(*i) >= least && worths[*i] >= least_worth);
        let worth = |i: usize| (self.donors.share(space, &scored.points[i]), bound(i));
        let compare = |a: &(usize, (f64, f64)), b: &(usize, (f64, f64))| {
            a.1.0.total_cmp(&b.1.0).then(a.1.1.total_cmp(&b.1.1)).then(b.0.cmp(&a.0))
        };
        near.map(|i| (i, worth(i))).max_by(compare).map_or(best, |(i, _)| i)
    }

    /// Whether the hypervolume of the front decides.
    fn is_pareto(&self) -> bool {
        self.settings.hypervolume && (2..=hypervolume::MOST_OBJECTIVES).contains(&self.history.objectives)
    }

    /// Positions of the outcomes near which to search, the best first: of several objectives the front, its lonely points first.
    fn leaders(&self) -> Vec<usize> {
        if !self.is_pareto() {
            return self.history.ranking();
        }
        let outcomes: Vec<&Outcome> = self.history.outcomes.iter().collect();
        let ranks = Ranks::new(&outcomes);
        let mut order: Vec<usize> = (0..outcomes.len()).collect();
        order.sort_by(|i, j| ranks.compare(*i, *j));
        order
    }

    /// The same for ascents, which climb a weighted sum: the best by its weights.
    fn starts(&self, weights: &Weights) -> Vec<usize> {
        if !self.is_pareto() {
            return self.history.ranking();
        }
        let values = weights.of(&self.model.targets);
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|i, j| values[*j].total_cmp(&values[*i]).then(i.cmp(j)));
        order
    }

    /// Unknown designs at which ascents from the best trials and from random points end.
    fn ends(&mut self, weights: &Weights) -> Result<Vec<Genotype>, PluginError> {
        if self.settings.starts == 0 || !self.model.differentiable() {
            return Ok(Vec::new());
        }
        let coefficients = weights.coefficients(self.settings.beta);
        let ascent = Ascent {
            second_order: self.settings.second_order,
            steps: self.settings.steps,
            step_size: self.settings.step_size,
        };
        if self.library.is_none() && !self.model.features.is_decodable() {
            return Ok(Vec::new());
        }
        let bounds = self.bounds();
        let ranking = self.starts(weights);
        let mut ends: Vec<Genotype> = Vec::new();
        for number in 0..self.settings.starts {
            let start = match ranking.get(number / 2).filter(|_| number % 2 == 0) {
                Some(best) => self.history.outcomes[*best].genotype.clone(),
                None => self.history.sample(),
            };
            let start = self.model.features.encode(&start);
            let end = ascent.climb(&self.model, &coefficients, &start, &bounds, &mut self.history.rng);
            let design = match &self.library {
                Some(library) => library.nearest(&end, &self.history),
                None => Some(self.design(&end)?),
            };
            ends.extend(design.filter(|design| !self.history.is_known(design) && !ends.contains(design)));
        }
        Ok(ends)
    }

    /// What a vector is read as, under the block that is held fast.
    fn design(&self, x: &[f64]) -> Result<Genotype, PluginError> {
        let design = self.model.features.decode(x, &self.history.points).map_err(start::invalid)?;
        self.history.pinned(design)
    }

    /// The range of every column: that of the library, or of what is known; columns of choices lie within 0 and 1.
    fn bounds(&self) -> Vec<(f64, f64)> {
        let dimension = self.model.features.dimension();
        let rows = self.library.as_ref().map_or(self.model.rows(), |library| library.rows.as_slice());
        let column = |i: usize| range(rows.iter().skip(i).step_by(dimension).copied());
        (0..dimension).map(column).map(|(low, high)| (low.min(0.0), high.max(1.0))).collect()
    }
}

impl Library {
    fn new(history: &History, model: &Model) -> Library {
        let count = u32::try_from(&history.points.count()).unwrap_or(0);
        let points: Vec<Genotype> = (0..count).filter_map(|i| history.points.nth(&i.into())).collect();
        let rows = model.features.encode_all(&points);
        Library { points, rows }
    }

    /// The unknown point nearest to `x` that has the block that is held fast.
    fn nearest(&self, x: &[f64], history: &History) -> Option<Genotype> {
        let mut best: Option<(f64, &Genotype)> = None;
        for (point, row) in self.points.iter().zip(self.rows.chunks(x.len())) {
            let distance = squared_distance(row, x);
            let nearer = best.is_none_or(|(known, _)| distance < known);
            if nearer && !history.is_known(point) && history.pinned(point.clone()).is_ok_and(|p| p == *point)
            {
                best = Some((distance, point));
            }
        }
        best.map(|(_, point)| point.clone())
    }
}
