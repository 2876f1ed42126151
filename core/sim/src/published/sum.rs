//! Sums of doubles in closed form, bit for bit what adding one term after another gives.
//!
//! Within one binade a double is a whole number of units in the last place, and adding a constant term moves it by a
//! whole number of units that does not depend on the value: the term in units, rounded. Only when the term ends in
//! exactly half a unit does the value matter, and then only through its parity (ties go to even). So one addition is a
//! function of the parity alone, such functions compose, and a repeated sequence of additions has a closed form for
//! as long as the sum stays in its binade. At the few crossings into the next binade the terms are added one by one.

/// Significands are below this; a value at or above it has left the binade.
pub(crate) const BINADE_END: u64 = 1 << 53;
const FRACTION: u64 = (1 << 52) - 1;
/// Exponent of the unit in the last place of subnormal numbers and of the first binade.
const LOWEST: i32 = -1074;

/// A non-negative finite double as `significand x 2^exponent`, with the exponent of its unit in the last place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decomposed {
    pub(crate) significand: u64,
    pub(crate) exponent: i32,
}

impl Decomposed {
    pub(crate) fn of(value: f64) -> Decomposed {
        let bits = value.to_bits();
        let fraction = bits & FRACTION;
        // Eleven bits: fits.
        let exponent = ((bits >> 52) & 0x7ff) as i32;
        if exponent == 0 {
            Decomposed { significand: fraction, exponent: LOWEST }
        } else {
            Decomposed { significand: fraction | (FRACTION + 1), exponent: exponent - 1 + LOWEST }
        }
    }

    pub(crate) fn value(self) -> f64 {
        if self.significand > FRACTION {
            let biased = (self.exponent - LOWEST + 1) as u64;
            f64::from_bits((biased << 52) | (self.significand & FRACTION))
        } else {
            f64::from_bits(self.significand)
        }
    }
}

/// What one or more additions do to a significand of one binade: the increment if it is even, and if it is odd.
///
/// Increments saturate; one that leaves the binade is never applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    even: u64,
    odd: u64,
}

impl Step {
    /// Adds nothing.
    pub(crate) const NOTHING: Step = Step { even: 0, odd: 0 };

    /// Adding `term` in the binade whose unit in the last place is `2^exponent`.
    pub(crate) fn of(term: Decomposed, exponent: i32) -> Step {
        let Decomposed { significand, exponent: own } = term;
        let shift = own - exponent;
        if shift >= 0 {
            let fits = shift < 11 || significand == 0;
            let increment = if fits { significand << (shift & 63) } else { u64::MAX };
            return Step { even: increment, odd: increment };
        }
        let shift = shift.unsigned_abs();
        if shift > 53 {
            return Step::NOTHING;
        }
        let floor = significand >> shift;
        let rest = significand & ((1 << shift) - 1);
        let half = 1 << (shift - 1);
        let rounded = floor + u64::from(rest > half);
        let tie = u64::from(rest == half);
        // On a tie the sum of significand and floor goes to the even neighbour.
        Step { even: rounded + (tie & floor & 1), odd: rounded + (tie & !floor & 1) }
    }

    /// The increment of `significand`.
    pub(crate) fn increment(self, significand: u64) -> u64 {
        if significand & 1 == 0 { self.even } else { self.odd }
    }

    /// This, then `next`.
    pub(crate) fn then(self, next: Step) -> Step {
        Step {
            even: self.even.saturating_add(next.increment(self.even)),
            odd: self.odd.saturating_add(next.increment(self.odd ^ 1)),
        }
    }

    /// This, `times` over.
    pub(crate) fn times(self, mut times: u64) -> Step {
        if self.even == self.odd {
            let increment = self.even.saturating_mul(times);
            return Step { even: increment, odd: increment };
        }
        let (mut result, mut power) = (Step::NOTHING, self);
        while times > 0 {
            if times & 1 == 1 {
                result = result.then(power);
            }
            power = power.then(power);
            times >>= 1;
        }
        result
    }

    /// The largest number of times, at most `limit`, that this applies to `significand` within the binade.
    pub(crate) fn most_times(self, significand: u64, limit: u64) -> u64 {
        let room = BINADE_END - 1 - significand;
        if self.even == self.odd {
            return room.checked_div(self.even).map_or(limit, |times| times.min(limit));
        }
        let (mut low, mut high) = (0, limit);
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            if self.times(middle).increment(significand) <= room { low = middle } else { high = middle - 1 }
        }
        low
    }
}

/// A running sum.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sum(Decomposed);

impl Sum {
    pub(crate) const ZERO: Sum = Sum(Decomposed { significand: 0, exponent: LOWEST });

    pub(crate) fn value(self) -> f64 {
        self.0.value()
    }

    pub(crate) fn exponent(self) -> i32 {
        self.0.exponent
    }

    /// Adds one term.
    pub(crate) fn add(&mut self, term: f64) {
        self.0 = Decomposed::of(self.0.value() + term);
    }

    /// Adds `term`, `times` over.
    pub(crate) fn add_times(&mut self, term: f64, mut times: u64) {
        let decomposed = Decomposed::of(term);
        while times > 0 {
            let step = Step::of(decomposed, self.0.exponent);
            let applied = self.most_times(step, times);
            self.apply(step.times(applied));
            times -= applied;
            if times > 0 {
                self.add(term);
                times -= 1;
            }
        }
    }

    /// The largest number of times, at most `limit`, that `step` stays in the binade.
    pub(crate) fn most_times(self, step: Step, limit: u64) -> u64 {
        step.most_times(self.0.significand, limit)
    }

    /// Applies a step that stays in the binade.
    pub(crate) fn apply(&mut self, step: Step) {
        self.0.significand += step.increment(self.0.significand);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Terms and starts near each other in magnitude, with few significant bits so that ties are frequent, and
    /// subnormals among them.
    fn number() -> impl Strategy<Value = f64> {
        prop_oneof![
            (0u64..16, -60i32..8).prop_map(|(s, e)| s as f64 * 2f64.powi(e)),
            (0u64..BINADE_END, -80i32..-40).prop_map(|(s, e)| s as f64 * 2f64.powi(e)),
            (0u64..64).prop_map(f64::from_bits),
            (0u64..BINADE_END * 3).prop_map(f64::from_bits),
            (0.0..1e9f64),
        ]
    }

    fn naive(start: f64, terms: &[f64], times: u64) -> f64 {
        let mut sum = start;
        for _ in 0..times {
            for term in terms {
                sum += term;
            }
        }
        sum
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn decomposition_is_exact(value in number()) {
            prop_assert_eq!(Decomposed::of(value).value().to_bits(), value.to_bits());
        }

        #[test]
        fn repeated_terms_equal_the_loop(start in number(), term in number(), times in 0u64..3000) {
            let mut sum = Sum(Decomposed::of(start));
            sum.add_times(term, times);
            prop_assert_eq!(sum.value().to_bits(), naive(start, &[term], times).to_bits());
        }

        #[test]
        fn steps_within_a_binade_equal_the_loop(
            start in number(),
            terms in prop::collection::vec(number(), 1..6),
            times in 0u64..200,
        ) {
            let mut sum = Sum(Decomposed::of(start));
            let once = terms
                .iter()
                .map(|t| Step::of(Decomposed::of(*t), sum.exponent()))
                .fold(Step::NOTHING, Step::then);
            let applied = sum.most_times(once, times);
            sum.apply(once.times(applied));
            prop_assert_eq!(sum.value().to_bits(), naive(start, &terms, applied).to_bits());
            // One more would have left the binade.
            if applied < times {
                prop_assert_eq!(sum.most_times(once, 1), 0);
            }
        }
    }

    #[test]
    fn ties_go_to_even() {
        let start = (BINADE_END - 40) as f64;
        for times in 0..100 {
            let mut sum = Sum(Decomposed::of(start));
            sum.add_times(0.5, times);
            assert_eq!(sum.value(), naive(start, &[0.5], times));
            let mut sum = Sum(Decomposed::of(start + 1.0));
            sum.add_times(1.5, times);
            assert_eq!(sum.value(), naive(start + 1.0, &[1.5], times));
        }
    }
}
