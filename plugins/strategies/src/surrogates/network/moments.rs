//! Activations of natural-parameter networks: what a function makes of the mean and variance of its argument.
//!
//! After Wang, Shi and Yeung, "Natural-parameter networks" (2016), in the approximations of the paper's released surrogate.

use super::scalar::Scalar;

/// Mean and variance after the activation, and their derivatives: mean by mean, mean by variance, variance by mean,
/// variance by variance.
pub(crate) type Activated<T> = (T, T, [T; 4]);

/// The least variance that goes into an activation: its root is taken.
pub(crate) const LEAST_VARIANCE: f64 = 1e-12;

/// The rectifier. With `t = mean / deviation`, the mean becomes `deviation P(t)` and the variance `variance V(t)`.
#[inline(always)]
pub(crate) fn rectifier<T: Scalar>(mean: T, variance: T) -> Activated<T> {
    let one = T::new(1.0);
    let half = T::new(0.5);
    // sqrt(8 / pi), 1 / sqrt(2 pi)
    let steepness = T::new(1.595_769_121_605_730_7);
    let deviation = variance.root();
    let t = mean / deviation;
    let gate = (steepness * t).sigmoid();
    let gate_slope = steepness * gate * (one - gate);
    let density = T::new(0.398_942_280_401_432_7) * (-(half * t * t)).exp();
    let p = gate * t + density;
    let p_slope = gate + t * gate_slope - t * density;
    let square = one + t * t;
    let v = gate * square + t * density - p * p;
    let q_slope = gate_slope * square + T::new(2.0) * t * gate + density - t * t * density;
    let v_slope = q_slope - T::new(2.0) * p * p_slope;
    let by_variance = (p - t * p_slope) * half / deviation;
    (deviation * p, variance * v, [p_slope, by_variance, deviation * v_slope, v - half * t * v_slope])
}

/// The logistic function.
#[inline(always)]
pub(crate) fn logistic<T: Scalar>(mean: T, variance: T) -> Activated<T> {
    let one = T::new(1.0);
    let half = T::new(0.5);
    // pi / 8, 4 - 2 sqrt(2), -ln(sqrt(2) + 1)
    let xi = T::new(std::f64::consts::FRAC_PI_8);
    let alpha = T::new(4.0 - 2.0 * std::f64::consts::SQRT_2);
    let beta = T::new(-0.881_373_587_019_543);
    let narrow = one / (one + xi * variance).root();
    let m = (mean * narrow).sigmoid();
    let m_slope = m * (one - m);
    let spread = xi * alpha * alpha;
    let narrower = one / (one + spread * variance).root();
    let shifted = alpha * (mean + beta);
    let square = (shifted * narrower).sigmoid();
    let square_slope = square * (one - square);
    let m_by_mean = m_slope * narrow;
    let m_by_variance = -(m_slope * mean * half * xi * narrow * narrow * narrow);
    let square_by_mean = square_slope * alpha * narrower;
    let square_by_variance = -(square_slope * shifted * half * spread * narrower * narrower * narrower);
    let twice = T::new(2.0) * m;
    (
        m,
        square - m * m,
        [
            m_by_mean,
            m_by_variance,
            square_by_mean - twice * m_by_mean,
            square_by_variance - twice * m_by_variance,
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::super::scalar::Dual;
    use super::*;

    fn agrees(activation: fn(Dual, Dual) -> Activated<Dual>) {
        for (mean, variance) in [(-2.0, 0.1), (-0.5, 0.5), (0.0, 1.0), (0.3, 0.02), (1.7, 2.0), (4.0, 0.7)] {
            let along = |m: f64, s: f64| {
                activation(Dual { value: mean, slope: m }, Dual { value: variance, slope: s })
            };
            let (by_mean, by_variance) = (along(1.0, 0.0), along(0.0, 1.0));
            let pairs = [by_mean.0.slope, by_variance.0.slope, by_mean.1.slope, by_variance.1.slope];
            for (derivative, partial) in pairs.into_iter().zip(by_mean.2) {
                assert!((derivative - partial.value).abs() < 1e-12, "{derivative} {}", partial.value);
            }
        }
    }

    #[test]
    fn derivatives_are_those_of_the_values() {
        agrees(rectifier);
        agrees(logistic);
    }

    #[test]
    fn variances_are_never_negative() {
        for i in -400..400 {
            for variance in [1e-12, 1e-6, 1e-3, 0.1, 1.0, 30.0] {
                let mean = f64::from(i) * 0.05;
                assert!(rectifier(mean, variance).1 >= 0.0, "{mean} {variance}");
                assert!(logistic(mean, variance).1 >= -1e-15, "{mean} {variance}");
            }
        }
    }

    /// Values of the released surrogate's layers.
    fn golden() -> serde_json::Value {
        serde_json::from_str(include_str!("../../../../../tests/golden/npn.json")).unwrap()
    }

    fn numbers(value: &serde_json::Value) -> Vec<f64> {
        match value.as_array() {
            Some(list) => list.iter().flat_map(numbers).collect(),
            None => vec![value.as_f64().unwrap()],
        }
    }

    fn assert_near(ours: &[f64], golden: &serde_json::Value, what: &str) {
        let golden = numbers(golden);
        assert_eq!(ours.len(), golden.len(), "{what}");
        for (a, b) in ours.iter().zip(golden) {
            assert!((a - b).abs() <= 1e-12 * b.abs().max(1e-3), "{what}: {a} instead of {b}");
        }
    }

    #[test]
    fn activations_equal_the_released_ones() {
        let golden = golden();
        type Activation = fn(f64, f64) -> Activated<f64>;
        for (name, function) in [("relu", rectifier as Activation), ("sigmoid", logistic)] {
            let case = &golden[name];
            let pairs = numbers(&case["m"]).into_iter().zip(numbers(&case["s"]));
            let (means, variances): (Vec<f64>, Vec<f64>) =
                pairs.map(|(m, s)| function(m, s)).map(|(m, v, _)| (m, v)).unzip();
            assert_near(&means, &case["a_m"], name);
            assert_near(&variances, &case["a_s"], name);
        }
    }

    #[test]
    fn layers_equal_the_released_ones() {
        use super::super::{Flow, Layer};
        let golden = golden();
        for (name, first) in [("linear", false), ("linear_single_input", true)] {
            let case = &golden[name];
            let positive = |raw: &serde_json::Value| -> Vec<f64> {
                numbers(raw).into_iter().map(|x| x.softplus().0).collect()
            };
            let mut own = numbers(&case["W_m"]);
            own.extend(numbers(&case["b_m"]));
            own.extend(positive(&case["W_s_raw"]));
            own.extend(positive(&case["b_s_raw"]));
            let variance = if first { Vec::new() } else { numbers(&case["x_s"]) };
            let input = Flow { mean: numbers(&case["x_m"]), variance };
            let layer = Layer::Moments { at: 0, inputs: 3, outputs: 4, first };
            let (flow, _) = layer.forward(2, &input, &own, &[]);
            assert_near(&flow.mean, &case["o_m"], name);
            assert_near(&flow.variance, &case["o_s"], name);
        }
    }

    /// The released loss is the sum over all outputs, with weight 10.
    #[test]
    fn the_loss_equals_the_released_one() {
        use super::super::{Flow, Loss};
        let case = &golden()["aleatoric_loss"];
        let single =
            |values: &serde_json::Value| -> Vec<f32> { numbers(values).iter().map(|x| *x as f32).collect() };
        let output = Flow { mean: single(&case["m"]), variance: single(&case["s"]) };
        let count = output.mean.len();
        let label = case["label"].as_f64().unwrap() as f32;
        let (mean, _) = Loss::Moments { weight: 10.0 }.of(&output, &vec![label; count]);
        let golden = case["loss"].as_f64().unwrap();
        let ours = f64::from(mean) * count as f64;
        assert!((ours - golden).abs() < 1e-4 * golden, "{ours} instead of {golden}");
    }
}
