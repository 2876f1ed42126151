//! Cross-entropy of logits.

use burn::tensor::{Device, Tensor, TensorData, activation};

/// Mean cross-entropy over the mini-batch; `smoothing` spreads that much probability evenly over all classes.
pub(crate) fn cross_entropy(logits: Tensor<2>, labels: &[u32], smoothing: f64, device: &Device) -> Tensor<1> {
    let [n, classes] = logits.dims();
    let even = (smoothing / classes as f64) as f32;
    let mut targets = vec![even; n * classes];
    for (row, label) in targets.chunks_exact_mut(classes).zip(labels) {
        row[*label as usize] += (1.0 - smoothing) as f32;
    }
    let targets = Tensor::<2>::from_data(TensorData::new(targets, [n, classes]), device);
    (activation::log_softmax(logits, 1) * targets).sum().mul_scalar(-1.0 / n as f64)
}

/// Rows whose largest value, the first of equals, stands at their label; a row with NaN is never right.
pub(crate) fn correct(logits: &[f32], labels: &[u32], classes: usize) -> u64 {
    let right = |(row, label): (&[f32], &u32)| {
        let mut best = 0;
        for (class, value) in row.iter().enumerate() {
            if value.is_nan() {
                return false;
            }
            if *value > row[best] {
                best = class;
            }
        }
        best == *label as usize
    };
    logits.chunks_exact(classes).zip(labels).filter(|pair| right(*pair)).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_equals_counts_and_nan_never_does() {
        let logits = [1.0, 1.0, 0.0, 2.0, f32::NAN, 3.0];
        assert_eq!(correct(&logits, &[0, 1, 1], 2), 2);
        assert_eq!(correct(&logits, &[1, 0, 0], 2), 0);
    }
}
