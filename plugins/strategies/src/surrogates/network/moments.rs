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
}
