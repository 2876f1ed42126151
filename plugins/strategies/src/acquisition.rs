//! Which of many candidates to evaluate, by a surrogate's predictions.

use crate::features::squared_distance;
use crate::history::History;
use crate::hypervolume::Front;
use crate::model::Model;
use crate::start;
use crate::warp::{normal_density, normal_probability};
use codebench_sdk::math;
use codebench_sdk::prelude::*;
use std::collections::HashSet;

/// Neighbours of one point that are looked at; of more, as many are drawn.
const MOST_NEIGHBOURS: usize = 100;
/// Candidates that climb at a time.
const CLIMBERS: usize = 3;

/// What a candidate is worth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Acquisition {
    /// Expected improvement over the best target.
    Improvement,
    /// Mean plus so many deviations.
    Bound(f64),
    /// A draw from the prediction (independent Thompson sampling).
    Draw,
    /// What mean plus so many deviations of every objective would add to the hypervolume of the front.
    Hypervolume(f64),
    /// The deviation alone.
    Uncertainty,
}

/// How the three predictions of every objective add up to one mean and one deviation.
#[derive(Debug, Clone)]
pub(crate) struct Weights {
    /// Weights of the objectives, of sum 1.
    pub(crate) objectives: Vec<f64>,
    /// Share of the aleatoric deviation that counts as uncertain.
    pub(crate) aleatoric: f64,
}

impl Weights {
    /// Weights of one proposal: of several objectives drawn anew, uniformly on the simplex.
    pub(crate) fn draw(history: &mut History, aleatoric: f64) -> Weights {
        let mut objectives = vec![1.0; history.objectives.max(1)];
        if objectives.len() > 1 {
            objectives.iter_mut().for_each(|w| *w = -math::ln(1.0 - history.rng.unit()));
            let total: f64 = objectives.iter().sum::<f64>().max(f64::MIN_POSITIVE);
            objectives.iter_mut().for_each(|w| *w /= total);
        }
        Weights { objectives, aleatoric }
    }

    /// The coefficients that a surrogate's gradient takes, for a bound of `beta` deviations.
    pub(crate) fn coefficients(&self, beta: f64) -> Vec<f64> {
        let mean = self.objectives.iter().copied();
        let epistemic = self.objectives.iter().map(|w| w * beta);
        let aleatoric = self.objectives.iter().map(|w| w * beta * self.aleatoric);
        mean.chain(epistemic).chain(aleatoric).collect()
    }

    /// One number per row.
    pub(crate) fn of(&self, values: &[f64]) -> Vec<f64> {
        let rows = values.chunks(self.objectives.len());
        rows.map(|row| row.iter().zip(&self.objectives).map(|(v, w)| v * w).sum()).collect()
    }
}

/// Candidates with their vectors and predictions.
pub(crate) struct Scored {
    pub(crate) points: Vec<Genotype>,
    rows: Vec<f64>,
    pub(crate) mean: Vec<f64>,
    pub(crate) deviation: Vec<f64>,
    /// Means and deviations of every objective, row by row.
    means: Vec<f64>,
    deviations: Vec<f64>,
    /// Probability that each keeps the constraints, where they are learned.
    kept: Vec<f64>,
}

/// Predicts all `points`; `None` if the surrogate fails.
pub(crate) fn score(model: &Model, points: Vec<Genotype>, weights: &Weights) -> Option<Scored> {
    if points.is_empty() {
        return None;
    }
    let rows = model.features.encode_all(&points);
    let prediction = model.predict(&rows)?;
    let mean = weights.of(&prediction.mean);
    let uncertain =
        prediction.epistemic.iter().zip(&prediction.aleatoric).map(|(e, a)| e + weights.aleatoric * a);
    let deviations: Vec<f64> = uncertain.collect();
    let deviation = weights.of(&deviations);
    let kept = model.probabilities(&rows).unwrap_or_else(|| vec![1.0; points.len()]);
    Some(Scored { points, rows, mean, deviation, means: prediction.mean, deviations, kept })
}

impl Scored {
    fn extend(&mut self, more: Scored) {
        self.points.extend(more.points);
        self.rows.extend(more.rows);
        self.mean.extend(more.mean);
        self.deviation.extend(more.deviation);
        self.means.extend(more.means);
        self.deviations.extend(more.deviations);
        self.kept.extend(more.kept);
    }

    /// Positions of the `count` best candidates, chosen one after another: what is certain once `open` and those chosen before are
    /// evaluated counts no more, so that a batch is diverse. With them, what every candidate was worth when the first was chosen.
    pub(crate) fn choose(
        &self,
        model: &Model,
        weights: &Weights,
        acquisition: Acquisition,
        count: usize,
        history: &mut History,
    ) -> (Vec<usize>, Vec<f64>) {
        let dimension = model.features.dimension();
        let row = |i: usize| &self.rows[i * dimension..(i + 1) * dimension];
        let best = model.feasible_targets().flat_map(|row| weights.of(row)).fold(f64::NEG_INFINITY, f64::max);
        let has_limits = self.kept.iter().any(|p| *p < 1.0);
        let draws: Vec<f64> = match acquisition {
            Acquisition::Draw => (0..self.points.len()).map(|_| normal(history)).collect(),
            _ => vec![0.0; self.points.len()],
        };
        let reach = self.reach(dimension);
        let mut certain = vec![1.0f64; self.points.len()];
        let discount = |certain: &mut Vec<f64>, x: &[f64]| {
            for (i, share) in certain.iter_mut().enumerate() {
                let similar = math::exp(-squared_distance(row(i), x) / reach);
                *share *= math::sqrt((1.0 - similar * similar).max(0.0));
            }
        };
        for open in history.open() {
            discount(&mut certain, &model.features.encode(open));
        }
        let mut front = match acquisition {
            Acquisition::Hypervolume(_) => model.front(history.open()),
            _ => Front::new([]),
        };
        let (mut chosen, mut worths): (Vec<usize>, Vec<f64>) = (Vec::new(), Vec::new());
        while chosen.len() < count.min(self.points.len()) {
            let worth = |i: usize| {
                let deviation = self.deviation[i] * certain[i];
                let value = match acquisition {
                    Acquisition::Improvement => improvement(self.mean[i], deviation, best),
                    Acquisition::Bound(beta) => self.mean[i] + beta * deviation,
                    Acquisition::Draw => self.mean[i] + draws[i] * deviation,
                    Acquisition::Hypervolume(beta) => front.gain(&self.bound(i, beta * certain[i])),
                    Acquisition::Uncertainty => deviation,
                };
                match (has_limits, acquisition) {
                    (false, _) => value,
                    (true, Acquisition::Bound(_) | Acquisition::Draw) => expected(value - best, self.kept[i]),
                    (true, _) => expected(value, self.kept[i]),
                }
            };
            let left = (0..self.points.len()).filter(|i| !chosen.contains(i)).map(|i| (i, worth(i)));
            let left: Vec<(usize, f64)> = left.collect();
            if chosen.is_empty() {
                worths = left.iter().map(|(_, worth)| *worth).collect();
            }
            let Some((next, _)) = left.into_iter().max_by(|(i, x), (j, y)| x.total_cmp(y).then(j.cmp(i)))
            else {
                break;
            };
            discount(&mut certain, row(next));
            front.add(self.bound(next, 0.0));
            chosen.push(next);
        }
        (chosen, worths)
    }

    /// Mean plus so many deviations of every objective.
    fn bound(&self, i: usize, beta: f64) -> Vec<f64> {
        let objectives = self.means.len() / self.points.len();
        let of = i * objectives..(i + 1) * objectives;
        self.means[of.clone()].iter().zip(&self.deviations[of]).map(|(m, d)| m + beta * d).collect()
    }

    /// Squared distance at which two candidates count as unlike: a quarter of the mean over the candidates from the first.
    fn reach(&self, dimension: usize) -> f64 {
        let first = &self.rows[..dimension];
        let total: f64 = self.rows.chunks(dimension).map(|row| squared_distance(row, first)).sum();
        let reach = 0.25 * total / self.points.len() as f64;
        if reach > 0.0 { reach } else { 1.0 }
    }
}

/// What a gain is worth that counts only if the constraints are kept, with that probability. Before anything has kept them, the
/// probability alone counts.
fn expected(gain: f64, kept: f64) -> f64 {
    match gain {
        gain if gain == f64::INFINITY => kept,
        gain if gain > 0.0 => gain * kept,
        gain => gain * (2.0 - kept),
    }
}

/// Expected improvement over `best`, in logarithms where it is tiny so that candidates stay comparable.
fn improvement(mean: f64, deviation: f64, best: f64) -> f64 {
    if deviation <= 0.0 {
        return if mean > best { mean - best } else { mean - best - 1e3 };
    }
    let z = (mean - best) / deviation;
    if z < -6.0 {
        // Far below: falls monotonically from what the formula gives at its edge.
        return z * 1e-12;
    }
    deviation * (z * normal_probability(z) + normal_density(z))
}

/// A standard normal draw (Box and Muller).
fn normal(history: &mut History) -> f64 {
    let (u, v) = (1.0 - history.rng.unit(), history.rng.unit());
    math::sqrt(-2.0 * math::ln(u)) * math::cos(2.0 * std::f64::consts::PI * v)
}

/// Unknown candidates: neighbours of the outcomes at `around`, points two changes away from them, and `random` samples.
pub(crate) fn pool(
    history: &mut History,
    around: &[usize],
    random: usize,
) -> Result<Vec<Genotype>, PluginError> {
    let best: Vec<Genotype> = around.iter().map(|i| history.outcomes[*i].genotype.clone()).collect();
    let mut seen = HashSet::new();
    let mut pool = Vec::new();
    for point in &best {
        for neighbour in neighbours(history, point)? {
            if !history.is_known(&neighbour) && seen.insert(neighbour.clone()) {
                pool.push(neighbour);
            }
        }
        for _ in 0..MOST_NEIGHBOURS / 4 {
            let near = history.points.mutate(point, &mut history.rng).map_err(start::invalid)?;
            let next = history.points.mutate(&near, &mut history.rng).map_err(start::invalid)?;
            let next = history.pinned(next)?;
            if !history.is_known(&next) && seen.insert(next.clone()) {
                pool.push(next);
            }
        }
    }
    for _ in 0..random {
        let point = history.sample();
        if !history.is_known(&point) && seen.insert(point.clone()) {
            pool.push(point);
        }
    }
    Ok(pool)
}

/// The candidates and the unknown neighbours of the best of them, `climbs` times over, scored; `None` if the surrogate fails.
pub(crate) fn climbed(
    model: &Model,
    candidates: Vec<Genotype>,
    weights: &Weights,
    acquisition: Acquisition,
    climbs: usize,
    history: &mut History,
) -> Result<Option<Scored>, PluginError> {
    let mut seen: HashSet<Genotype> = candidates.iter().cloned().collect();
    let Some(mut scored) = score(model, candidates, weights) else { return Ok(None) };
    for _ in 0..climbs {
        let (best, _) = scored.choose(model, weights, acquisition, CLIMBERS, history);
        let mut more = Vec::new();
        for i in best {
            more.extend(neighbours(history, &scored.points[i])?);
        }
        more.retain(|point| !history.is_known(point) && seen.insert(point.clone()));
        if more.is_empty() {
            break;
        }
        let Some(more) = score(model, more, weights) else { return Ok(None) };
        scored.extend(more);
    }
    Ok(Some(scored))
}

/// All neighbours of a point, or so many of them by chance.
pub(crate) fn neighbours(history: &mut History, point: &Genotype) -> Result<Vec<Genotype>, PluginError> {
    let changes: usize = history.points.space().choices.iter().map(|c| c.values.len() - 1).sum();
    let near = match changes <= 2 * MOST_NEIGHBOURS {
        true => history.points.neighbours(point).map_err(start::invalid)?,
        false => (0..MOST_NEIGHBOURS)
            .map(|_| history.points.mutate(point, &mut history.rng).map_err(start::invalid))
            .collect::<Result<_, _>>()?,
    };
    near.into_iter().map(|point| history.pinned(point)).collect()
}

#[cfg(test)]
mod tests {
    use super::improvement;

    #[test]
    fn improvement_is_that_of_its_formula_and_never_falls_with_the_mean() {
        assert!((improvement(0.0, 1.0, 0.0) - 0.398_942_280).abs() < 1e-7);
        assert!((improvement(1.0, 0.5, 0.0) - 1.004_245_4).abs() < 1e-5);
        let values: Vec<f64> = (-200..50).map(|i| improvement(f64::from(i) / 10.0, 1.0, 0.0)).collect();
        assert!(values.windows(2).all(|pair| pair[0] <= pair[1]));
        assert!(improvement(-0.1, 0.0, 0.0) < improvement(-9.0, 1.0, 0.0));
    }
}
