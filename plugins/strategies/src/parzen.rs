//! A density over the points of a space: a mixture with one component per point, all choices together.

use crate::reinforce::draw;
use codebench_sdk::math;
use codebench_sdk::prelude::*;
use codebench_sdk::space::{Rng, active};

/// Weight of the uniform component, in points.
const PRIOR: f64 = 1.0;
/// Width of a kernel at one point in one dimension, as a share of a choice's range.
const WIDTH: f64 = 0.2;
/// Points whose weight does not fade.
const RECENT: usize = 25;

/// The mixture; its last component is uniform.
pub(crate) struct Parzen {
    /// Weights of the components, of sum 1.
    weights: Vec<f64>,
    /// Kernels: probabilities by component, choice and value. Inactive choices are uniform.
    kernels: Vec<Vec<Vec<f64>>>,
    space: Space,
}

impl Parzen {
    /// The density around `points`, given in the order in which they were told.
    pub(crate) fn new(space: &Space, points: Vec<&Genotype>) -> Parzen {
        let count = points.len();
        let components = count + 1;
        let mut weights = ramp(count);
        weights.push(PRIOR);
        let total: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|w| *w /= total);
        let dimensions = space.choices.iter().filter(|c| c.values.len() > 1).count().max(1);
        let width = WIDTH * math::pow(count.max(1) as f64, -1.0 / (dimensions as f64 + 4.0));
        let width = width.max(1.0 / (1 + components).min(100) as f64);
        let kernels = points.iter().map(|point| {
            let actives = active(space, point);
            let mut is_active = vec![false; space.choices.len()];
            actives.iter().for_each(|i| is_active[*i] = true);
            let kernel = |(i, choice): (usize, &Choice)| match is_active[i] {
                true if choice.ordered => near(choice.values.len(), point.0[i] as usize, width),
                true => named(choice.values.len(), point.0[i] as usize, components),
                false => uniform(choice.values.len()),
            };
            space.choices.iter().enumerate().map(kernel).collect()
        });
        let mut kernels: Vec<Vec<Vec<f64>>> = kernels.collect();
        kernels.push(space.choices.iter().map(|c| uniform(c.values.len())).collect());
        Parzen { weights, kernels, space: space.clone() }
    }

    /// A draw, not repaired.
    pub(crate) fn draw(&self, rng: &mut Rng) -> Genotype {
        let component = draw(&self.weights, rng.unit()) as usize;
        Genotype(self.kernels[component].iter().map(|kernel| draw(kernel, rng.unit())).collect())
    }

    /// Logarithm of the density at a repaired point.
    pub(crate) fn log_density(&self, point: &Genotype) -> f64 {
        let actives = active(&self.space, point);
        let log = |kernel: &Vec<Vec<f64>>| -> f64 {
            let factor =
                |choice: &usize| kernel[*choice].get(point.0[*choice] as usize).copied().unwrap_or(0.0);
            actives.iter().map(|choice| math::ln(factor(choice).max(1e-300))).sum()
        };
        let logs: Vec<f64> =
            self.kernels.iter().zip(&self.weights).map(|(k, w)| log(k) + math::ln(*w)).collect();
        let highest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        highest + math::ln(logs.iter().map(|x| math::exp(x - highest)).sum::<f64>())
    }
}

/// Weights of points: those of the last 25 are 1, those before fall off linearly to 1/n.
fn ramp(count: usize) -> Vec<f64> {
    let old = count.saturating_sub(RECENT);
    let weight = |i: usize| match i < old {
        true if old > 1 => {
            let least = 1.0 / count as f64;
            least + (1.0 - least) * i as f64 / (old - 1) as f64
        }
        true => 1.0 / count as f64,
        false => 1.0,
    };
    (0..count).map(weight).collect()
}

fn uniform(values: usize) -> Vec<f64> {
    vec![1.0 / values.max(1) as f64; values]
}

/// The point's value, and a share of the others that shrinks as components are added.
fn named(values: usize, at: usize, components: usize) -> Vec<f64> {
    let floor = PRIOR / components as f64;
    let total = 1.0 + floor * values as f64;
    (0..values).map(|value| (floor + f64::from(u8::from(value == at))) / total).collect()
}

/// A normal distribution around the point's value, cut to the list.
fn near(values: usize, at: usize, width: f64) -> Vec<f64> {
    let range = values.saturating_sub(1).max(1) as f64;
    let weight = |value: usize| {
        let z = (value as f64 - at as f64) / range / width;
        math::exp(-0.5 * z * z)
    };
    let weights: Vec<f64> = (0..values).map(weight).collect();
    let total: f64 = weights.iter().sum();
    weights.iter().map(|w| w / total).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use codebench_sdk::space::SpaceDescription;

    #[test]
    fn densities_sum_to_one_and_draws_follow_them() {
        let text = "choices = [{ name = \"a\", values = [\"x\", \"y\", \"z\"] }, { name = \"b\", values = [1, 2, 3, 4] }]";
        let space = toml::from_str::<SpaceDescription>(text).unwrap().compile().unwrap();
        let told = [Genotype(vec![1, 2]), Genotype(vec![0, 3]), Genotype(vec![1, 3])];
        let parzen = Parzen::new(&space, told.iter().collect());
        let all: Vec<Genotype> = (0..12).map(|i| Genotype(vec![i / 4, i % 4])).collect();
        let densities: Vec<f64> = all.iter().map(|g| math::exp(parzen.log_density(g))).collect();
        assert!((densities.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        let mut rng = Rng::new(1, 0);
        let mut counts = [0u32; 12];
        for _ in 0..24_000 {
            let drawn = parzen.draw(&mut rng);
            counts[(drawn.0[0] * 4 + drawn.0[1]) as usize] += 1;
        }
        for (count, density) in counts.iter().zip(&densities) {
            let expected = density * 24_000.0;
            assert!(
                (f64::from(*count) - expected).abs() < 5.0 * expected.sqrt() + 1.0,
                "{count} of {expected}"
            );
        }
    }

    #[test]
    fn old_points_count_less() {
        assert_eq!(ramp(3), [1.0; 3]);
        let weights = ramp(50);
        assert_eq!((weights[0], weights[24], weights[49]), (0.02, 1.0, 1.0));
    }
}
