//! What a strategy remembers: what it proposed, what it was told, and what is still open.

use crate::start;
use codebench_sdk::prelude::*;
use codebench_sdk::space::{BigUint, Points, Rng};
use std::collections::{HashMap, HashSet};

/// Random draws of an unknown point before the space is searched in order.
const DRAWS: usize = 200;
/// Spaces of at most so many points are searched in order for one that is unknown.
const SEARCHED: u32 = 100_000;
/// Mutations of a point before an unknown one is sought elsewhere.
const MUTATIONS: usize = 100;

/// The outcome of a trial that ended well.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    pub(crate) genotype: Genotype,
    pub(crate) objectives: Vec<f64>,
    pub(crate) violation: f64,
}

/// The points of the space, the source of randomness, and the log so far.
#[derive(Debug)]
pub(crate) struct History {
    pub(crate) points: Points,
    pub(crate) rng: Rng,
    pub(crate) objectives: usize,
    /// Trials that ended well, in the order in which they were told; a point told again keeps its first outcome.
    pub(crate) outcomes: Vec<Outcome>,
    index: HashMap<Genotype, usize>,
    /// Everything that was proposed or told.
    known: HashSet<Genotype>,
    /// Proposed and not yet told, in order.
    open: Vec<Genotype>,
    /// A block whose choices are held fast, and a point that has them.
    pin: Option<(Block, Genotype)>,
    /// A choice that is held fast, and its index.
    held: Option<(usize, u32)>,
    /// A search in order has found no unknown point that keeps the pin, and known points only grow.
    spent: bool,
}

impl History {
    /// An empty history; `stream` is the stream of the seed that randomness comes from.
    pub(crate) fn new(context: &StrategyContext, stream: u64) -> Result<History, PluginError> {
        Ok(History {
            points: start::points(context)?,
            rng: Rng::new(context.seed, stream),
            objectives: context.objectives,
            outcomes: Vec::new(),
            index: HashMap::new(),
            known: HashSet::new(),
            open: Vec::new(),
            pin: None,
            held: None,
            spent: false,
        })
    }

    /// Takes outcomes into account; those that are not numbers are failures.
    pub(crate) fn tell(&mut self, outcomes: &[Tell]) {
        for tell in outcomes {
            self.open.retain(|open| *open != tell.genotype);
            self.known.insert(tell.genotype.clone());
            let whole = tell.status == Status::Ok
                && tell.objectives.len() == self.objectives
                && tell.objectives.iter().chain([&tell.violation]).all(|x| x.is_finite());
            if whole && !self.index.contains_key(&tell.genotype) {
                self.index.insert(tell.genotype.clone(), self.outcomes.len());
                self.outcomes.push(Outcome {
                    genotype: tell.genotype.clone(),
                    objectives: tell.objectives.clone(),
                    violation: tell.violation,
                });
            }
        }
    }

    /// Holds the choices of one block as `point` has them, in all that is sampled and mutated from now on.
    pub(crate) fn pin(&mut self, pin: Option<(Block, Genotype)>) {
        if self.pin != pin {
            self.pin = pin;
            self.spent = false;
        }
    }

    /// Forgets the outcomes that have another block than is held fast; what was proposed or told stays known.
    pub(crate) fn forget_others(&mut self) {
        let Some((block, fixed)) = &self.pin else { return };
        let choices =
            self.points.space().choices.iter().enumerate().filter(|(_, choice)| choice.block == *block);
        let held: Vec<usize> = choices.map(|(i, _)| i).collect();
        self.outcomes.retain(|outcome| held.iter().all(|i| outcome.genotype.0[*i] == fixed.0[*i]));
        let outcomes = self.outcomes.iter().enumerate();
        self.index = outcomes.map(|(i, outcome)| (outcome.genotype.clone(), i)).collect();
    }

    /// Holds one choice at an index, likewise.
    pub(crate) fn hold(&mut self, held: Option<(usize, u32)>) {
        if self.held != held {
            self.held = held;
            self.spent = false;
        }
    }

    /// Whether a block is held fast.
    pub(crate) fn is_pinned(&self) -> bool {
        self.pin.is_some()
    }

    /// Whether the point has the choice that is held fast.
    pub(crate) fn is_held(&self, point: &Genotype) -> bool {
        self.held.is_none_or(|(choice, index)| point.0[choice] == index)
    }

    /// Whether no unknown point is left that keeps what is held fast.
    pub(crate) fn is_spent(&self) -> bool {
        self.spent
    }

    /// The point with what is held fast, repaired; the same point if nothing is.
    pub(crate) fn pinned(&self, mut point: Genotype) -> Result<Genotype, PluginError> {
        if self.pin.is_none() && self.is_held(&point) {
            return Ok(point);
        }
        if let Some((block, fixed)) = &self.pin {
            for (i, choice) in self.points.space().choices.iter().enumerate() {
                if choice.block == *block {
                    point.0[i] = fixed.0[i];
                }
            }
        }
        if let Some((choice, index)) = self.held {
            point.0[choice] = index;
        }
        self.points.repair(&point).map_err(start::invalid)
    }

    /// Notes that `point` is proposed.
    pub(crate) fn propose(&mut self, point: Genotype) -> Genotype {
        if self.known.insert(point.clone()) {
            self.open.push(point.clone());
        }
        point
    }

    /// Whether the point was proposed or told.
    pub(crate) fn is_known(&self, point: &Genotype) -> bool {
        self.known.contains(point)
    }

    /// Number of points that were proposed or told.
    pub(crate) fn known(&self) -> usize {
        self.known.len()
    }

    /// Proposed and not yet told.
    pub(crate) fn open(&self) -> &[Genotype] {
        &self.open
    }

    /// Position of the point among the outcomes.
    pub(crate) fn position(&self, point: &Genotype) -> Option<usize> {
        self.index.get(point).copied()
    }

    /// Whether every point is known.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.points.count() <= BigUint::from(self.known.len())
    }

    /// A uniform sample among the unknown points; any point once all are known, or where they are too rare to find.
    pub(crate) fn sample(&mut self) -> Genotype {
        let mut point = self.draw();
        if self.spent || self.is_exhausted() {
            return point;
        }
        for _ in 0..DRAWS {
            if !self.is_known(&point) {
                return point;
            }
            point = self.draw();
        }
        let count = self.points.count();
        if count <= BigUint::from(SEARCHED) {
            let count = u32::try_from(&count).unwrap_or(SEARCHED);
            let first = self.rng.below(u64::from(count)) as u32;
            let numbers = (first..count).chain(0..first);
            let held = |point: &Genotype| self.pinned(point.clone()).is_ok_and(|pinned| pinned == *point);
            let unknown =
                |number: u32| self.points.nth(&number.into()).filter(|p| !self.is_known(p) && held(p));
            if let Some(found) = numbers.into_iter().find_map(unknown) {
                return found;
            }
            self.spent = true;
        }
        point
    }

    fn draw(&mut self) -> Genotype {
        let point = self.points.sample(&mut self.rng);
        self.pinned(point.clone()).unwrap_or(point)
    }

    /// An unknown point a few changes away from `point`, as few as can be found by chance; else a sample.
    pub(crate) fn mutate(&mut self, point: &Genotype) -> Result<Genotype, PluginError> {
        if !self.spent && !self.is_exhausted() {
            for attempt in 0..MUTATIONS {
                let mut changed = point.clone();
                for _ in 0..=attempt / 20 {
                    changed = self.points.mutate(&changed, &mut self.rng).map_err(start::invalid)?;
                }
                changed = self.pinned(changed)?;
                if !self.is_known(&changed) {
                    return Ok(changed);
                }
            }
        }
        Ok(self.sample())
    }

    /// One number per outcome, larger is better. Several objectives are weighed alike, each scaled to its range so far. What
    /// breaks constraints comes below all that keeps them, by how much it breaks them.
    pub(crate) fn values(&self) -> Vec<f64> {
        let ranges: Vec<(f64, f64)> =
            (0..self.objectives).map(|m| range(self.outcomes.iter().map(|o| o.objectives[m]))).collect();
        let value = |outcome: &Outcome| match outcome.objectives.as_slice() {
            [y] => *y,
            all => {
                let scaled = all
                    .iter()
                    .zip(&ranges)
                    .map(|(y, (low, high))| if high > low { (y - low) / (high - low) } else { 0.5 });
                scaled.sum::<f64>() / all.len().max(1) as f64
            }
        };
        let values: Vec<f64> = self.outcomes.iter().map(value).collect();
        let feasible = values.iter().zip(&self.outcomes).filter(|(_, o)| o.violation <= 0.0).map(|(v, _)| *v);
        let (low, high) = range(feasible);
        let span = if high > low { high - low } else { 1.0 };
        let floor = if low.is_finite() { low } else { 0.0 };
        let judged = values.iter().zip(&self.outcomes).map(|(value, outcome)| {
            if outcome.violation <= 0.0 {
                *value
            } else {
                floor - span * (0.1 + outcome.violation / (1.0 + outcome.violation))
            }
        });
        judged.collect()
    }

    /// Positions of the outcomes, the best first, the earlier of equals.
    pub(crate) fn ranking(&self) -> Vec<usize> {
        let values = self.values();
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|&i, &j| values[j].total_cmp(&values[i]).then(i.cmp(&j)));
        order
    }
}

/// The least and the largest number; infinities for none.
pub(crate) fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)))
}

/// Shuffles a list.
pub(crate) fn shuffle<T>(list: &mut [T], rng: &mut Rng) {
    for i in (1..list.len()).rev() {
        list.swap(i, rng.index(i + 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use codebench_sdk::space::SpaceDescription;

    /// A search in order is made once for what is held fast, however often that is said.
    #[test]
    fn what_is_used_up_stays_so_until_something_else_is_held_fast() {
        let text = "[accelerator]\npib = [1, 2]\npix = [1, 2]\n[[choices]]\nname = \"lr\"\nvalues = [1, 2]";
        let space = toml::from_str::<SpaceDescription>(text).unwrap().compile().unwrap();
        let lr = space.choices.iter().position(|choice| choice.name == "lr").unwrap();
        let context = StrategyContext { space, seed: 1, objectives: 1 };
        let mut history = History::new(&context, 0).unwrap();
        let point = history.sample();
        let pin = Some((Block::Accelerator, point.clone()));
        history.pin(pin.clone());
        for _ in 0..3 {
            let point = history.sample();
            history.propose(point);
        }
        assert!(history.is_spent(), "two points have that accelerator");
        history.pin(pin.clone());
        assert!(history.is_spent());
        history.hold(Some((lr, 1)));
        assert!(!history.is_spent());
        history.sample();
        assert!(history.is_spent());
        history.hold(Some((lr, 1)));
        assert!(history.is_spent());
        history.pin(None);
        assert!(!history.is_spent());
    }
}
