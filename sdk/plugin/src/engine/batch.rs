//! Checks before anything is computed, and what is counted after.

use super::Plan;
use codebench_api::{MiniBatch, PluginError};
use codebench_model::Workload;

/// Number of images in `batch`, once everything about it fits `plan`.
///
/// # Errors
/// Images of another shape, or not whole ones; with `labelled`, labels that are too few, too many or no class; activations
/// that need more than `memory_bytes`.
pub fn check_batch(
    plan: &Plan,
    batch: &MiniBatch<'_>,
    labelled: bool,
    memory_bytes: u64,
) -> Result<usize, PluginError> {
    if batch.shape != plan.input_shape {
        return Err(PluginError::invalid(format!(
            "images of {} are given to a network for {}",
            batch.shape, plan.input_shape
        )));
    }
    let image = batch.shape.elements().unwrap_or(u64::MAX) as usize;
    let count = batch.images.len() / image;
    if count == 0 || count * image != batch.images.len() || (labelled && batch.labels.len() != count) {
        return Err(PluginError::invalid(format!(
            "a mini-batch of {} values and {} labels does not hold whole images of {image} values, one label each",
            batch.images.len(),
            batch.labels.len()
        )));
    }
    if labelled && let Some(label) = batch.labels.iter().find(|l| **l as usize >= plan.classes) {
        return Err(PluginError::invalid(format!(
            "label {label} is out of range: the network has {} classes, from 0",
            plan.classes
        )));
    }
    // Values and gradients of every activation tensor.
    let elements = plan.elements.saturating_mul(count as u64);
    check_memory(elements.saturating_mul(2), memory_bytes, "the activations of a mini-batch")?;
    Ok(count)
}

/// Values of all weight tensors of `workload`.
pub fn weights_values(workload: &Workload) -> u64 {
    let shapes = workload.layers.iter().flat_map(|layer| &layer.weights).map(|weight| &weight.shape);
    shapes
        .map(|shape| shape.iter().fold(1u64, |product, extent| product.saturating_mul(*extent)))
        .fold(0, u64::saturating_add)
}

/// Refuses what would need more memory than allowed: `values` f32, called `what`, against parameter `memory_mb`.
///
/// # Errors
/// [`ErrorKind::Limit`](codebench_api::ErrorKind::Limit), with both sizes.
pub fn check_memory(values: u64, limit_bytes: u64, what: &str) -> Result<(), PluginError> {
    let bytes = values.saturating_mul(4);
    if bytes > limit_bytes {
        return Err(PluginError::limit(format!(
            "{what} need {} MB, more than the {} MB of parameter `memory_mb`: raise it, or use smaller CNNs or \
             mini-batches",
            bytes >> 20,
            limit_bytes >> 20
        )));
    }
    Ok(())
}

/// Rows whose largest value, the first of equals, stands at their label; a row with NaN is never right.
pub fn correct(logits: &[f32], labels: &[u32], classes: usize) -> u64 {
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
