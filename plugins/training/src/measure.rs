//! Accuracy and loss of a network on one split.

use crate::answers;
use crate::data::Part;
use codebench_sdk::api::{MiniBatch, Network};
use codebench_sdk::math;
use codebench_sdk::model::DataShape;
use codebench_sdk::prelude::PluginError;

/// Most images per evaluation pass; fewer if the training steps take fewer, so that what trains in memory evaluates too.
const IMAGES_PER_PASS: usize = 256;

/// What a network makes of a split.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measure {
    /// Share of images whose largest logit is their label.
    pub accuracy: f64,
    /// Mean cross-entropy without label smoothing.
    pub loss: f64,
}

/// Runs all of `part` through `network` in inference mode, at most `batch_size` images at once.
pub(crate) fn measure(
    network: &mut dyn Network,
    part: &Part,
    data: &DataShape,
    batch_size: usize,
) -> Result<Measure, PluginError> {
    let (shape, classes) = (data.input, data.classes as usize);
    let pass = batch_size.clamp(1, IMAGES_PER_PASS);
    let (mut right, mut loss) = (0u64, 0.0f64);
    for (start, labels) in (0..part.len()).step_by(pass).zip(part.labels().chunks(pass)) {
        let images = part.images(start..start + labels.len());
        let batch = MiniBatch { images: &images, labels, shape };
        let logits = answers::logits(network, &batch, labels.len(), classes)?;
        for (row, label) in logits.chunks_exact(classes).zip(labels) {
            let (is_right, entropy) = score(row, *label as usize);
            right += u64::from(is_right);
            loss += entropy;
        }
    }
    let count = part.len() as f64;
    Ok(Measure { accuracy: right as f64 / count, loss: loss / count })
}

/// Share of values that are not zero in the output of every layer, over all images of `part`.
pub(crate) fn densities(
    network: &mut dyn Network,
    part: &Part,
    data: &DataShape,
    batch_size: usize,
) -> Result<Vec<f64>, PluginError> {
    let pass = batch_size.clamp(1, IMAGES_PER_PASS);
    let mut sums: Option<Vec<f64>> = None;
    for start in (0..part.len()).step_by(pass) {
        let end = part.len().min(start + pass);
        let images = part.images(start..end);
        let batch = MiniBatch { images: &images, labels: &part.labels()[start..end], shape: data.input };
        let seen = answers::densities(network, &batch, sums.as_ref().map(Vec::len))?;
        let sums = sums.get_or_insert_with(|| vec![0.0; seen.len()]);
        sums.iter_mut().zip(seen).for_each(|(sum, density)| *sum += density * (end - start) as f64);
    }
    let sums = sums.unwrap_or_default();
    Ok(sums.into_iter().map(|sum| (sum / part.len() as f64).clamp(0.0, 1.0)).collect())
}

/// Whether the first largest logit stands at `label`, and the cross-entropy; NaN if a logit is not finite.
fn score(row: &[f32], label: usize) -> (bool, f64) {
    let mut best = 0;
    for (class, logit) in row.iter().enumerate() {
        if *logit > row[best] {
            best = class;
        }
    }
    let largest = f64::from(row[best]);
    let sum: f64 = row.iter().map(|logit| math::exp(f64::from(*logit) - largest)).sum();
    (best == label, math::ln(sum) - (f64::from(row[label]) - largest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_those_of_the_softmax() {
        let (right, loss) = score(&[1.0, 3.0, 2.0], 1);
        let expected = math::ln(math::exp(-2.0) + 1.0 + math::exp(-1.0));
        assert!(right && (loss - expected).abs() < 1e-12);
        let (right, loss) = score(&[0.0, 1000.0], 0);
        assert!(!right && (loss - 1000.0).abs() < 1e-9);
        assert!(score(&[f32::NAN, 0.0], 0).1.is_nan());
    }
}
