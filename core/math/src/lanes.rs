//! Functions without branches or tables, made of IEEE additions, multiplications, divisions and shifts only: loops over them
//! are vectorised, and their bits are the same on every platform. They are within a few units in the last place of libm.

const LOG2_E: f64 = std::f64::consts::LOG2_E;
/// The logarithm of 2 in two parts; the first has zeros at the end, so that its products with small whole numbers are exact.
const LN2_HIGH: f64 = 6.931_471_803_691_238e-1;
const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;
/// Adding it rounds to a whole number, which then stands in the low bits.
const ROUND: f64 = 6_755_399_441_055_744.0;

/// `exp(x)`, with `x` cut to -708..709: never zero, never infinite.
#[inline(always)]
pub fn exp(x: f64) -> f64 {
    let x = if x < 709.0 { x } else { 709.0 };
    let x = if x > -708.0 { x } else { -708.0 };
    let shifted = x * LOG2_E + ROUND;
    let whole = shifted - ROUND;
    let r = (x - whole * LN2_HIGH) - whole * LN2_LOW;
    let mut p = 1.0 / 6_227_020_800.0;
    p = p * r + 1.0 / 479_001_600.0;
    p = p * r + 1.0 / 39_916_800.0;
    p = p * r + 1.0 / 3_628_800.0;
    p = p * r + 1.0 / 362_880.0;
    p = p * r + 1.0 / 40_320.0;
    p = p * r + 1.0 / 5_040.0;
    p = p * r + 1.0 / 720.0;
    p = p * r + 1.0 / 120.0;
    p = p * r + 1.0 / 24.0;
    p = p * r + 1.0 / 6.0;
    p = p * r + 0.5;
    p = p * r + 1.0;
    p = p * r + 1.0;
    p * f64::from_bits(shifted.to_bits().wrapping_add(1023) << 52)
}

/// `ln(1 + t)` for `t` from 0 to 1.
#[inline(always)]
fn ln_1p_of_fraction(t: f64) -> f64 {
    let s = t / (2.0 + t);
    let q = s * s;
    let mut p = 1.0 / 33.0;
    p = p * q + 1.0 / 31.0;
    p = p * q + 1.0 / 29.0;
    p = p * q + 1.0 / 27.0;
    p = p * q + 1.0 / 25.0;
    p = p * q + 1.0 / 23.0;
    p = p * q + 1.0 / 21.0;
    p = p * q + 1.0 / 19.0;
    p = p * q + 1.0 / 17.0;
    p = p * q + 1.0 / 15.0;
    p = p * q + 1.0 / 13.0;
    p = p * q + 1.0 / 11.0;
    p = p * q + 1.0 / 9.0;
    p = p * q + 1.0 / 7.0;
    p = p * q + 1.0 / 5.0;
    p = p * q + 1.0 / 3.0;
    p = p * q + 1.0;
    2.0 * s * p
}

/// `ln(1 + exp(x))` and its derivative, the logistic function of `x`.
#[inline(always)]
pub fn softplus(x: f64) -> (f64, f64) {
    let t = exp(-x.abs());
    let share = 1.0 / (1.0 + t);
    let positive = if x > 0.0 { x } else { 0.0 };
    let slope = if x > 0.0 { share } else { t * share };
    (positive + ln_1p_of_fraction(t), slope)
}

/// The logistic function `1 / (1 + exp(-x))`.
#[inline(always)]
pub fn sigmoid(x: f64) -> f64 {
    let t = exp(-x.abs());
    let share = 1.0 / (1.0 + t);
    if x > 0.0 { share } else { t * share }
}

const ROUND_F32: f32 = 12_582_912.0;

/// [`exp`] in single precision, with `x` cut to -87..88.
#[inline(always)]
pub fn exp_f32(x: f32) -> f32 {
    let x = if x < 88.0 { x } else { 88.0 };
    let x = if x > -87.0 { x } else { -87.0 };
    let shifted = x * std::f32::consts::LOG2_E + ROUND_F32;
    let whole = shifted - ROUND_F32;
    let r = (x - whole * 0.693_359_4) - whole * -2.121_944_4e-4;
    let mut p = 1.0 / 5_040.0;
    p = p * r + 1.0 / 720.0;
    p = p * r + 1.0 / 120.0;
    p = p * r + 1.0 / 24.0;
    p = p * r + 1.0 / 6.0;
    p = p * r + 0.5;
    p = p * r + 1.0;
    p = p * r + 1.0;
    p * f32::from_bits(shifted.to_bits().wrapping_add(127) << 23)
}

/// [`softplus`] in single precision.
#[inline(always)]
pub fn softplus_f32(x: f32) -> (f32, f32) {
    let t = exp_f32(-x.abs());
    let share = 1.0 / (1.0 + t);
    let s = t / (2.0 + t);
    let q = s * s;
    let mut p = 1.0 / 13.0;
    p = p * q + 1.0 / 11.0;
    p = p * q + 1.0 / 9.0;
    p = p * q + 1.0 / 7.0;
    p = p * q + 1.0 / 5.0;
    p = p * q + 1.0 / 3.0;
    p = p * q + 1.0;
    let positive = if x > 0.0 { x } else { 0.0 };
    (positive + 2.0 * s * p, if x > 0.0 { share } else { t * share })
}

/// [`sigmoid`] in single precision.
#[inline(always)]
pub fn sigmoid_f32(x: f32) -> f32 {
    let t = exp_f32(-x.abs());
    let share = 1.0 / (1.0 + t);
    if x > 0.0 { share } else { t * share }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(ours: f64, theirs: f64) -> bool {
        (ours - theirs).abs() <= 8.0 * f64::EPSILON * theirs.abs() + f64::MIN_POSITIVE
    }

    #[test]
    fn they_agree_with_libm() {
        for i in -200_000..200_000 {
            let x = f64::from(i) * 0.003_5;
            assert!(near(exp(x), libm::exp(x)), "{x}");
            let (value, slope) = softplus(x);
            let should = if x > 0.0 { x + libm::log1p(libm::exp(-x)) } else { libm::log1p(libm::exp(x)) };
            assert!(near(value, should), "{x}: {value} {should}");
            assert!(near(slope, 1.0 / (1.0 + libm::exp(-x))), "{x}");
            assert_eq!(sigmoid(x), slope);
        }
        assert_eq!(exp(0.0), 1.0);
    }

    #[test]
    fn single_precision_agrees_with_libm() {
        let near = |ours: f32, theirs: f64| {
            (f64::from(ours) - theirs).abs() <= 8.0 * f64::from(f32::EPSILON) * theirs.abs() + 1e-37
        };
        for i in -8_000..8_000 {
            let x = i as f32 * 0.01;
            let wide = f64::from(x);
            assert!(near(exp_f32(x), libm::exp(wide)), "{x}");
            let (value, slope) = softplus_f32(x);
            assert!(near(value, softplus(wide).0), "{x}: {value}");
            assert!(near(slope, sigmoid(wide)) && sigmoid_f32(x) == slope, "{x}");
        }
        assert!(exp_f32(-1e9) > 0.0 && exp_f32(1e9).is_finite());
    }

    #[test]
    fn far_arguments_stay_finite_and_positive() {
        assert!(exp(-1e9) > 0.0 && exp(1e9).is_finite());
        assert_eq!(softplus(1e6), (1e6, 1.0));
        assert!(softplus(-1e6).0 < 1e-300);
    }

    /// The bits are a promise: results of searches depend on them.
    #[test]
    fn bits_never_change() {
        let bits = [-3.7, 0.3, 11.25].map(|x| exp(x).to_bits());
        assert_eq!(bits, GOLDEN_EXP);
        let bits = [-3.7, 0.3, 11.25].map(|x| softplus(x).0.to_bits());
        assert_eq!(bits, GOLDEN_SOFTPLUS);
    }

    const GOLDEN_EXP: [u64; 3] = [4582783292742766660, 4608758042795448982, 4680019561068309168];
    const GOLDEN_SOFTPLUS: [u64; 3] = [4582696627478612405, 4605870567466537392, 4622522812353158146];
}
