//! A data set as a reader gives it.

use codebench_sdk::model::TensorShape;
use sha2::{Digest, Sha256};

/// Which part of a data set an image belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// Weights are fitted to it.
    Train,
    /// Guides the search.
    Validation,
    /// Reported at the end, never seen by the search.
    Test,
}

/// A data set as it was read: a pixel stands for `pixel / white`, a number from 0 to 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawData {
    /// One image.
    pub shape: TensorShape,
    /// Number of classes.
    pub classes: u32,
    /// Row-major N x C x H x W.
    pub pixels: Vec<u8>,
    /// The largest value that a pixel may have.
    pub white: u8,
    /// One per image.
    pub labels: Vec<u32>,
    /// One per image.
    pub split: Vec<Split>,
}

impl RawData {
    /// Values of one image; 0 if the shape is out of range.
    pub(super) fn image_size(&self) -> usize {
        self.shape.elements().and_then(|n| usize::try_from(n).ok()).unwrap_or(0)
    }

    /// Whether the reader keeps its promises.
    pub(super) fn check(&self) -> Result<(), String> {
        let count = self.labels.len();
        if self.image_size() == 0
            || self.pixels.len() != count * self.image_size()
            || self.split.len() != count
        {
            return Err(format!(
                "{} values, {count} labels and {} split marks do not make images of {}",
                self.pixels.len(),
                self.split.len(),
                self.shape
            ));
        }
        if let Some(value) = self.pixels.iter().find(|v| **v > self.white) {
            return Err(format!("pixel {value} is out of range: white is {}", self.white));
        }
        if let Some(label) = self.labels.iter().find(|l| **l >= self.classes) {
            return Err(format!("label {label} is out of range: {} classes, from 0", self.classes));
        }
        for split in [Split::Train, Split::Validation, Split::Test] {
            if !self.split.contains(&split) {
                return Err(format!("split {split:?} is empty"));
            }
        }
        Ok(())
    }

    /// What the pixel values stand for.
    pub(super) fn scale(&self) -> impl Fn(u8) -> f32 + use<> {
        let white = f32::from(self.white);
        move |pixel| f32::from(pixel) / white
    }

    /// SHA-256 over shape, classes, and every image with its label and split.
    pub(super) fn digest(&self) -> String {
        let mut hasher = Sha256::new();
        let extents = [self.shape.channels, self.shape.height, self.shape.width, u64::from(self.classes)];
        for extent in extents {
            hasher.update(extent.to_le_bytes());
        }
        let scale = self.scale();
        let values: Vec<[u8; 4]> = (0..=u8::MAX).map(|pixel| scale(pixel).to_le_bytes()).collect();
        let mut bytes = Vec::with_capacity(4 * self.image_size());
        for ((image, label), split) in
            self.pixels.chunks_exact(self.image_size()).zip(&self.labels).zip(&self.split)
        {
            bytes.clear();
            bytes.extend(image.iter().flat_map(|pixel| values[usize::from(*pixel)]));
            hasher.update(&bytes);
            hasher.update(label.to_le_bytes());
            hasher.update([match split {
                Split::Train => 0,
                Split::Validation => 1,
                Split::Test => 2u8,
            }]);
        }
        hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Mean and standard deviation of each channel over the training split; 1 for a constant channel, which is only shifted.
    pub(super) fn training_statistics(&self) -> Vec<(f64, f64)> {
        let channels = self.shape.channels as usize;
        let map = self.image_size() / channels;
        let mut counts = vec![[0u64; 256]; channels];
        for (image, _) in self
            .pixels
            .chunks_exact(self.image_size())
            .zip(&self.split)
            .filter(|(_, split)| **split == Split::Train)
        {
            for (counts, plane) in counts.iter_mut().zip(image.chunks_exact(map)) {
                plane.iter().for_each(|pixel| counts[usize::from(*pixel)] += 1);
            }
        }
        counts.iter().map(|counts| statistics(counts, self.scale())).collect()
    }
}

/// Mean and deviation of values of which `counts` says how often each occurs.
fn statistics(counts: &[u64; 256], scale: impl Fn(u8) -> f32) -> (f64, f64) {
    let count: u64 = counts.iter().sum();
    let moment = |power: fn(f64) -> f64| -> f64 {
        let terms = (0..=u8::MAX).zip(counts).map(|(pixel, n)| power(f64::from(scale(pixel))) * *n as f64);
        terms.sum::<f64>() / count as f64
    };
    let mean = moment(|x| x);
    let variance = (moment(|x| x * x) - mean * mean).max(0.0);
    // What is left of a constant channel is rounding.
    (mean, if variance > 1e-12 { variance.sqrt() } else { 1.0 })
}

/// Four images of two channels and one pixel.
#[cfg(test)]
pub(super) fn example() -> RawData {
    RawData {
        shape: TensorShape::new(2, 1, 1),
        classes: 2,
        pixels: vec![0, 4, 2, 4, 4, 0, 1, 2],
        white: 4,
        labels: vec![0, 1, 1, 0],
        split: vec![Split::Train, Split::Train, Split::Validation, Split::Test],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use super::example as raw;

    #[test]
    fn statistics_are_those_of_the_training_split() {
        // Channel 0: 0 and 0.5; channel 1 is constant 1.
        assert_eq!(raw().training_statistics(), [(0.25, 0.25), (1.0, 1.0)]);
    }

    #[test]
    fn the_digest_depends_on_pixels_labels_and_split() {
        type Change = fn(&mut RawData);
        let changes: [Change; 4] = [
            |r| r.split.swap(2, 3),
            |r| r.pixels.swap(0, 1),
            |r| r.labels.swap(0, 1),
            |r| r.shape = TensorShape::new(1, 2, 1),
        ];
        for change in changes {
            let mut other = raw();
            change(&mut other);
            assert_ne!(raw().digest(), other.digest());
        }
    }

    #[test]
    fn broken_readers_are_caught() {
        type Damage = fn(&mut RawData);
        let broken: [(Damage, &str); 4] = [
            (|r| r.labels[0] = 2, "label 2 is out of range: 2 classes, from 0"),
            (|r| r.pixels[0] = 5, "pixel 5 is out of range: white is 4"),
            (|r| r.split[3] = Split::Train, "split Test is empty"),
            (
                |r| {
                    r.pixels.pop();
                },
                "7 values, 4 labels and 4 split marks do not make images of 2x1x1",
            ),
        ];
        for (damage, message) in broken {
            let mut data = raw();
            damage(&mut data);
            assert_eq!(data.check().unwrap_err(), message);
        }
    }
}
