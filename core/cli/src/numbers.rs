//! Numbers on the command line.

use std::ops::RangeInclusive;

/// The largest side, number of channels and number of classes, as in experiments.
pub(crate) const MOST: u64 = u32::MAX as u64;

/// A parser of whole numbers in `range`, whose message says both ends.
pub(crate) fn whole<T: TryFrom<u64>>(
    range: RangeInclusive<u64>,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static {
    move |text| {
        let number = text.parse().ok().filter(|number| range.contains(number));
        number
            .and_then(|number| T::try_from(number).ok())
            .ok_or_else(|| format!("give a whole number from {} to {}", range.start(), range.end()))
    }
}

/// A parser of seconds in `range`, whose message says both ends.
pub(crate) fn seconds(
    range: RangeInclusive<f64>,
) -> impl Fn(&str) -> Result<f64, String> + Clone + Send + Sync + 'static {
    move |text| {
        let seconds = text.parse().ok().filter(|seconds| range.contains(seconds));
        seconds.ok_or_else(|| format!("give seconds from {} to {}", range.start(), range.end()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_are_said() {
        let threads = whole::<u16>(1..=1024);
        assert_eq!((threads("1"), threads("1024")), (Ok(1), Ok(1024)));
        for text in ["0", "1025", "x", "-1", "1.5", "", "99999999999999999999999"] {
            assert_eq!(threads(text), Err("give a whole number from 1 to 1024".into()), "{text}");
        }
        let limit = seconds(0.001..=1e6);
        assert_eq!((limit("0.001"), limit("1e6")), (Ok(0.001), Ok(1e6)));
        for text in ["0", "1000001", "nan", "inf", "-1", "x"] {
            assert_eq!(limit(text), Err("give seconds from 0.001 to 1000000".into()), "{text}");
        }
    }
}
