//! The order of images in an epoch.

use codebench_sdk::space::rng::Rng;

/// Streams of the seed's generator that belong to shuffling: this one and the next 2^32, one an epoch.
const STREAM: u64 = 0x7368_7566 << 32;

/// A permutation of `0..count` that depends on seed and epoch only, so that an epoch can be repeated by itself.
pub(crate) fn order(count: usize, seed: u64, epoch: u64) -> Vec<usize> {
    let mut random = Rng::new(seed, STREAM + epoch);
    let mut order: Vec<usize> = (0..count).collect();
    for last in (1..count).rev() {
        order.swap(last, random.index(last + 1));
    }
    order
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
