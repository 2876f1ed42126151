//! Ranks of points by domination, for selection among several objectives.

use crate::history::{Outcome, range};

/// Whether `a` is better than `b`: it keeps constraints that `b` breaks, or breaks them less, or both keep them and it is at least as
/// good everywhere and better somewhere.
pub(crate) fn dominates(a: &Outcome, b: &Outcome) -> bool {
    let (x, y) = (a.violation.max(0.0), b.violation.max(0.0));
    if x > 0.0 || y > 0.0 {
        return x < y;
    }
    let pairs = || a.objectives.iter().zip(&b.objectives);
    pairs().all(|(x, y)| x >= y) && pairs().any(|(x, y)| x > y)
}

/// Whether `new` is better than all before it: none of them dominates it or is its like. Of one objective that is a new best.
pub(crate) fn improves(new: &Outcome, earlier: &[Outcome]) -> bool {
    let as_good = |a: &Outcome| {
        let (x, y) = (a.violation.max(0.0), new.violation.max(0.0));
        if x > 0.0 || y > 0.0 {
            return x <= y;
        }
        a.objectives.iter().zip(&new.objectives).all(|(x, y)| x >= y)
    };
    !earlier.iter().any(as_good)
}

/// Position and crowding of the points of a set: the front that each belongs to, from 0, and its distance to its neighbours there.
pub(crate) struct Ranks {
    pub(crate) front: Vec<usize>,
    pub(crate) crowding: Vec<f64>,
}

impl Ranks {
    pub(crate) fn new(points: &[&Outcome]) -> Ranks {
        let mut front = vec![usize::MAX; points.len()];
        let mut crowding = vec![0.0; points.len()];
        let mut left: Vec<usize> = (0..points.len()).collect();
        for rank in 0.. {
            if left.is_empty() {
                break;
            }
            let beaten = |i: &usize| left.iter().any(|j| dominates(points[*j], points[*i]));
            let (rest, best): (Vec<usize>, Vec<usize>) = left.iter().partition(|i| beaten(i));
            best.iter().for_each(|i| front[*i] = rank);
            crowd(points, &best, &mut crowding);
            left = rest;
        }
        Ranks { front, crowding }
    }

    /// Order of selection of `i` against `j`: the lower front, then the less crowded, then the earlier.
    pub(crate) fn compare(&self, i: usize, j: usize) -> std::cmp::Ordering {
        self.front[i].cmp(&self.front[j]).then(self.crowding[j].total_cmp(&self.crowding[i])).then(i.cmp(&j))
    }
}

/// Crowding distances within one front.
fn crowd(points: &[&Outcome], front: &[usize], crowding: &mut [f64]) {
    let objectives = front.first().map_or(0, |i| points[*i].objectives.len());
    for m in 0..objectives {
        let value = |i: usize| points[i].objectives[m];
        let mut order = front.to_vec();
        order.sort_by(|&i, &j| value(i).total_cmp(&value(j)).then(i.cmp(&j)));
        let (low, high) = range(order.iter().map(|i| value(*i)));
        if high <= low {
            continue;
        }
        if let (Some(first), Some(last)) = (order.first(), order.last()) {
            crowding[*first] = f64::INFINITY;
            crowding[*last] = f64::INFINITY;
        }
        for three in order.windows(3) {
            crowding[three[1]] += (value(three[2]) - value(three[0])) / (high - low);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use codebench_sdk::prelude::Genotype;

    fn outcome(objectives: &[f64], violation: f64) -> Outcome {
        Outcome { genotype: Genotype(Vec::new()), objectives: objectives.to_vec(), violation }
    }

    #[test]
    fn an_improvement_enters_the_front() {
        let front = [outcome(&[0.0, 3.0], 0.0), outcome(&[3.0, 0.0], 0.0)];
        assert!(improves(&outcome(&[1.0, 1.0], 0.0), &front));
        assert!(improves(&outcome(&[0.0, 3.5], 0.0), &front));
        // Dominated, the same again, or infeasible.
        assert!(!improves(&outcome(&[0.0, 2.0], 0.0), &front));
        assert!(!improves(&front[1], &front));
        assert!(!improves(&outcome(&[9.0, 9.0], 0.1), &front));
        // Of one objective: the largest that is feasible, and before that what breaks the constraints least.
        let infeasible = [outcome(&[7.0], 0.5)];
        assert!(improves(&outcome(&[1.0], 0.2), &infeasible));
        assert!(!improves(&outcome(&[8.0], 0.5), &infeasible));
        assert!(improves(&outcome(&[-90.0], 0.0), &infeasible));
        assert!(!improves(&outcome(&[-90.0], 0.0), &[outcome(&[-90.0], 0.0)]));
    }

    #[test]
    fn fronts_and_crowding_are_those_of_the_definition() {
        let points = [
            outcome(&[0.0, 3.0], 0.0),
            outcome(&[1.0, 2.0], 0.0),
            outcome(&[3.0, 0.0], 0.0),
            outcome(&[0.5, 1.0], 0.0),
            outcome(&[9.0, 9.0], 0.5),
            outcome(&[9.0, 9.0], 0.1),
        ];
        let all: Vec<&Outcome> = points.iter().collect();
        let ranks = Ranks::new(&all);
        assert_eq!(ranks.front, [0, 0, 0, 1, 3, 2]);
        assert_eq!(ranks.crowding[1], 2.0);
        assert!(ranks.crowding[0].is_infinite() && ranks.crowding[2].is_infinite());
        let mut order: Vec<usize> = (0..6).collect();
        order.sort_by(|i, j| ranks.compare(*i, *j));
        assert_eq!(order, [0, 2, 1, 3, 5, 4]);
    }
}
