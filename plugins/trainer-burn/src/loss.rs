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
