//! Random numbers whose bits never change.
//!
//! The generator is ChaCha with 8 rounds. Its 32-byte key is the ASCII text `codebench random` (16 bytes), the seed as 8
//! bytes in little-endian order, and 8 zero bytes; the stream number is ChaCha's 64-bit nonce; the block counter starts
//! at 0. 64-bit words are read from two consecutive 32-bit words, the lower half first. Everything else here is built
//! on those words alone, so that a crate update cannot change a result.

use num_bigint::BigUint;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng as _, SeedableRng};

/// A deterministic source of random numbers.
#[derive(Debug, Clone)]
pub struct Rng(ChaCha8Rng);

impl Rng {
    /// The generator of `(seed, stream)`; different streams of one seed are independent.
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut key = [0; 32];
        key[..16].copy_from_slice(b"codebench random");
        key[16..24].copy_from_slice(&seed.to_le_bytes());
        let mut generator = ChaCha8Rng::from_seed(key);
        generator.set_stream(stream);
        Rng(generator)
    }

    /// 64 random bits.
    pub fn word(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A whole number from 0 to `bound - 1`, every one exactly as likely; 0 if `bound` is 0.
    ///
    /// Lemire's multiplication method with rejection.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 {
            return 0;
        }
        let rejected_below = bound.wrapping_neg() % bound;
        loop {
            let product = u128::from(self.word()) * u128::from(bound);
            if product as u64 >= rejected_below {
                return (product >> 64) as u64;
            }
        }
    }

    /// An index into a list of `length` entries; 0 if it is empty.
    pub fn index(&mut self, length: usize) -> usize {
        self.below(length as u64) as usize
    }

    /// A number from 0 (included) to 1 (excluded): 53 random bits.
    pub fn unit(&mut self) -> f64 {
        (self.word() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// A whole number from 0 to `bound - 1`, every one exactly as likely; 0 if `bound` is 0.
    ///
    /// As many words as `bound - 1` fills, least significant first, cut to its number of bits, until below `bound`.
    pub fn below_big(&mut self, bound: &BigUint) -> BigUint {
        let zero = BigUint::default();
        if *bound == zero {
            return zero;
        }
        let bits = (bound - 1u32).bits();
        loop {
            let mut digits = Vec::with_capacity((bits as usize).div_ceil(32));
            for word in 0..bits.div_ceil(64) {
                let left = bits - word * 64;
                let mask = if left >= 64 { u64::MAX } else { (1 << left) - 1 };
                let value = self.word() & mask;
                digits.extend([value as u32, (value >> 32) as u32]);
            }
            let number = BigUint::new(digits);
            if number < *bound {
                return number;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The keystream is a promise: resumed and repeated studies depend on it.
    #[test]
    fn words_never_change() {
        let mut rng = Rng::new(1, 0);
        let words: Vec<u64> = (0..4).map(|_| rng.word()).collect();
        assert_eq!(words, GOLDEN_WORDS);
        let mut other = Rng::new(1, 1);
        assert_ne!(other.word(), words[0]);
        let mut next_seed = Rng::new(2, 0);
        assert_ne!(next_seed.word(), words[0]);
    }

    #[test]
    fn bounded_numbers_never_change() {
        let mut rng = Rng::new(7, 3);
        let small: Vec<u64> = (0..8).map(|_| rng.below(10)).collect();
        assert_eq!(small, GOLDEN_BELOW_10);
        let bound = BigUint::from(10u32).pow(30);
        assert_eq!(rng.below_big(&bound).to_string(), GOLDEN_BIG);
        assert_eq!(rng.unit().to_bits(), GOLDEN_UNIT_BITS);
    }

    const GOLDEN_WORDS: [u64; 4] =
        [17564669461685491663, 2707576465208413666, 213901252213885226, 8039319586790407030];
    const GOLDEN_BELOW_10: [u64; 8] = [9, 3, 1, 6, 6, 3, 0, 7];
    const GOLDEN_BIG: &str = "473672682934494949052245468129";
    const GOLDEN_UNIT_BITS: u64 = 4603736169832202692;

    /// ChaCha8 written from its definition, as a second opinion on the library and on the key.
    fn chacha8_word(seed: u64, stream: u64, block: u64) -> u64 {
        let mut input = [0u32; 16];
        input[..4].copy_from_slice(&[0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574]);
        let mut key = b"codebench random".to_vec();
        key.extend(seed.to_le_bytes());
        key.extend([0; 8]);
        for (slot, bytes) in input[4..12].iter_mut().zip(key.chunks(4)) {
            *slot = u32::from_le_bytes(bytes.try_into().unwrap());
        }
        input[12..].copy_from_slice(&[
            block as u32,
            (block >> 32) as u32,
            stream as u32,
            (stream >> 32) as u32,
        ]);
        let mut x = input;
        let quarter = |x: &mut [u32; 16], [a, b, c, d]: [usize; 4]| {
            for (p, q, r, turn) in [(a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)] {
                x[p] = x[p].wrapping_add(x[q]);
                x[r] = (x[r] ^ x[p]).rotate_left(turn);
            }
        };
        for _ in 0..4 {
            for column in 0..4 {
                quarter(&mut x, [column, column + 4, column + 8, column + 12]);
            }
            for diagonal in 0..4 {
                quarter(
                    &mut x,
                    [diagonal, 4 + (diagonal + 1) % 4, 8 + (diagonal + 2) % 4, 12 + (diagonal + 3) % 4],
                );
            }
        }
        u64::from(x[0].wrapping_add(input[0])) | u64::from(x[1].wrapping_add(input[1])) << 32
    }

    #[test]
    fn the_first_words_of_a_block_follow_the_definition_of_chacha8() {
        let mut rng = Rng::new(0x0123_4567_89ab_cdef, 42);
        let first = rng.word();
        for _ in 0..7 {
            rng.word();
        }
        assert_eq!(first, chacha8_word(0x0123_4567_89ab_cdef, 42, 0));
        assert_eq!(rng.word(), chacha8_word(0x0123_4567_89ab_cdef, 42, 1));
    }

    #[test]
    fn every_remainder_is_as_likely() {
        let mut rng = Rng::new(11, 0);
        let mut counts = [0u32; 6];
        for _ in 0..60_000 {
            counts[rng.index(6)] += 1;
        }
        let chi2: f64 = counts.iter().map(|&c| (f64::from(c) - 10_000.0).powi(2) / 10_000.0).sum();
        assert!(chi2 < 20.5, "chi2 {chi2} exceeds the 99.9 % quantile of 5 degrees of freedom: {counts:?}");
        assert_eq!(rng.below(0), 0);
        assert_eq!(rng.below(1), 0);
    }

    #[test]
    fn big_numbers_agree_with_their_bound() {
        let mut rng = Rng::new(5, 5);
        for bound in [1u64, 2, 3, 255, 1 << 32, (1 << 33) + 1, u64::MAX] {
            let big = BigUint::from(bound);
            for _ in 0..50 {
                assert!(rng.below_big(&big) < big);
            }
        }
        assert_eq!(rng.below_big(&BigUint::default()), BigUint::default());
    }
}
