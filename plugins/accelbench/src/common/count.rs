//! Checked arithmetic: a count that does not fit 64 bits is an error that names its field.

use codebench_sdk::prelude::*;

/// Parts per million.
pub(crate) const MILLION: u64 = 1_000_000;

/// `a` times `b`, if that fits. WebAssembly has no multiplication that tells of an overflow: there, numbers that are plainly small
/// enough are multiplied without asking.
pub(crate) fn times(a: u64, b: u64) -> Option<u64> {
    if cfg!(target_family = "wasm") && a.leading_zeros() + b.leading_zeros() >= u64::BITS {
        return Some(a.wrapping_mul(b));
    }
    a.checked_mul(b)
}

/// The product of `factors`, which becomes `field`.
pub(crate) fn product(field: &str, factors: &[u64]) -> Result<u64, PluginError> {
    factors.iter().try_fold(1, |product, f| times(product, *f)).ok_or_else(|| overflow(field))
}

/// The sum of `terms`, which becomes `field`.
pub(crate) fn sum(field: &str, terms: &[u64]) -> Result<u64, PluginError> {
    terms.iter().try_fold(0u64, |sum, t| sum.checked_add(*t)).ok_or_else(|| overflow(field))
}

/// Bytes of a run of `words` of `word_bits` at a density: rounded up to whole bytes.
pub(crate) fn bytes(field: &str, words: u64, word_bits: u64, density_ppm: u64) -> Result<u64, PluginError> {
    if let Some(bits) = times(words, word_bits).and_then(|bits| times(bits, density_ppm)) {
        return Ok(bits.div_ceil(8 * MILLION));
    }
    let bits = u128::from(words)
        .checked_mul(u128::from(word_bits))
        .and_then(|bits| bits.checked_mul(u128::from(density_ppm)));
    narrow(field, bits.map(|bits| bits.div_ceil(8 * u128::from(MILLION))))
}

/// `value` in 64 bits.
pub(crate) fn narrow(field: &str, value: Option<u128>) -> Result<u64, PluginError> {
    value.and_then(|v| u64::try_from(v).ok()).ok_or_else(|| overflow(field))
}

fn overflow(field: &str) -> PluginError {
    PluginError::invalid(format!("`{field}` exceeds {}, the largest count: give smaller tiles", u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_that_does_not_fit_names_its_field() {
        let error = product("busy_cycles", &[1 << 40, 1 << 40]).unwrap_err().message;
        assert_eq!(
            error,
            "`busy_cycles` exceeds 18446744073709551615, the largest count: give smaller tiles"
        );
        assert!(sum("x", &[u64::MAX, 1]).is_err());
        assert!(bytes("x", u64::MAX, u64::MAX, u64::MAX).is_err());
        assert_eq!(product("x", &[]).unwrap(), 1);
    }

    #[test]
    fn bytes_are_rounded_up_once_per_run() {
        assert_eq!(bytes("x", 64, 20, MILLION).unwrap(), 160);
        assert_eq!(bytes("x", 1, 20, MILLION).unwrap(), 3);
        assert_eq!(bytes("x", 64, 20, 500_000).unwrap(), 80);
        assert_eq!(bytes("x", 1, 1, 1).unwrap(), 1);
        assert_eq!(bytes("x", 0, 20, MILLION).unwrap(), 0);
    }
}
