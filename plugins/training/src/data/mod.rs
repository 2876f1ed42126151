//! Data sets by name, their splits and their normalisation.
//!
//! A data set is one file with a [`DataSet`] and one line in [`DATA_SETS`].

mod digits;

use codebench_sdk::model::{
    DataShape, DataSource, ParameterDescription, Parameters, Purpose, TensorShape, parameter,
};
use codebench_sdk::prelude::PluginError;
use sha2::{Digest, Sha256};

/// Every data set that this crate reads.
pub static DATA_SETS: &[&dyn DataSet] = &[&digits::Digits];

/// Reads a data set. Pure: the same parameters give the same data, split included.
pub trait DataSet: Send + Sync {
    /// Name in `[data] id = "..."`.
    fn id(&self) -> &'static str;

    /// One sentence on what it holds and where it comes from.
    fn summary(&self) -> &'static str;

    /// Parameters of the reader.
    fn parameters(&self) -> Vec<ParameterDescription>;

    /// Reads it; `parameters` are complete and checked.
    fn load(&self, parameters: &Parameters) -> Result<RawData, PluginError>;
}

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

/// A data set as it was read: pixels between 0 and 1.
#[derive(Debug, Clone, PartialEq)]
pub struct RawData {
    /// One image.
    pub shape: TensorShape,
    /// Number of classes.
    pub classes: u32,
    /// Row-major N x C x H x W.
    pub images: Vec<f32>,
    /// One per image.
    pub labels: Vec<u32>,
    /// One per image.
    pub split: Vec<Split>,
}

/// Images and labels of one split, normalised.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Part {
    /// Row-major N x C x H x W.
    pub images: Vec<f32>,
    /// One per image.
    pub labels: Vec<u32>,
}

/// A data set ready for training.
#[derive(Debug, Clone)]
pub struct Splits {
    shape: DataShape,
    train: Part,
    validation: Part,
    test: Part,
}

/// The data set that `source` names, with its complete parameters.
fn find(source: &DataSource) -> Result<(&'static dyn DataSet, Parameters), PluginError> {
    let id = source.id.as_str();
    let set = DATA_SETS.iter().find(|set| set.id() == id).ok_or_else(|| {
        let nearest = parameter::nearest(id, DATA_SETS.iter().map(|set| set.id()));
        let hint = nearest.map(|n| format!(" (did you mean `{n}`?)")).unwrap_or_default();
        let known: Vec<&str> = DATA_SETS.iter().map(|set| set.id()).collect();
        PluginError::not_found(format!("unknown data set `{id}`{hint}; known: {}", known.join(", ")))
    })?;
    let parameters = parameter::complete(&set.parameters(), &source.parameters)
        .map_err(|e| PluginError::invalid(format!("data set `{id}`: {e}")))?;
    Ok((*set, parameters))
}

/// Reads, checks, normalises and splits the data set that `source` names.
///
/// # Errors
/// An unknown name, a refused parameter, or a reader that breaks its own promises.
pub fn load(source: &DataSource) -> Result<Splits, PluginError> {
    let (set, parameters) = find(source)?;
    let raw = set.load(&parameters)?;
    raw.check().map_err(|why| PluginError::contract(format!("data set `{}`: {why}", source.id)))?;
    Ok(Splits::new(&raw))
}

impl RawData {
    fn image_size(&self) -> usize {
        self.shape.elements().and_then(|n| usize::try_from(n).ok()).unwrap_or(0)
    }

    fn check(&self) -> Result<(), String> {
        let count = self.labels.len();
        if self.image_size() == 0
            || self.images.len() != count * self.image_size()
            || self.split.len() != count
        {
            return Err(format!(
                "{} values, {count} labels and {} split marks do not make images of {}",
                self.images.len(),
                self.split.len(),
                self.shape
            ));
        }
        if let Some(value) = self.images.iter().find(|v| !(0.0..=1.0).contains(*v)) {
            return Err(format!("pixel {value} is out of range: readers give 0 to 1"));
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

    /// SHA-256 over shape, classes, and every image with its label and split.
    fn digest(&self) -> String {
        let mut hasher = Sha256::new();
        let extents = [self.shape.channels, self.shape.height, self.shape.width, u64::from(self.classes)];
        for extent in extents {
            hasher.update(extent.to_le_bytes());
        }
        for ((image, label), split) in
            self.images.chunks_exact(self.image_size()).zip(&self.labels).zip(&self.split)
        {
            for pixel in image {
                hasher.update(pixel.to_le_bytes());
            }
            hasher.update(label.to_le_bytes());
            hasher.update([match split {
                Split::Train => 0,
                Split::Validation => 1,
                Split::Test => 2u8,
            }]);
        }
        hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Mean and standard deviation of each channel over the training split.
    fn training_statistics(&self) -> Vec<(f64, f64)> {
        let channels = self.shape.channels as usize;
        let map = self.image_size() / channels;
        let mut sums = vec![(0.0f64, 0.0f64); channels];
        let mut images = 0usize;
        for (image, split) in self.images.chunks_exact(self.image_size()).zip(&self.split) {
            if *split != Split::Train {
                continue;
            }
            images += 1;
            for (sum, plane) in sums.iter_mut().zip(image.chunks_exact(map)) {
                for pixel in plane {
                    let pixel = f64::from(*pixel);
                    sum.0 += pixel;
                    sum.1 += pixel * pixel;
                }
            }
        }
        let count = (images * map) as f64;
        sums.into_iter()
            .map(|(sum, squares)| {
                let mean = sum / count;
                let variance = (squares / count - mean * mean).max(0.0);
                // A constant channel is only shifted.
                (mean, if variance > 0.0 { variance.sqrt() } else { 1.0 })
            })
            .collect()
    }

    fn part(&self, wanted: Split, statistics: &[(f64, f64)]) -> Part {
        let map = self.image_size() / statistics.len();
        let mut part = Part::default();
        let images = self.images.chunks_exact(self.image_size());
        for ((image, label), _) in
            images.zip(&self.labels).zip(&self.split).filter(|(_, split)| **split == wanted)
        {
            for (plane, (mean, deviation)) in image.chunks_exact(map).zip(statistics) {
                part.images.extend(plane.iter().map(|p| ((f64::from(*p) - mean) / deviation) as f32));
            }
            part.labels.push(*label);
        }
        part
    }
}

impl Part {
    /// The chosen images and labels as one mini-batch.
    pub(crate) fn gather(&self, chosen: &[usize]) -> (Vec<f32>, Vec<u32>) {
        let image = self.images.len() / self.labels.len().max(1);
        let mut images = Vec::with_capacity(chosen.len() * image);
        for index in chosen {
            images.extend_from_slice(&self.images[index * image..(index + 1) * image]);
        }
        (images, chosen.iter().map(|index| self.labels[*index]).collect())
    }
}

impl Splits {
    fn new(raw: &RawData) -> Splits {
        let statistics = raw.training_statistics();
        let part = |split| raw.part(split, &statistics);
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

    fn raw() -> RawData {
        RawData {
            shape: TensorShape::new(2, 1, 1),
            classes: 2,
            images: vec![0.0, 1.0, 0.5, 1.0, 1.0, 0.0, 0.25, 0.5],
            labels: vec![0, 1, 1, 0],
            split: vec![Split::Train, Split::Train, Split::Validation, Split::Test],
        }
    }

    #[test]
    fn statistics_come_from_the_training_split_alone() {
        let splits = Splits::new(&raw());
        // Channel 0 of the training split: 0 and 0.5, mean 0.25, deviation 0.25; channel 1 is constant 1.
        assert_eq!(splits.train().images, [-1.0, 0.0, 1.0, 0.0]);
        assert_eq!(splits.validation().images, [3.0, -1.0]);
        assert_eq!(splits.test(Purpose::Final).unwrap().images, [0.0, -0.5]);
        assert!(splits.test(Purpose::Search).is_none());
    }

    #[test]
    fn the_digest_depends_on_the_split() {
        let mut other = raw();
        other.split.swap(2, 3);
        assert_ne!(raw().digest(), other.digest());
    }

    #[test]
    fn broken_readers_are_caught() {
        type Damage = fn(&mut RawData);
        let broken: [(Damage, &str); 4] = [
            (|r| r.labels[0] = 2, "label 2 is out of range: 2 classes, from 0"),
            (|r| r.images[0] = f32::NAN, "pixel NaN is out of range: readers give 0 to 1"),
            (|r| r.split[3] = Split::Train, "split Test is empty"),
            (
                |r| {
                    r.images.pop();
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

    #[test]
    fn unknown_names_are_refused_with_the_nearest() {
        let source = |id: &str| DataSource { id: id.into(), parameters: Parameters::new() };
        assert_eq!(
            load(&source("digit")).unwrap_err().message,
            "unknown data set `digit` (did you mean `digits`?); known: digits"
        );
        let mut with = source("digits");
        with.parameters.insert("size".into(), codebench_sdk::model::ParameterValue::Integer(8));
        assert_eq!(
            load(&with).unwrap_err().message,
            "data set `digits`: unknown parameter `size`; it takes none"
        );
    }
}
