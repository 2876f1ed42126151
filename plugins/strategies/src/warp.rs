//! Targets made fit for a surrogate.

use codebench_sdk::math;

/// Normal scores: each value's rank as a quantile of the standard normal distribution; equal values share the mean of their ranks.
///
/// Differences near the best keep their size however far below the worst lie.
pub(crate) fn normal_scores(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&i, &j| values[i].total_cmp(&values[j]).then(i.cmp(&j)));
    let mut scores = vec![0.0; values.len()];
    let mut start = 0;
    while start < order.len() {
        let mut end = start + 1;
        while end < order.len() && values[order[end]] == values[order[start]] {
            end += 1;
        }
        let rank = (start + end) as f64 / 2.0;
        let score = normal_quantile(rank / values.len() as f64);
        order[start..end].iter().for_each(|i| scores[*i] = score);
        start = end;
    }
    scores
}

/// Standard normal quantile of a probability within (0, 1), to 1e-9 (Acklam's approximation).
pub(crate) fn normal_quantile(p: f64) -> f64 {
    const A: [f64; 6] = [
        -3.969683028665376e1,
        2.209460984245205e2,
        -2.759285104469687e2,
        1.38357751867269e2,
        -3.066479806614716e1,
        2.506628277459239,
    ];
    const B: [f64; 6] = [
        -5.447609879822406e1,
        1.615858368580409e2,
        -1.556989798598866e2,
        6.680131188771972e1,
        -1.328068155288572e1,
        1.0,
    ];
    const C: [f64; 6] = [
        -7.784894002430293e-3,
        -3.223964580411365e-1,
        -2.400758277161838,
        -2.549732539343734,
        4.374664141464968,
        2.938163982698783,
    ];
    const D: [f64; 5] =
        [7.784695709041462e-3, 3.224671290700398e-1, 2.445134137142996, 3.754408661907416, 1.0];
    let horner = |coefficients: &[f64], x: f64| coefficients.iter().fold(0.0, |sum, c| sum * x + c);
    let tail = |p: f64| {
        let q = math::sqrt(-2.0 * math::ln(p));
        horner(&C, q) / horner(&D, q)
    };
    match p {
        p if p < 0.02425 => tail(p.max(1e-300)),
        p if p > 1.0 - 0.02425 => -tail((1.0 - p).max(1e-300)),
        p => {
            let q = p - 0.5;
            q * horner(&A, q * q) / horner(&B, q * q)
        }
    }
}

/// Density of the standard normal distribution.
pub(crate) fn normal_density(z: f64) -> f64 {
    math::exp(-0.5 * z * z) / math::sqrt(2.0 * std::f64::consts::PI)
}

/// Distribution function of the standard normal distribution, to 1e-7 (Abramowitz and Stegun 26.2.17).
pub(crate) fn normal_probability(z: f64) -> f64 {
    const C: [f64; 5] = [0.319381530, -0.356563782, 1.781477937, -1.821255978, 1.330274429];
    let t = 1.0 / (1.0 + 0.2316419 * z.abs());
    let sum = C.iter().rev().fold(0.0, |sum, c| sum * t + c) * t;
    let upper = normal_density(z) * sum;
    if z > 0.0 { 1.0 - upper } else { upper }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_and_probabilities_are_those_of_tables() {
        for (p, z) in
            [(0.5, 0.0), (0.975, 1.959963985), (0.01, -2.326347874), (0.999, 3.090232306), (0.8, 0.841621234)]
        {
            assert!((normal_quantile(p) - z).abs() < 1e-7, "{p}: {}", normal_quantile(p));
            assert!((normal_probability(z) - p).abs() < 1e-6, "{z}: {}", normal_probability(z));
        }
    }

    #[test]
    fn scores_keep_the_order_and_equal_values_share_one() {
        let scores = normal_scores(&[3.0, -1e9, 3.0, 4.0]);
        assert!(scores[1] < scores[0] && scores[0] == scores[2] && scores[2] < scores[3]);
        assert_eq!(normal_scores(&[7.0]), [0.0]);
        assert!(normal_scores(&[1.0, 1.0, 1.0]).iter().all(|s| s.abs() < 1e-12));
    }
}
