//! Parts of storages, their sizes in words and bytes, and their contiguous runs.

use super::Span;
use codebench_model::TensorShape;

/// A part of a storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Region {
    pub(crate) storage: usize,
    pub(crate) images: Span,
    pub(crate) part: RegionPart,
}

/// What of each image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum RegionPart {
    /// Rows, channels and columns.
    Box { y: Span, c: Span, x: Span },
    /// Words by number.
    Words(Span),
}

/// How many bytes words take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sizes {
    pub(crate) word_bits: u64,
}

/// Parts per million in a whole.
pub(crate) const WHOLE_PPM: u64 = 1_000_000;

impl Sizes {
    /// Bytes of `words` of which `density_ppm` are stored; saturates.
    pub(crate) fn bytes(self, words: u64, density_ppm: u64) -> u64 {
        let product = u128::from(words) * u128::from(self.word_bits);
        if let Some(small) = u64::try_from(product)
            .ok()
            .and_then(|p| p.checked_mul(density_ppm))
            .map(|p| p.div_ceil(8 * WHOLE_PPM))
        {
            return small;
        }
        let bytes =
            product.checked_mul(u128::from(density_ppm)).map(|p| p.div_ceil(8 * u128::from(WHOLE_PPM)));
        bytes.and_then(|b| u64::try_from(b).ok()).unwrap_or(u64::MAX)
    }

    /// Byte at which word `number` starts.
    pub(crate) fn offset(self, number: u64) -> u64 {
        match number.checked_mul(self.word_bits) {
            Some(bits) => bits / 8,
            None => u64::try_from(u128::from(number) * u128::from(self.word_bits) / 8).unwrap_or(u64::MAX),
        }
    }
}

impl Region {
    /// All of `images` images.
    pub(crate) fn whole(storage: usize, shape: TensorShape, images: u64) -> Region {
        let part = RegionPart::Box {
            y: Span::new(0, shape.height),
            c: Span::new(0, shape.channels),
            x: Span::new(0, shape.width),
        };
        Region { storage, images: Span::new(0, images), part }
    }

    /// Words; saturates.
    pub(crate) fn words(&self) -> u64 {
        let each = match self.part {
            RegionPart::Box { y, c, x } => y.len().saturating_mul(c.len()).saturating_mul(x.len()),
            RegionPart::Words(words) => words.len(),
        };
        each.saturating_mul(self.images.len())
    }

    /// Words of each contiguous run.
    pub(crate) fn run_words(&self, shape: TensorShape) -> u64 {
        match self.part {
            RegionPart::Words(words) => words.len(),
            RegionPart::Box { y, c, x } if x.len() == shape.width && c.len() == shape.channels => {
                y.len() * c.len() * x.len()
            }
            RegionPart::Box { c, x, .. } if x.len() == shape.width => c.len() * x.len(),
            RegionPart::Box { x, .. } => x.len(),
        }
    }

    /// Calls `run(image, first word, words)` for each contiguous run, in order.
    pub(crate) fn runs(&self, shape: TensorShape, mut run: impl FnMut(u64, u64, u64)) {
        let (channels, width) = (shape.channels, shape.width);
        for image in self.images.start..self.images.end {
            match self.part {
                RegionPart::Words(words) => run(image, words.start, words.len()),
                RegionPart::Box { y, c, x } if x.len() == width && c.len() == channels => {
                    run(image, y.start * channels * width, y.len() * channels * width);
                }
                RegionPart::Box { y, c, x } if x.len() == width => {
                    for row in y.start..y.end {
                        run(image, (row * channels + c.start) * width, c.len() * width);
                    }
                }
                RegionPart::Box { y, c, x } => {
                    for row in y.start..y.end {
                        for channel in c.start..c.end {
                            run(image, (row * channels + channel) * width + x.start, x.len());
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_round_up_and_survive_large_numbers() {
        let sizes = Sizes { word_bits: 20 };
        assert_eq!(sizes.bytes(3, WHOLE_PPM), 8);
        assert_eq!(sizes.bytes(3, 500_000), 4);
        assert_eq!(sizes.bytes(0, WHOLE_PPM), 0);
        assert_eq!(sizes.bytes(1 << 50, WHOLE_PPM), (1 << 50) / 8 * 20);
        assert_eq!(sizes.bytes(u64::MAX, WHOLE_PPM), u64::MAX);
    }

    #[test]
    fn runs_are_as_long_as_they_can_be() {
        let shape = TensorShape::new(3, 4, 5);
        let runs = |y, c, x| {
            let mut all = Vec::new();
            let part = RegionPart::Box { y, c, x };
            let region = Region { storage: 0, images: Span::new(0, 1), part };
            region.runs(shape, |image, word, words| all.push((image, word, words)));
            assert_eq!(all.iter().map(|r| r.2).sum::<u64>(), region.words());
            assert!(all.iter().all(|r| r.2 == region.run_words(shape)));
            all
        };
        let (all, whole) = (Span::new(0, 3), Span::new(0, 5));
        assert_eq!(runs(Span::new(1, 3), all, whole), [(0, 15, 30)]);
        assert_eq!(runs(Span::new(1, 3), Span::new(1, 2), whole), [(0, 20, 5), (0, 35, 5)]);
        assert_eq!(runs(Span::new(1, 2), Span::new(0, 2), Span::new(1, 3)), [(0, 16, 2), (0, 21, 2)]);
    }
}
