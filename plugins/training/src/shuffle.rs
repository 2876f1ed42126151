//! The order of images in an epoch.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A permutation of `0..count` that depends on seed and epoch only, so that an epoch can be repeated by itself.
pub(crate) fn order(count: usize, seed: u64, epoch: u64) -> Vec<usize> {
    let mut key = [0u8; 32];
    for (bytes, word) in key.chunks_exact_mut(8).zip([seed, epoch, 0, 0]) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    let mut generator = ChaCha8Rng::from_seed(key);
    let mut order: Vec<usize> = (0..count).collect();
    for last in (1..count).rev() {
        order.swap(last, below(&mut generator, last as u64 + 1) as usize);
    }
    order
}

/// Uniform in `0..bound`, by rejection: no value is favoured.
fn below(generator: &mut ChaCha8Rng, bound: u64) -> u64 {
    let limit = u64::MAX - u64::MAX % bound;
    loop {
        let draw = generator.next_u64();
        if draw < limit {
            return draw % bound;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_a_permutation_of_its_seed_and_epoch() {
        let a = order(1000, 3, 1);
        let mut sorted = a.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..1000).collect::<Vec<_>>());
        assert_eq!(a, order(1000, 3, 1));
        assert_ne!(a, order(1000, 3, 2));
        assert_ne!(a, order(1000, 4, 1));
    }
}
