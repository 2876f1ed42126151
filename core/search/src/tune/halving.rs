//! Asynchronous successive halving (Li and others, arXiv 1810.05934) on virtual workers whose clock counts epochs.
//!
//! A configuration is trained to the epochs of the first rung; whenever a worker is free, the best configuration that is among the
//! first 1/reduction of its rung's results and was not promoted yet goes on to the next rung, from the highest rung down; if there
//! is none, a new configuration starts. An epoch takes every worker one unit of time, so that the order of events, and with it
//! every promotion, is a function of the results alone: no clock of the machine and no number of threads comes in. Random search
//! is the case of a single rung.

use std::collections::{BTreeMap, BTreeSet};

/// What the scheduler is a function of, beside the results.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Epochs of every rung, ascending.
    pub(crate) rungs: Vec<u64>,
    /// One of so many results is promoted.
    pub(crate) reduction: u64,
    /// Virtual workers.
    pub(crate) workers: u64,
    /// Most configurations that start.
    pub(crate) configurations: u64,
    /// Most epochs that are trained.
    pub(crate) epochs: u64,
}

impl Plan {
    /// The epochs of rungs from `grace` on, each `reduction` times the one before, up to `max`.
    pub(crate) fn rungs(grace: u64, reduction: u64, max: u64) -> Vec<u64> {
        let below = std::iter::successors(Some(grace), |epochs| epochs.checked_mul(reduction));
        below.take_while(|epochs| *epochs < max).chain([max]).collect()
    }
}

/// One configuration on its way to one rung.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Assignment {
    /// In order of starting, from 0.
    pub(crate) number: u64,
    /// The configuration, from 0.
    pub(crate) configuration: u64,
    /// The rung, from 0.
    pub(crate) rung: usize,
    /// Epochs that are trained for it.
    pub(crate) epochs: u64,
    /// When the worker starts, epochs.
    pub(crate) start: u64,
}

impl Assignment {
    /// When the worker is free again.
    pub(crate) fn end(&self) -> u64 {
        self.start + self.epochs
    }
}

/// What came of an assignment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Told {
    /// Larger is better; `None` if there is no result.
    pub(crate) value: Option<f64>,
    /// Whether the next rung goes on from here, rather than from the first epoch again.
    pub(crate) resumes: bool,
}

#[derive(Debug, Clone, Default)]
struct Rung {
    results: Vec<(u64, Told)>,
    promoted: BTreeSet<u64>,
}

impl Rung {
    /// The best result that may go on and has not yet.
    fn promotable(&self, reduction: u64) -> Option<(u64, Told)> {
        let mut ranked: Vec<&(u64, Told)> = self.results.iter().collect();
        let value = |told: &Told| told.value.unwrap_or(f64::NEG_INFINITY);
        ranked.sort_by(|a, b| value(&b.1).total_cmp(&value(&a.1)).then(a.0.cmp(&b.0)));
        let best = ranked.len() as u64 / reduction;
        let good = ranked.into_iter().take(usize::try_from(best).unwrap_or(usize::MAX));
        good.filter(|(_, told)| told.value.is_some())
            .find(|(configuration, _)| !self.promoted.contains(configuration))
            .copied()
    }
}

/// The state of the virtual workers.
#[derive(Debug, Clone)]
pub(crate) struct Halving {
    plan: Plan,
    rungs: Vec<Rung>,
    /// Assignments at work, by their end and number.
    running: BTreeMap<(u64, u64), Assignment>,
    now: u64,
    started: u64,
    configurations: u64,
    spent: u64,
}

impl Halving {
    pub(crate) fn new(plan: Plan) -> Halving {
        let rungs = vec![Rung::default(); plan.rungs.len()];
        Halving { plan, rungs, running: BTreeMap::new(), now: 0, started: 0, configurations: 0, spent: 0 }
    }

    /// Work for a free worker; `None` while there is none or all that ends now has not been told. `is_there` says whether the
    /// configuration of a number exists: once it does not, none starts any more.
    pub(crate) fn ask(&mut self, mut is_there: impl FnMut(u64) -> bool) -> Option<Assignment> {
        let ends_now = self.running.keys().next().is_some_and(|(end, _)| *end == self.now);
        if ends_now || self.running.len() as u64 >= self.plan.workers {
            return None;
        }
        let (configuration, rung, epochs) = self.promotion().or_else(|| self.newcomer(&mut is_there))?;
        if let Some(below) = rung.checked_sub(1).and_then(|below| self.rungs.get_mut(below)) {
            below.promoted.insert(configuration);
        }
        let assignment = Assignment { number: self.started, configuration, rung, epochs, start: self.now };
        self.started += 1;
        self.spent += epochs;
        self.running.insert((assignment.end(), assignment.number), assignment);
        Some(assignment)
    }

    /// Configuration, rung and epochs of the promotion that is due, from the highest rung down.
    fn promotion(&self) -> Option<(u64, usize, u64)> {
        (1..self.plan.rungs.len()).rev().find_map(|rung| {
            let (configuration, told) = self.rungs.get(rung - 1)?.promotable(self.plan.reduction)?;
            let done = if told.resumes { *self.plan.rungs.get(rung - 1)? } else { 0 };
            let epochs = self.plan.rungs.get(rung)? - done;
            self.affordable(epochs).then_some((configuration, rung, epochs))
        })
    }

    fn newcomer(&mut self, is_there: &mut impl FnMut(u64) -> bool) -> Option<(u64, usize, u64)> {
        let epochs = *self.plan.rungs.first()?;
        let number = self.configurations;
        if number >= self.plan.configurations || !self.affordable(epochs) || !is_there(number) {
            return None;
        }
        self.configurations += 1;
        Some((number, 0, epochs))
    }

    fn affordable(&self, epochs: u64) -> bool {
        self.spent + epochs <= self.plan.epochs
    }

    /// The assignment whose result is needed next; `None` if no worker is at work.
    pub(crate) fn due(&self) -> Option<Assignment> {
        self.running.values().next().copied()
    }

    /// The result of the assignment that is [`due`](Halving::due).
    pub(crate) fn tell(&mut self, told: Told) {
        if let Some(((end, _), assignment)) = self.running.pop_first() {
            self.now = end;
            if let Some(rung) = self.rungs.get_mut(assignment.rung) {
                rung.results.push((assignment.configuration, told));
            }
        }
    }

    /// Epochs of all assignments so far.
    pub(crate) fn spent(&self) -> u64 {
        self.spent
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plan(rungs: &[u64], reduction: u64, workers: u64, configurations: u64) -> Plan {
        Plan { rungs: rungs.to_vec(), reduction, workers, configurations, epochs: u64::MAX }
    }

    /// Every assignment in order of starting, and what was told; results are `value(configuration, rung)`.
    fn run(plan: Plan, value: impl Fn(u64, usize) -> Told) -> Vec<(Assignment, Told)> {
        let mut halving = Halving::new(plan);
        let mut all = Vec::new();
        loop {
            while let Some(assignment) = halving.ask(|_| true) {
                all.push((assignment, value(assignment.configuration, assignment.rung)));
            }
            match halving.due() {
                Some(due) => halving.tell(value(due.configuration, due.rung)),
                None => return all,
            }
        }
    }

    fn good(value: f64) -> Told {
        Told { value: Some(value), resumes: true }
    }

    fn order(all: &[(Assignment, Told)]) -> Vec<(u64, usize, u64)> {
        all.iter().map(|(a, _)| (a.configuration, a.rung, a.start)).collect()
    }

    #[test]
    fn rungs_grow_by_the_reduction_up_to_the_most_epochs() {
        assert_eq!(Plan::rungs(1, 3, 9), [1, 3, 9]);
        assert_eq!(Plan::rungs(2, 2, 20), [2, 4, 8, 16, 20]);
        assert_eq!(Plan::rungs(5, 3, 5), [5]);
        assert_eq!(Plan::rungs(1, 10, u64::MAX).len(), 21);
    }

    /// Worked by hand: configuration 4 is the best, then 1, then 7, then in order of their numbers.
    #[test]
    fn one_worker_promotes_as_soon_as_it_may() {
        let value = |configuration: u64, _| match configuration {
            4 => good(0.9),
            1 => good(0.8),
            7 => good(0.7),
            other => good(0.1 - other as f64 * 0.01),
        };
        let all = run(plan(&[1, 3, 9], 3, 1, 9), value);
        let expected = [
            (0, 0, 0),
            (1, 0, 1),
            (2, 0, 2),
            // One of three results may go on.
            (1, 1, 3),
            (3, 0, 5),
            (4, 0, 6),
            // One of five may, and the best of them has not yet: what came earlier was promoted too soon.
            (4, 1, 7),
            (5, 0, 9),
            (6, 0, 10),
            (7, 0, 11),
            (8, 0, 12),
            (7, 1, 13),
            (4, 2, 15),
        ];
        assert_eq!(order(&all), expected);
        assert_eq!(all.iter().map(|(a, _)| a.epochs).sum::<u64>(), 9 + 3 * 2 + 6);
    }

    #[test]
    fn all_that_ends_together_is_told_before_anything_starts() {
        let all = run(plan(&[1, 2], 2, 4, 4), |configuration, _| good(configuration as f64));
        let expected = [(0, 0, 0), (1, 0, 0), (2, 0, 0), (3, 0, 0), (3, 1, 1), (2, 1, 1)];
        assert_eq!(order(&all), expected);
    }

    #[test]
    fn what_failed_or_is_equal_does_not_go_first() {
        let value = |configuration: u64, _| match configuration {
            0 | 2 => Told { value: None, resumes: false },
            _ => good(0.5),
        };
        let all = run(plan(&[1, 2], 2, 1, 6), value);
        let promoted: Vec<u64> =
            all.iter().filter(|(a, _)| a.rung == 1).map(|(a, _)| a.configuration).collect();
        assert_eq!(promoted, [1, 3, 4]);
        let none = run(plan(&[1, 2], 2, 2, 6), |_, _| Told { value: None, resumes: false });
        assert_eq!(none.len(), 6);
    }

    #[test]
    fn what_cannot_go_on_costs_all_its_epochs_and_no_more_than_the_budget_is_spent() {
        let from_scratch =
            |configuration: u64, _| Told { value: Some(-(configuration as f64)), resumes: false };
        let all = run(plan(&[1, 3], 3, 1, 3), from_scratch);
        assert_eq!(all.last().map(|(a, _)| (a.rung, a.epochs)), Some((1, 3)));
        let limited = Plan { epochs: 5, ..plan(&[1, 3], 3, 1, 9) };
        let all = run(limited, from_scratch);
        assert_eq!(all.iter().map(|(a, _)| a.epochs).sum::<u64>(), 5);
        assert_eq!(all.iter().filter(|(a, _)| a.rung == 1).count(), 0, "3 more would have been 6");
    }

    #[test]
    fn a_single_rung_is_random_search() {
        let all = run(plan(&[9], 3, 2, 5), |_, _| good(1.0));
        assert_eq!(order(&all), [(0, 0, 0), (1, 0, 0), (2, 0, 9), (3, 0, 9), (4, 0, 18)]);
    }

    #[test]
    fn a_space_may_end() {
        let mut halving = Halving::new(plan(&[1], 2, 3, 9));
        let asked: Vec<_> = std::iter::from_fn(|| halving.ask(|configuration| configuration < 2)).collect();
        assert_eq!(asked.len(), 2);
    }

    proptest! {
        #[test]
        fn promises_hold(
            values in proptest::collection::vec(proptest::option::weighted(0.9, 0u8..20), 1..60),
            reduction in 2u64..=4,
            workers in 1u64..7,
            max in 1u64..30,
            epochs in 1u64..200,
            resumes in any::<bool>(),
        ) {
            let value = |configuration: u64, rung: usize| {
                let drawn = values[(configuration as usize * 7 + rung) % values.len()];
                Told { value: drawn.map(f64::from), resumes }
            };
            let rungs = Plan::rungs(1, reduction, max);
            let plan = Plan { rungs: rungs.clone(), reduction, workers, configurations: 50, epochs };
            let all = run(plan.clone(), value);
            prop_assert_eq!(&all, &run(plan, value), "the same results give the same assignments");
            prop_assert!(all.iter().map(|(a, _)| a.epochs).sum::<u64>() <= epochs);
            let mut seen = BTreeSet::new();
            for (a, _) in &all {
                prop_assert!(seen.insert((a.configuration, a.rung)), "a rung is reached once");
                let at_work = all.iter().filter(|(b, _)| b.start <= a.start && a.start < b.end()).count();
                prop_assert!(at_work as u64 <= workers);
                if a.rung > 0 {
                    // It was among the first 1/reduction of what the rung below had then.
                    let mut known: Vec<_> = all
                        .iter()
                        .filter(|(b, _)| b.rung + 1 == a.rung && b.end() <= a.start)
                        .map(|(b, told)| (told.value.unwrap_or(f64::NEG_INFINITY), b.configuration))
                        .collect();
                    known.sort_by(|x, y| y.0.total_cmp(&x.0).then(x.1.cmp(&y.1)));
                    let place = known.iter().position(|(_, c)| *c == a.configuration);
                    prop_assert!(place.is_some_and(|p| (p as u64) < known.len() as u64 / reduction));
                    let done = if resumes { rungs[a.rung - 1] } else { 0 };
                    prop_assert_eq!(a.epochs, rungs[a.rung] - done);
                }
            }
        }
    }
}
