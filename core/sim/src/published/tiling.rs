//! Tiles of the released simulator: runs of equal tiles along each axis.

use crate::SimError;

/// Images, rows and columns, and input channels per tile; output channels share the batch's tile size.
pub(crate) const TILE_BATCH: u64 = 4;
pub(crate) const TILE_SPATIAL: u64 = 64;
pub(crate) const TILE_IN: u64 = 64;
/// Edge of a chunk of convolution data in x, y and channels, and of matrix data in rows and columns.
pub(crate) const CHUNK: u64 = 4;
pub(crate) const MATRIX_CHUNK: u64 = 8;
/// Most tiles along an axis whose output extents differ from tile to tile.
const MOST_UNEQUAL: u64 = 1 << 20;

/// Consecutive equal tiles of one axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    /// Elements read.
    pub(crate) input: u64,
    /// Elements written; equals `input` on axes without a stride.
    pub(crate) output: u64,
    /// Number of tiles.
    pub(crate) count: u64,
}

/// The tiles of one axis.
pub(crate) type Axis = Vec<Run>;

/// Tiles of `size` elements over `extent`.
pub(crate) fn axis(extent: u64, size: u64) -> Axis {
    let mut runs = Vec::with_capacity(2);
    if extent >= size {
        runs.push(Run { input: size, output: size, count: extent / size });
    }
    if !extent.is_multiple_of(size) {
        runs.push(Run { input: extent % size, output: extent % size, count: 1 });
    }
    runs
}

/// Spatial tiles: a tile of input from `low` to `high` writes from `low / stride` to `high / stride`.
pub(crate) fn spatial_axis(extent: u64, stride: u64) -> Result<Axis, SimError> {
    let output = |low: u64, high: u64| high / stride - low / stride + 1;
    let mut runs = axis(extent, TILE_SPATIAL);
    let mut low = 0;
    if TILE_SPATIAL.is_multiple_of(stride) || extent <= TILE_SPATIAL {
        for run in &mut runs {
            run.output = output(low, low + run.input - 1);
            low += run.input * run.count;
        }
        return Ok(runs);
    }
    let tiles = extent.div_ceil(TILE_SPATIAL);
    if tiles > MOST_UNEQUAL {
        return Err(SimError::TooLarge {
            quantity: format!("a map of {extent} rows or columns with stride {stride}"),
            limit: "2^26".into(),
        });
    }
    runs.clear();
    while low < extent {
        let high = extent.min(low + TILE_SPATIAL) - 1;
        let run = Run { input: high - low + 1, output: output(low, high), count: 1 };
        match runs.last_mut() {
            Some(last) if (last.input, last.output) == (run.input, run.output) => last.count += 1,
            _ => runs.push(run),
        }
        low = high + 1;
    }
    Ok(runs)
}

/// Chunks along one axis.
pub(crate) fn chunks(elements: u64) -> u64 {
    elements.div_ceil(CHUNK)
}

/// The product, or an error that names it.
pub(crate) fn product(factors: &[u64], quantity: &str) -> Result<u64, SimError> {
    factors
        .iter()
        .try_fold(1u64, |product, factor| product.checked_mul(*factor))
        .filter(|product| *product < 1 << 53)
        .ok_or_else(|| SimError::too_large(quantity))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn runs_equal_the_loop(extent in 1u64..1000, stride in 1u64..80) {
            let mut expected = Vec::new();
            for low in (0..extent).step_by(64) {
                let high = (low + 63).min(extent - 1);
                expected.push((high - low + 1, high / stride - low / stride + 1));
            }
            let ours: Vec<_> = spatial_axis(extent, stride)
                .unwrap()
                .iter()
                .flat_map(|r| std::iter::repeat_n((r.input, r.output), r.count as usize))
                .collect();
            prop_assert_eq!(ours, expected);
        }
    }

    #[test]
    fn an_enormous_map_with_an_odd_stride_is_an_error() {
        assert!(spatial_axis(1 << 40, 3).is_err());
        assert_eq!(spatial_axis(1 << 40, 2).unwrap().len(), 1);
    }
}
