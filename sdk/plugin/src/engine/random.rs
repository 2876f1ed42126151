//! Every random number of an engine, drawn from (seed, purpose, step, layer) alone: a draw depends neither on the order
//! of layers nor on other networks trained at the same time.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What random numbers are for; part of the key.
#[derive(Debug, Clone, Copy)]
pub enum Draw {
    /// Initial weights of tensor `index`.
    Weights {
        /// Index in the workload's order.
        index: usize,
    },
    /// The dropout mask of layer `layer` at step `step`.
    Dropout {
        /// Number of the training step.
        step: u64,
        /// Index in the workload.
        layer: usize,
    },
}

/// A generator of uniform numbers.
#[derive(Debug)]
pub struct Uniform(ChaCha8Rng);

impl Uniform {
    /// The generator for one purpose.
    pub fn new(seed: u64, draw: Draw) -> Self {
        let words = match draw {
            Draw::Weights { index } => [seed, 1, index as u64, 0],
            Draw::Dropout { step, layer } => [seed, 2, layer as u64, step],
        };
        let mut key = [0u8; 32];
        for (bytes, word) in key.chunks_exact_mut(8).zip(words) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        Uniform(ChaCha8Rng::from_seed(key))
    }

    /// Uniform in [0, 1): a multiple of 2^-24, exact in f32.
    pub fn unit(&mut self) -> f32 {
        (self.0.next_u32() >> 8) as f32 * (1.0 / 16_777_216.0)
    }

    /// Uniform in [-bound, bound).
    pub fn symmetric(&mut self, bound: f32) -> f32 {
        (2.0 * self.unit() - 1.0) * bound
    }

    /// A factor for each of `length` values: 0 with `probability`, else what keeps the expectation.
    pub fn dropout_mask(mut self, length: usize, probability: f64) -> Vec<f32> {
        let keep = if probability < 1.0 { (1.0 / (1.0 - probability)) as f32 } else { 0.0 };
        let threshold = probability as f32;
        (0..length).map(|_| if self.unit() < threshold { 0.0 } else { keep }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_differ_by_purpose_and_repeat_by_key() {
        let first = |draw| Uniform::new(7, draw).unit();
        let a = first(Draw::Dropout { step: 1, layer: 2 });
        assert_eq!(a, first(Draw::Dropout { step: 1, layer: 2 }));
        assert_ne!(a, first(Draw::Dropout { step: 2, layer: 1 }));
        assert_ne!(a, first(Draw::Weights { index: 1 }));
        assert!((0.0..1.0).contains(&a));
    }
}
