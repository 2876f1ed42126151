//! Gradients and Hessian products against finite differences.

use super::*;

/// Central differences of fourth order.
fn difference(at: impl Fn(f64) -> f64, step: f64) -> f64 {
    (8.0 * (at(step) - at(-step)) - (at(2.0 * step) - at(-2.0 * step))) / (12.0 * step)
}

fn agree(exact: f64, difference: f64, scale: f64) -> bool {
    (exact - difference).abs() <= 1e-5 * exact.abs().max(difference.abs()) + 1e-6 * scale
}

/// Checks `surrogate` at a few points, on all coefficients at once and one by one.
fn exact(surrogate: &dyn Surrogate, inputs: usize, outputs: usize, what: &str) {
    let mut rng = Rng::new(5, 0);
    let mut sets: Vec<Vec<f64>> =
        (0..3).map(|part| (0..3 * outputs).map(|i| f64::from(i / outputs == part)).collect()).collect();
    sets.push((0..3 * outputs).map(|_| rng.unit() - 0.3).collect());
    for coefficients in sets {
        let x = points(&mut rng, 1, inputs);
        let v: Vec<f64> = (0..inputs).map(|_| rng.unit() - 0.5).collect();
        let moved = |by: &dyn Fn(usize) -> f64| -> Vec<f64> {
            x.iter().enumerate().map(|(i, x)| x + by(i)).collect()
        };
        let value = |x: &[f64]| -> f64 {
            let p = surrogate.predict(x, 1).unwrap();
            let all = p.mean.iter().chain(&p.epistemic).chain(&p.aleatoric);
            all.zip(&coefficients).map(|(p, c)| p * c).sum()
        };
        let gradient = surrogate.gradient(&x, &coefficients).unwrap();
        let scale = gradient.iter().fold(0.0f64, |m, g| m.max(g.abs()));
        for (i, exact) in gradient.iter().enumerate() {
            let difference = difference(|by| value(&moved(&|j| if i == j { by } else { 0.0 })), 1e-3);
            assert!(
                agree(*exact, difference, scale + 1e-3),
                "{what}, {coefficients:?}: {exact} {difference}"
            );
        }
        let product = surrogate.hvp(&x, &v, &coefficients).unwrap();
        let scale = product.iter().fold(0.0f64, |m, g| m.max(g.abs()));
        for (i, exact) in product.iter().enumerate() {
            let along = |by: f64| surrogate.gradient(&moved(&|j| by * v[j]), &coefficients).unwrap()[i];
            let difference = difference(along, 1e-3);
            assert!(
                agree(*exact, difference, scale + 1e-3),
                "{what}, {coefficients:?}: hvp {exact} {difference}"
            );
        }
    }
}

fn wavy(x: &[f64]) -> [f64; 2] {
    use codebench_sdk::math::sin;
    [sin(3.0 * x[0]) + x[1] * x[2] - 0.5 * x[3], (x[0] - 0.3) * (x[0] - 0.3) - x[3] * x[1]]
}

fn check(id: &str, parameters: &str, blocks: bool) {
    let mut rng = Rng::new(9, 0);
    let mut surrogate = make(id, parameters, 4, 2, blocks);
    let x = points(&mut rng, 40, 4);
    let y: Vec<f64> = x.chunks(4).flat_map(wavy).map(|y| y + 0.1 * normal(&mut rng)).collect();
    surrogate.fit(&x, &y).unwrap();
    exact(surrogate.as_ref(), 4, 2, &format!("{id} {parameters:?} {blocks}"));
}

#[test]
fn gp() {
    check("codebench/gp", "", false);
    check("codebench/gp", "priors = false", false);
}

#[test]
fn boshnas() {
    for parameters in [
        "",
        "mean = \"npn\"\nhead = \"sigmoid\"\nerror_weight = 10",
        "student = false",
        "heteroscedastic = false",
        "mean = \"teacher\"\nstudent = false",
    ] {
        check("codebench/boshnas-surrogate", parameters, false);
        check("codebench/boshnas-surrogate", parameters, true);
    }
}

#[test]
fn deep_ensemble() {
    check("codebench/deep-ensemble", "", false);
}
