//! Changes of training images that leave their class as it is: crop after padding, mirror, cutout.

use codebench_sdk::model::Recipe;
use codebench_sdk::space::rng::Rng;

/// What is done to every training image, in this order; the default is nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Augmentation {
    /// The image is moved by up to so many pixels in either direction; what comes in is black.
    pub(crate) crop_padding: usize,
    /// Every second image is mirrored left to right.
    pub(crate) flip: bool,
    /// A square of this side, its centre anywhere in the image, becomes black.
    pub(crate) cutout: usize,
}

impl Augmentation {
    pub(crate) fn of(recipe: &Recipe) -> Augmentation {
        Augmentation {
            crop_padding: recipe.crop_padding as usize,
            flip: recipe.flip,
            cutout: recipe.cutout as usize,
        }
    }

    /// Whether images stay as they are.
    pub(crate) fn is_none(&self) -> bool {
        *self == Augmentation::default()
    }

    /// Writes the changed `image`, planes of `[height, width]`, into `out` of the same length.
    pub(crate) fn apply(&self, image: &[u8], out: &mut [u8], [height, width]: [usize; 2], random: &mut Rng) {
        let mut offset = || random.index(2 * self.crop_padding + 1) as isize - self.crop_padding as isize;
        let (down, right) = (offset(), offset());
        let mirrored = self.flip && random.index(2) == 1;
        let cut = (self.cutout > 0)
            .then(|| [height, width].map(|extent| square(random.index(extent), self.cutout, extent)));
        for (plane, out) in image.chunks_exact(height * width).zip(out.chunks_exact_mut(height * width)) {
            for (y, row) in out.chunks_exact_mut(width).enumerate() {
                let source = y.checked_add_signed(down).filter(|y| *y < height);
                for (x, pixel) in row.iter_mut().enumerate() {
                    let is_cut = cut.as_ref().is_some_and(|[ys, xs]| ys.contains(&y) && xs.contains(&x));
                    let x = if mirrored { width - 1 - x } else { x };
                    let x = x.checked_add_signed(right).filter(|x| *x < width);
                    *pixel = match (source, x) {
                        (Some(y), Some(x)) if !is_cut => plane[y * width + x],
                        _ => 0,
                    };
                }
            }
        }
    }
}

/// Positions within `side / 2` of `centre`, clipped to the image.
fn square(centre: usize, side: usize, extent: usize) -> std::ops::Range<usize> {
    let start = centre.saturating_sub(side / 2);
    start..(centre + side.div_ceil(2)).min(extent)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One plane of 3 x 3: 1 to 9.
    const IMAGE: [u8; 9] = [1, 2, 3, 4, 5, 6, 7, 8, 9];

    fn changed(augmentation: Augmentation, seed: u64) -> [u8; 9] {
        let mut out = [99; 9];
        augmentation.apply(&IMAGE, &mut out, [3, 3], &mut Rng::new(seed, 0));
        out
    }

    fn all(augmentation: Augmentation) -> std::collections::BTreeSet<[u8; 9]> {
        (0..400).map(|seed| changed(augmentation, seed)).collect()
    }

    #[test]
    fn nothing_changes_nothing() {
        assert_eq!(changed(Augmentation::default(), 1), IMAGE);
    }

    #[test]
    fn a_crop_moves_the_image_over_black() {
        let crops = all(Augmentation { crop_padding: 1, ..Augmentation::default() });
        assert_eq!(crops.len(), 9);
        for expected in [IMAGE, [0, 0, 0, 0, 1, 2, 0, 4, 5], [5, 6, 0, 8, 9, 0, 0, 0, 0]] {
            assert!(crops.contains(&expected), "{expected:?}");
        }
    }

    #[test]
    fn a_flip_mirrors_every_second_image() {
        let flips = all(Augmentation { flip: true, ..Augmentation::default() });
        assert_eq!(flips.into_iter().collect::<Vec<_>>(), [IMAGE, [3, 2, 1, 6, 5, 4, 9, 8, 7]]);
    }

    #[test]
    fn a_cutout_blackens_a_clipped_square() {
        let cuts = all(Augmentation { cutout: 2, ..Augmentation::default() });
        assert_eq!(cuts.len(), 9);
        assert!(cuts.contains(&[0, 0, 3, 0, 0, 6, 7, 8, 9]), "the centre is 1, 1: {cuts:?}");
        assert!(cuts.contains(&[0, 2, 3, 4, 5, 6, 7, 8, 9]), "the centre is 0, 0: {cuts:?}");
    }

    #[test]
    fn planes_change_together() {
        let image: Vec<u8> = IMAGE.iter().chain(&IMAGE).copied().collect();
        let augmentation = Augmentation { crop_padding: 2, flip: true, cutout: 1 };
        for seed in 0..50 {
            let mut out = vec![0; 18];
            augmentation.apply(&image, &mut out, [3, 3], &mut Rng::new(seed, 0));
            assert_eq!(out[..9], out[9..], "seed {seed}");
        }
    }
}
