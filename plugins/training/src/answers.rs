//! What an engine answers, held against what it was asked: an engine may be anybody's plugin.

use codebench_sdk::api::{MiniBatch, NamedTensor, Network};
use codebench_sdk::model::{WeightTensor, Workload};
use codebench_sdk::prelude::PluginError;

/// Logits of `batch`, `outputs` for each of its `images`.
pub(crate) fn logits(
    network: &mut dyn Network,
    batch: &MiniBatch<'_>,
    images: usize,
    outputs: usize,
) -> Result<Vec<f32>, PluginError> {
    let logits = network.evaluate(batch)?.logits;
    if logits.len() == images * outputs {
        return Ok(logits);
    }
    Err(PluginError::contract(format!(
        "the engine gave {} logits for {images} images and {outputs} classes",
        logits.len()
    )))
}

/// Shares of values that are not zero, each from 0 to 1; as many as `before` if other images were asked about before.
pub(crate) fn densities(
    network: &mut dyn Network,
    batch: &MiniBatch<'_>,
    before: Option<usize>,
) -> Result<Vec<f64>, PluginError> {
    let densities = network.densities(batch)?;
    if let Some(before) = before.filter(|before| *before != densities.len()) {
        let count = densities.len();
        return Err(PluginError::contract(format!(
            "the engine gave {count} densities, after {before} for other images"
        )));
    }
    match densities.iter().find(|density| !(0.0..=1.0).contains(*density)) {
        Some(density) => {
            Err(PluginError::contract(format!("the engine gave a density of {density}: it must be 0 to 1")))
        }
        None => Ok(densities),
    }
}

/// Gradients of the loss by every parameter of `workload`, in its order.
pub(crate) fn gradients(
    network: &mut dyn Network,
    batch: &MiniBatch<'_>,
    workload: &Workload,
) -> Result<Vec<NamedTensor>, PluginError> {
    let gradients = network.gradients(batch, 0)?.gradients;
    check_tensors("gradients", &gradients, tensors(workload).filter(|tensor| tensor.role.is_parameter()))?;
    Ok(gradients)
}

/// All weight tensors of `workload`, in its order.
pub(crate) fn weights(network: &dyn Network, workload: &Workload) -> Result<Vec<NamedTensor>, PluginError> {
    let weights = network.weights()?;
    check_tensors("weights", &weights, tensors(workload))?;
    Ok(weights)
}

fn tensors(workload: &Workload) -> impl Iterator<Item = &WeightTensor> {
    workload.layers.iter().flat_map(|layer| &layer.weights)
}

/// `given` has the names, roles, shapes and numbers of values that are `expected`.
fn check_tensors<'a>(
    what: &str,
    given: &[NamedTensor],
    expected: impl Iterator<Item = &'a WeightTensor>,
) -> Result<(), PluginError> {
    let mut given = given.iter();
    for wanted in expected {
        let Some(tensor) = given.next() else {
            return Err(PluginError::contract(format!("the engine gave no {what} of `{}`", wanted.name)));
        };
        let values: u64 = wanted.shape.iter().product();
        let same = (&tensor.name, tensor.role, &tensor.shape) == (&wanted.name, wanted.role, &wanted.shape);
        if !same || tensor.values.len() as u64 != values {
            return Err(PluginError::contract(format!(
                "the engine gave {} {what} of `{}` {:?} instead of {values} of `{}` {:?}",
                tensor.values.len(),
                tensor.name,
                tensor.shape,
                wanted.name,
                wanted.shape
            )));
        }
    }
    match given.next() {
        Some(more) => Err(PluginError::contract(format!(
            "the engine gave {what} of `{}`, which nobody asked for",
            more.name
        ))),
        None => Ok(()),
    }
}
