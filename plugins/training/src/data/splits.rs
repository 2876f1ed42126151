//! A data set ready for training: three parts, normalised as mini-batches are made.

use super::raw::{RawData, Split};
use crate::augment::Augmentation;
use codebench_sdk::model::{DataShape, Purpose};
use codebench_sdk::space::rng::Rng;
use std::ops::Range;
use std::sync::Arc;

/// Images and labels of one split.
#[derive(Debug, Clone)]
pub struct Part {
    pixels: Vec<u8>,
    labels: Vec<u32>,
    scaling: Arc<Scaling>,
}

/// From a pixel to what a network reads.
#[derive(Debug)]
struct Scaling {
    channels: usize,
    height: usize,
    width: usize,
    /// Per channel, the value of every pixel.
    values: Vec<[f32; 256]>,
}

/// A data set ready for training.
#[derive(Debug, Clone)]
pub struct Splits {
    shape: DataShape,
    train: Part,
    validation: Part,
    test: Part,
}

impl Scaling {
    /// So that the training split of `raw` has mean 0 and deviation 1 in every channel.
    fn new(raw: &RawData) -> Scaling {
        let scale = raw.scale();
        let table = |(mean, deviation): (f64, f64)| {
            std::array::from_fn(|pixel| ((f64::from(scale(pixel as u8)) - mean) / deviation) as f32)
        };
        Scaling {
            channels: raw.shape.channels as usize,
            height: raw.shape.height as usize,
            width: raw.shape.width as usize,
            values: raw.training_statistics().into_iter().map(table).collect(),
        }
    }

    fn image(&self) -> usize {
        self.channels * self.height * self.width
    }

    fn extend(&self, images: &mut Vec<f32>, pixels: &[u8]) {
        for (plane, values) in pixels.chunks_exact(self.height * self.width).zip(&self.values) {
            images.extend(plane.iter().map(|pixel| values[usize::from(*pixel)]));
        }
    }
}

impl Part {
    fn new(raw: &RawData, wanted: Split, scaling: &Arc<Scaling>) -> Part {
        let mut part = Part { pixels: Vec::new(), labels: Vec::new(), scaling: Arc::clone(scaling) };
        let images = raw.pixels.chunks_exact(raw.image_size());
        for ((image, label), _) in
            images.zip(&raw.labels).zip(&raw.split).filter(|(_, split)| **split == wanted)
        {
            part.pixels.extend_from_slice(image);
            part.labels.push(*label);
        }
        part
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// One per image.
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// The images of `range`, normalised: row-major N x C x H x W.
    ///
    /// # Panics
    /// If the range leaves the part.
    pub fn images(&self, range: Range<usize>) -> Vec<f32> {
        let image = self.scaling.image();
        let mut images = Vec::with_capacity(range.len() * image);
        for pixels in self.pixels[range.start * image..range.end * image].chunks_exact(image) {
            self.scaling.extend(&mut images, pixels);
        }
        images
    }

    /// The chosen images, each changed by `augmentation` as `random` decides, and their labels as one mini-batch.
    pub(crate) fn gather(
        &self,
        chosen: &[usize],
        augmentation: &Augmentation,
        random: &mut Rng,
    ) -> (Vec<f32>, Vec<u32>) {
        let scaling = &self.scaling;
        let image = scaling.image();
        let mut images = Vec::with_capacity(chosen.len() * image);
        let mut changed = vec![0; image];
        for index in chosen {
            let mut pixels = &self.pixels[index * image..(index + 1) * image];
            if !augmentation.is_none() {
                augmentation.apply(pixels, &mut changed, [scaling.height, scaling.width], random);
                pixels = &changed;
            }
            scaling.extend(&mut images, pixels);
        }
        (images, chosen.iter().map(|index| self.labels[*index]).collect())
    }
}

impl Splits {
    pub(super) fn new(raw: &RawData) -> Splits {
        let scaling = Arc::new(Scaling::new(raw));
        let part = |split| Part::new(raw, split, &scaling);
        Splits {
            shape: DataShape { input: raw.shape, classes: u64::from(raw.classes), digest: raw.digest() },
            train: part(Split::Train),
            validation: part(Split::Validation),
            test: part(Split::Test),
        }
    }

    /// Image shape, classes and digest.
    pub fn shape(&self) -> &DataShape {
        &self.shape
    }

    /// What weights are fitted to.
    pub fn train(&self) -> &Part {
        &self.train
    }

    /// What guides the search.
    pub fn validation(&self) -> &Part {
        &self.validation
    }

    /// What is reported at the end: `None` while searching, which is the only way to it.
    pub fn test(&self, purpose: Purpose) -> Option<&Part> {
        match purpose {
            Purpose::Search => None,
            Purpose::Final => Some(&self.test),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::raw;

    fn splits() -> Splits {
        Splits::new(&raw::example())
    }

    #[test]
    fn every_part_is_scaled_by_the_training_split() {
        let splits = splits();
        // Channel 0 of the training split: 0 and 0.5, mean 0.25, deviation 0.25; channel 1 is constant 1.
        assert_eq!(splits.train().images(0..2), [-1.0, 0.0, 1.0, 0.0]);
        assert_eq!(splits.validation().images(0..1), [3.0, -1.0]);
        assert_eq!(splits.test(Purpose::Final).unwrap().images(0..1), [0.0, -0.5]);
        assert!(splits.test(Purpose::Search).is_none());
    }

    #[test]
    fn a_mini_batch_has_the_chosen_images_in_order() {
        let splits = splits();
        let (images, labels) = splits.train().gather(&[1, 0], &Augmentation::default(), &mut Rng::new(1, 0));
        assert_eq!((images, labels), (vec![1.0, 0.0, -1.0, 0.0], vec![1, 0]));
    }
}
