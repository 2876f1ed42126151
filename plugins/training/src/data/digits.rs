//! The handwritten digits of the UCI repository, 1,797 images of 8 x 8, carried by the crate `smartcore`.

use super::{DataSet, RawData, Split};
use codebench_sdk::model::{ParameterDescription, Parameters, TensorShape};
use codebench_sdk::prelude::PluginError;

/// Largest value of a pixel in the file.
const WHITE: u8 = 16;

/// The data set `digits`.
pub(super) struct Digits;

impl DataSet for Digits {
    fn id(&self) -> &'static str {
        "digits"
    }

    fn summary(&self) -> &'static str {
        "1,797 handwritten digits of 8 x 8 pixels in grey (UCI, Optical Recognition of Handwritten Digits)."
    }

    fn parameters(&self) -> Vec<ParameterDescription> {
        Vec::new()
    }

    fn load(&self, _: &Parameters) -> Result<RawData, PluginError> {
        let file = smartcore::dataset::digits::load_dataset();
        let labels: Vec<u32> = file.target.iter().map(|label| *label as u32).collect();
        let mut seen = [0usize; 10];
        let split = labels
            .iter()
            .map(|label| {
                let count = seen.get_mut(*label as usize).ok_or_else(|| {
                    PluginError::contract(format!("data set `digits`: label {label} is not a digit"))
                })?;
                *count += 1;
                Ok(split_of(*count - 1))
            })
            .collect::<Result<_, PluginError>>()?;
        Ok(RawData {
            shape: TensorShape::new(1, 8, 8),
            classes: 10,
            pixels: file.data.iter().map(|pixel| *pixel as u8).collect(),
            white: WHITE,
            labels,
            split,
        })
    }
}

/// Of every 20 images of one class, in the order of the file, 14 train, 3 validate and 3 test.
fn split_of(position: usize) -> Split {
    match position % 20 {
        3 | 10 | 16 => Split::Test,
        6 | 13 | 19 => Split::Validation,
        _ => Split::Train,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Splits;
    use codebench_sdk::model::Purpose;

    #[test]
    fn data_and_split_are_the_documented_ones() {
        let raw = Digits.load(&Parameters::new()).unwrap();
        raw.check().unwrap();
        let splits = Splits::new(&raw);
        let parts = [splits.train(), splits.validation(), splits.test(Purpose::Final).unwrap()];
        assert_eq!(parts.map(|part| part.len()), [1262, 266, 269]);
        // Images per class of the published data set, and nearly the same share of each class in every split.
        let published = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180];
        for (digit, images) in (0..).zip(published) {
            let counts = parts.map(|part| part.labels().iter().filter(|label| **label == digit).count());
            let all: usize = counts.iter().sum();
            assert_eq!(all, images);
            assert!((counts[1] as f64 / all as f64 - 0.15).abs() < 0.01, "{digit}: {counts:?}");
            assert!((counts[2] as f64 / all as f64 - 0.15).abs() < 0.01, "{digit}: {counts:?}");
        }
        assert_eq!(splits.shape().digest, "50c3f8c5e2e79a5df9ae8456724bb6d33aec510b42bb230818ef09544aa0b3a5");
    }
}
