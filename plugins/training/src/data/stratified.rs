//! Fixed splits with the same share of every class: functions of the images' order in the files, never of a seed.

use super::raw::Split;
use codebench_sdk::prelude::PluginError;
use std::collections::BTreeMap;

/// Of every 100 images of one class, in order, how many are for validation and how many for the test; spread evenly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shares {
    pub(super) validation_percent: u64,
    pub(super) test_percent: u64,
}

impl Shares {
    /// A mark for each image, by its label.
    ///
    /// # Errors
    /// If the shares leave nothing for training, or no image for a part that has a share.
    pub(super) fn split(self, labels: &[u32]) -> Result<Vec<Split>, PluginError> {
        if self.validation_percent + self.test_percent >= 100 {
            return Err(PluginError::invalid(format!(
                "validation_percent = {} and test_percent = {} leave nothing for training: their sum must be below 100",
                self.validation_percent, self.test_percent
            )));
        }
        let mut seen: BTreeMap<u32, u64> = BTreeMap::new();
        let split: Vec<Split> = labels
            .iter()
            .map(|label| {
                let position = seen.entry(*label).or_default();
                *position += 1;
                self.of(*position - 1)
            })
            .collect();
        self.check_parts(&split, &seen)?;
        Ok(split)
    }

    /// No part that has a share is empty; `counts` are the images of each class.
    fn check_parts(self, split: &[Split], counts: &BTreeMap<u32, u64>) -> Result<(), PluginError> {
        let parts = [
            (Split::Train, "for training", true),
            (Split::Validation, "for validation", self.validation_percent > 0),
            (Split::Test, "for the test", self.test_percent > 0),
        ];
        let empty = parts.into_iter().find(|(part, _, wanted)| *wanted && !split.contains(part));
        let Some((_, name, _)) = empty else { return Ok(()) };
        let (least, most) =
            (counts.values().min().copied().unwrap_or(0), counts.values().max().copied().unwrap_or(0));
        let test = match self.test_percent {
            0 => String::new(),
            percent => format!(" and test_percent = {percent}"),
        };
        Err(PluginError::invalid(format!(
            "no image is left {name}: there are {} in {} classes, {least} to {most} of each, and of every 100 of one class \
             validation_percent = {}{test} are taken: give more images, or a larger share",
            split.len(),
            counts.len(),
            self.validation_percent
        )))
    }

    /// Every time that the count of `percent` of the images so far grows, the image belongs to that share.
    fn of(self, position: u64) -> Split {
        let grows = |percent: u64| (position + 1) * percent / 100 > position * percent / 100;
        // Both shares are cut from one, so that no image belongs to two.
        let both = self.validation_percent + self.test_percent;
        if !grows(both) {
            return Split::Train;
        }
        let taken = position * both / 100;
        let is_test = (taken + 1) * self.test_percent / both > taken * self.test_percent / both;
        if is_test { Split::Test } else { Split::Validation }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_has_its_shares() {
        let labels: Vec<u32> = (0..1000).map(|i| u32::from(i % 10 >= 7)).collect();
        let shares = Shares { validation_percent: 15, test_percent: 10 };
        let split = shares.split(&labels).unwrap();
        for (class, images) in [(0, 700), (1, 300)] {
            let count =
                |wanted| labels.iter().zip(&split).filter(|(l, s)| **l == class && **s == wanted).count();
            assert_eq!(count(Split::Test), images / 10, "class {class}");
            assert_eq!(count(Split::Validation), images * 15 / 100, "class {class}");
        }
    }

    #[test]
    fn shares_of_everything_are_refused() {
        let shares = Shares { validation_percent: 60, test_percent: 40 };
        let error = shares.split(&[0, 1]).unwrap_err();
        assert!(error.message.contains("leave nothing for training"), "{}", error.message);
    }
    #[test]
    fn shares_without_an_image_are_refused() {
        let message = |validation_percent, test_percent, labels: &[u32]| {
            Shares { validation_percent, test_percent }.split(labels).unwrap_err().message
        };
        assert_eq!(
            message(10, 0, &[0, 0, 0, 1, 1, 3]),
            "no image is left for validation: there are 6 in 3 classes, 1 to 3 of each, and of every 100 of one class \
             validation_percent = 10 are taken: give more images, or a larger share"
        );
        assert_eq!(
            message(40, 10, &[0, 0, 0, 1, 1]),
            "no image is left for the test: there are 5 in 2 classes, 2 to 3 of each, and of every 100 of one class \
             validation_percent = 40 and test_percent = 10 are taken: give more images, or a larger share"
        );
        assert!(message(10, 0, &[]).starts_with("no image is left for training: there are 0 in 0 classes"));
    }
}
