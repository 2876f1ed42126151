//! How well they learn, and whether their intervals mean what they say.

use super::*;
use codebench_sdk::math::sin;

fn smooth(x: &[f64]) -> f64 {
    sin(4.0 * x[0]) + x[1] * x[2] - 0.5 * x[3] * x[3]
}

fn deviation(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    (values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / values.len() as f64).sqrt()
}

/// Root mean square error on fresh points, as a share of the deviation of the truth; records come in batches.
fn error(id: &str, parameters: &str, records: usize) -> f64 {
    let mut rng = Rng::new(21, 0);
    let mut surrogate = make(id, parameters, 4, 1, false);
    let x = points(&mut rng, records, 4);
    let y: Vec<f64> = x.chunks(4).map(smooth).collect();
    for part in [records / 2, records * 3 / 4, records] {
        surrogate.fit(&x[..part * 4], &y[..part]).unwrap();
    }
    let at = points(&mut rng, 400, 4);
    let truth: Vec<f64> = at.chunks(4).map(smooth).collect();
    let mean = surrogate.predict(&at, 400).unwrap().mean;
    let square = truth.iter().zip(&mean).map(|(t, m)| (t - m) * (t - m)).sum::<f64>() / 400.0;
    square.sqrt() / deviation(&truth)
}

/// What each may err, as a share of the deviation of the truth.
const MOST_ERROR: [(&str, f64); IDS.len()] = [
    ("codebench/gp", 0.02),
    ("codebench/boshnas-surrogate", 0.3),
    ("codebench/deep-ensemble", 0.2),
    ("codebench/random-forest", 0.6),
];

#[test]
fn they_learn_a_smooth_function() {
    for (id, most) in MOST_ERROR {
        let error = error(id, "", 120);
        println!("{id}: error {error:.4} of the deviation");
        assert!(error < most, "{id}: {error}");
    }
}

/// Noise that grows along the first input.
fn noise(x: &[f64]) -> f64 {
    0.05 + 0.4 * x[0]
}

/// Share of fresh noisy targets within the central interval of `z` deviations, and the correlation of the aleatoric
/// deviation with the true one.
fn coverage(id: &str, parameters: &str, z: f64) -> (f64, f64) {
    let mut rng = Rng::new(33, 0);
    let (mut inside, mut correlation) = (0, 0.0);
    const RUNS: usize = 4;
    for _ in 0..RUNS {
        let mut surrogate = make(id, parameters, 3, 1, false);
        let truth = |x: &[f64]| sin(3.0 * x[0]) + x[1] - 0.5 * x[2];
        let x = points(&mut rng, 300, 3);
        let y: Vec<f64> = x.chunks(3).map(|x| truth(x) + noise(x) * normal(&mut rng)).collect();
        surrogate.fit(&x, &y).unwrap();
        let at = points(&mut rng, 500, 3);
        let p = surrogate.predict(&at, 500).unwrap();
        for (i, x) in at.chunks(3).enumerate() {
            let target = truth(x) + noise(x) * normal(&mut rng);
            let total = (p.epistemic[i] * p.epistemic[i] + p.aleatoric[i] * p.aleatoric[i]).sqrt();
            inside += usize::from((target - p.mean[i]).abs() <= z * total);
        }
        let levels: Vec<f64> = at.chunks(3).map(noise).collect();
        correlation += correlated(&levels, &p.aleatoric) / RUNS as f64;
    }
    (inside as f64 / (RUNS * 500) as f64, correlation)
}

fn correlated(a: &[f64], b: &[f64]) -> f64 {
    let count = a.len() as f64;
    let (mean_a, mean_b) = (a.iter().sum::<f64>() / count, b.iter().sum::<f64>() / count);
    let sum: f64 = a.iter().zip(b).map(|(a, b)| (a - mean_a) * (b - mean_b)).sum();
    sum / count / (deviation(a) * deviation(b)).max(1e-300)
}

/// Those whose noise is the same everywhere.
const HOMOSCEDASTIC: [&str; 1] = ["codebench/gp"];

/// 90 % intervals of the normal distribution.
const Z90: f64 = 1.644_853_626_951_472;

#[test]
fn intervals_cover_what_they_say() {
    for id in IDS {
        let (share, correlation) = coverage(id, "", Z90);
        let seen = if HOMOSCEDASTIC.contains(&id) { 1.0 } else { correlation };
        assert!(seen > 0.6, "{id}: the noise is not seen: {correlation}");
        println!("{id}: {share:.3} within 90 % intervals, correlation of the noise {correlation:.2}");
        assert!((0.85..=0.97).contains(&share), "{id}: {share}");
    }
}
