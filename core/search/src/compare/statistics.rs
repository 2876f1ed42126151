//! Statistics of paired runs: ranks, the signed-rank test, Holm's correction, bootstrap bands.

use codebench_math::{exp, sqrt};
use codebench_space::Rng;

/// Pairs up to which the distribution of the signed ranks is counted exactly, where no differences are equal in size.
const MOST_EXACT: usize = 50;
/// Resamples of a bootstrap.
const RESAMPLES: usize = 1000;

/// Mean of a list; 0 for none.
pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// Median of a list; infinite values are the largest.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => sorted[n / 2],
        n => (sorted[n / 2 - 1] + sorted[n / 2]) / 2.0,
    }
}

/// Ranks from 1, the smallest value first; equal values share the mean of their ranks.
pub(crate) fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&i, &j| values[i].total_cmp(&values[j]));
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    while start < order.len() {
        let end = start + order[start..].iter().take_while(|i| values[**i] == values[order[start]]).count();
        for i in &order[start..end] {
            ranks[*i] = (start + 1 + end) as f64 / 2.0;
        }
        start = end.max(start + 1);
    }
    ranks
}

/// Two-sided p-value of Wilcoxon's signed-rank test of paired values; 1 if no pair differs.
///
/// Pairs that do not differ are left out. Without equal sizes and for at most 50 pairs the distribution is exact, else normal
/// with corrections for ties and continuity.
pub(crate) fn wilcoxon(a: &[f64], b: &[f64]) -> f64 {
    let differences: Vec<f64> = a.iter().zip(b).filter(|(x, y)| x != y).map(|(x, y)| x - y).collect();
    let sizes: Vec<f64> = differences.iter().map(|d| d.abs()).collect();
    let ranks = ranks(&sizes);
    let positive: f64 = differences.iter().zip(&ranks).filter(|(d, _)| **d > 0.0).map(|(_, rank)| rank).sum();
    let n = differences.len();
    let all = (n * (n + 1)) as f64 / 2.0;
    let smaller = positive.min(all - positive);
    let mut sorted = sizes;
    sorted.sort_by(f64::total_cmp);
    let ties: Vec<usize> = sorted.chunk_by(|x, y| x == y).map(<[f64]>::len).collect();
    if n == 0 {
        return 1.0;
    }
    if n <= MOST_EXACT && ties.iter().all(|t| *t == 1) {
        return exact(n, smaller as usize);
    }
    let count = n as f64;
    let correction: f64 = ties.iter().map(|t| (t * t * t - t) as f64).sum::<f64>() / 48.0;
    let variance = count * (count + 1.0) * (2.0 * count + 1.0) / 24.0 - correction;
    if variance <= 0.0 {
        return 1.0;
    }
    let z = (all / 2.0 - smaller - 0.5).max(0.0) / sqrt(variance);
    (2.0 * upper_tail(z)).min(1.0)
}

/// Twice the probability that the sum of a random half of the ranks 1 to `n` is at most `sum`.
fn exact(n: usize, sum: usize) -> f64 {
    let largest = n * (n + 1) / 2;
    let mut ways = vec![0.0; largest + 1];
    ways[0] = 1.0;
    for rank in 1..=n {
        for total in (rank..=largest).rev() {
            ways[total] += ways[total - rank];
        }
    }
    let all: f64 = ways.iter().sum();
    (2.0 * ways.iter().take(sum + 1).sum::<f64>() / all).min(1.0)
}

/// Probability that a standard normal number exceeds `z`, from 0 (Numerical Recipes' erfc, to 1.2e-7 of the value).
fn upper_tail(z: f64) -> f64 {
    const C: [f64; 10] = [
        -1.26551223,
        1.00002368,
        0.37409196,
        0.09678418,
        -0.18628806,
        0.27886807,
        -1.13520398,
        1.48851587,
        -0.82215223,
        0.17087277,
    ];
    let x = z / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.5 * x);
    let sum = C.iter().rev().fold(0.0, |sum, c| sum * t + c);
    0.5 * t * exp(sum - x * x)
}

/// Holm's correction of p-values for as many tests.
pub(crate) fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&i, &j| p[i].total_cmp(&p[j]));
    let mut corrected = vec![0.0; p.len()];
    let mut largest: f64 = 0.0;
    for (position, &i) in order.iter().enumerate() {
        largest = largest.max((p[i] * (p.len() - position) as f64).min(1.0));
        corrected[i] = largest;
    }
    corrected
}

/// A 95 % interval of the mean by the percentile bootstrap, a function of the values alone.
pub(crate) fn bootstrap(values: &[f64]) -> (f64, f64) {
    if values.len() < 2 {
        let only = mean(values);
        return (only, only);
    }
    let mut rng = Rng::new(0, 0);
    let mut means: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            (0..values.len()).map(|_| values[rng.index(values.len())]).sum::<f64>() / values.len() as f64
        })
        .collect();
    means.sort_by(f64::total_cmp);
    (means[RESAMPLES * 25 / 1000], means[RESAMPLES * 975 / 1000])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first values are those of R's `wilcox.test(paired = TRUE)` for the data of Hollander and Wolfe (depression).
    #[test]
    fn the_signed_rank_test_gives_known_values() {
        let before = [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30];
        #[allow(clippy::approx_constant)] // a measurement of the table, not pi
        let after = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29];
        assert!((wilcoxon(&before, &after) - 0.039_062_5).abs() < 1e-9, "{}", wilcoxon(&before, &after));
        assert_eq!(wilcoxon(&before, &before), 1.0);
        // Five pairs that all differ the same way: 2 / 2^5.
        assert_eq!(wilcoxon(&[1.0, 2.0, 3.0, 4.0, 5.0], &[0.0; 5]), 0.0625);
        // Twenty equal differences: the normal approximation with continuity and ties, z = (105 - 0.5) / sqrt(717.5 - 166.25).
        let z: f64 = 104.5 / (717.5f64 - 166.25).sqrt();
        assert!((wilcoxon(&[1.0; 20], &[0.0; 20]) - 2.0 * upper_tail(z)).abs() < 1e-12);
    }

    #[test]
    fn tails_of_the_normal_distribution_are_those_of_tables() {
        for (z, p) in [(0.0, 0.5), (1.0, 0.158655254), (1.959963985, 0.025), (3.090232306, 0.001)] {
            assert!((upper_tail(z) - p).abs() < 2e-7, "{z}: {}", upper_tail(z));
        }
    }

    #[test]
    fn ranks_share_ties_and_holm_corrects_step_by_step() {
        assert_eq!(ranks(&[3.0, 1.0, 3.0, 2.0]), [3.5, 1.0, 3.5, 2.0]);
        let corrected = holm(&[0.01, 0.04, 0.03, 0.005]);
        let expected = [0.03, 0.06, 0.06, 0.02];
        assert!(
            corrected.iter().zip(expected).all(|(x, y): (&f64, f64)| (x - y).abs() < 1e-12),
            "{corrected:?}"
        );
        assert_eq!(median(&[4.0, 1.0, f64::INFINITY, 3.0]), 3.5);
    }

    #[test]
    fn bootstrap_intervals_hold_the_mean_and_shrink() {
        let of = |n: usize| bootstrap(&(0..n).map(|i| (i % 7) as f64).collect::<Vec<_>>());
        let ((low, high), (lower, higher)) = (of(700), of(14));
        assert!(low < 3.0 && 3.0 < high && high - low < (higher - lower) / 3.0);
        assert_eq!(bootstrap(&[2.5]), (2.5, 2.5));
    }
}
