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

/// A surrogate fitted to records in the lower half of the cube.
fn half_known(id: &str, parameters: &str) -> Box<dyn Surrogate> {
    let mut rng = Rng::new(41, 0);
    let mut surrogate = make(id, parameters, 4, 1, true);
    let x: Vec<f64> = points(&mut rng, 120, 4).iter().map(|x| 0.5 * x).collect();
    let y: Vec<f64> = x.chunks(4).map(|x| smooth(x) + 0.02 * normal(&mut rng)).collect();
    surrogate.fit(&x, &y).unwrap();
    surrogate
}

#[test]
fn far_from_the_records_less_is_known() {
    let mut rng = Rng::new(42, 0);
    let near: Vec<f64> = points(&mut rng, 200, 4).iter().map(|x| 0.5 * x).collect();
    let far: Vec<f64> = near.iter().map(|x| 0.5 + x).collect();
    for id in ["codebench/gp", "codebench/deep-ensemble"] {
        let surrogate = half_known(id, "");
        let mean = |x: &[f64]| surrogate.predict(x, 200).unwrap().epistemic.iter().sum::<f64>() / 200.0;
        let (near, far) = (mean(&near), mean(&far));
        println!("{id}: epistemic deviation {near:.4} near, {far:.4} far");
        assert!(far > 1.5 * near, "{id}: {near} near, {far} far");
    }
}

#[test]
fn the_student_knows_the_spread_of_its_teacher() {
    let mut rng = Rng::new(43, 0);
    let at = points(&mut rng, 200, 4);
    let id = "codebench/boshnas-surrogate";
    let of = |parameters: &str| half_known(id, parameters).predict(&at, 200).unwrap();
    let (student, sampled) = (of(""), of("student = false"));
    // The teacher is the same, with and without a student.
    assert_eq!(student.mean, sampled.mean);
    let correlation = correlated(&student.epistemic, &sampled.epistemic);
    let ratio = student.epistemic.iter().sum::<f64>() / sampled.epistemic.iter().sum::<f64>();
    println!("student and samples: correlation {correlation:.2}, ratio {ratio:.2}");
    assert!(correlation > 0.7 && (0.6..1.6).contains(&ratio), "{correlation} {ratio}");
}

#[test]
fn an_ablation_leaves_out_what_it_says() {
    let mut rng = Rng::new(44, 0);
    let at = points(&mut rng, 20, 4);
    let id = "codebench/boshnas-surrogate";
    let of = |parameters: &str| half_known(id, parameters).predict(&at, 20).unwrap();
    let whole = of("");
    assert!(whole.aleatoric.iter().all(|a| *a > 0.0));
    let without = of("heteroscedastic = false");
    assert!(without.aleatoric.iter().all(|a| *a == 0.0));
    assert_eq!(without.mean, of("heteroscedastic = false\nmean = \"npn\"").mean);
    assert_eq!(without.mean, of("mean = \"teacher\"").mean);
    assert_ne!(of("branches = false").mean, whole.mean);
    assert_ne!(of("distillation = \"records\"").epistemic, whole.epistemic);
}
