//! What a running search knows, and how it proposes.

use super::ascent::Ascent;
use super::settings::{Fix, Settings};
use crate::acquisition::{Acquisition, Weights, climbed, pool};
use crate::features::squared_distance;
use crate::history::{History, range};
use crate::model::Model;
use crate::start;
use codebench_sdk::prelude::*;
use codebench_sdk::space::BigUint;

/// Stream of the seed.
const STREAM: u64 = 11;
/// Unknown points of which the farthest from all that is known is a diverse one.
const FAR: usize = 100;

/// A running search.
#[derive(Debug)]
pub(super) struct State {
    settings: Settings,
    history: History,
    model: Model,
    /// Every point of a small space with its vector.
    library: Option<Library>,
    /// Best value so far, and outcomes since it was found.
    best: f64,
    stale: usize,
    judged: usize,
    proposed: usize,
}

#[derive(Debug)]
struct Library {
    points: Vec<Genotype>,
    rows: Vec<f64>,
}

impl State {
    pub(super) fn new(settings: &Settings, context: &StrategyContext) -> Result<State, PluginError> {
        let mut history = History::new(context, STREAM)?;
        let model = settings.surrogate.start(context)?;
        let is_climber = settings.starts > 0 && model.differentiable();
        let library = match history.points.count() <= BigUint::from(settings.library) && is_climber {
            true => Some(Library::new(&history, &model)),
            false => None,
        };
        if let Fix::Block(block) = settings.fix {
            let point = history.sample();
            history.pin(Some((block, point)));
        }
        let settings = settings.clone();
        Ok(State {
            settings,
            history,
            model,
            library,
            best: f64::NEG_INFINITY,
            stale: 0,
            judged: 0,
            proposed: 0,
        })
    }

    pub(super) fn tell(&mut self, outcomes: &[Tell]) {
        self.history.tell(outcomes);
        let values = self.history.values();
        self.stale += values.len() - self.judged;
        self.judged = values.len();
        let best = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        // Values of several objectives are shares of a range that grows; then only time tells.
        if best > self.best || self.history.objectives > 1 {
            self.stale = 0;
            self.best = best;
        }
    }

    pub(super) fn ask(&mut self, count: usize) -> Result<Vec<Genotype>, PluginError> {
        let mut proposals = Vec::with_capacity(count);
        if self.settings.patience > 0 && self.stale >= self.settings.patience {
            return Ok(proposals);
        }
        while proposals.len() < count {
            self.take_turns();
            let point = self.next()?;
            self.proposed += 1;
            proposals.push(self.history.propose(point));
        }
        Ok(proposals)
    }

    /// In turns, holds the other block as the best trial has it.
    fn take_turns(&mut self) {
        if let (Fix::InTurn(turn), Some(best)) = (self.settings.fix, self.history.ranking().first()) {
            let block =
                if (self.proposed / turn).is_multiple_of(2) { Block::Cnn } else { Block::Accelerator };
            let point = self.history.outcomes[*best].genotype.clone();
            self.history.pin(Some((block, point)));
        }
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
            for point in pool(&mut self.history, self.settings.around.max(1), self.settings.random)? {
                if !candidates.contains(&point) {
                    candidates.push(point);
                }
            }
        }
        let acquisition = match (uncertain, self.settings.improvement) {
            (true, _) => Acquisition::Uncertainty,
            (false, true) => Acquisition::Improvement,
            (false, false) => Acquisition::Bound(self.settings.beta),
        };
        let climbs = if self.settings.around > 0 { self.settings.climbs } else { 0 };
        let scored = climbed(&self.model, candidates, weights, acquisition, climbs, &mut self.history)?;
        let Some(scored) = scored else { return Ok(None) };
        let chosen = scored.choose(&self.model, weights, acquisition, 1, &mut self.history);
        Ok(chosen.first().map(|i| scored.points[*i].clone()))
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
        let ranking = self.history.ranking();
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
