//! The weight tensors of a network, kept as plain rows so that optimisers and copies are exact.

use super::random::{Draw, Uniform};
use codebench_api::{NamedTensor, PluginError};
use codebench_model::{WeightRole, Workload};
use std::collections::BTreeMap;

/// All weight tensors in the workload's order.
#[derive(Debug, Clone)]
pub struct Weights {
    tensors: Vec<NamedTensor>,
    by_name: BTreeMap<String, usize>,
}

impl Weights {
    /// Initial weights: kernels and biases uniform within 1/sqrt(fan-in) of zero, as PyTorch initialises convolutions and
    /// dense layers; batch norms start as the identity.
    ///
    /// # Errors
    /// A tensor beyond 2^31 elements, a name given twice.
    pub fn initial(workload: &Workload, seed: u64) -> Result<Weights, PluginError> {
        let mut tensors = Vec::new();
        let mut by_name = BTreeMap::new();
        for layer in &workload.layers {
            let fan_in = layer.weights.first().map(|w| w.shape.iter().skip(1).product::<u64>()).unwrap_or(1);
            for weight in &layer.weights {
                let index = tensors.len();
                let length = elements(&weight.shape).ok_or_else(|| {
                    PluginError::limit(format!(
                        "weight tensor `{}` of shape {:?} has 2^31 elements or more: choose fewer channels",
                        weight.name, weight.shape
                    ))
                })?;
                let values = match weight.role {
                    WeightRole::Weight | WeightRole::Bias => {
                        let bound = 1.0 / (fan_in.max(1) as f32).sqrt();
                        let mut uniform = Uniform::new(seed, Draw::Weights { index });
                        (0..length).map(|_| uniform.symmetric(bound)).collect()
                    }
                    WeightRole::Gamma | WeightRole::RunningVariance => vec![1.0; length],
                    WeightRole::Beta | WeightRole::RunningMean => vec![0.0; length],
                };
                if by_name.insert(weight.name.clone(), index).is_some() {
                    return Err(PluginError::invalid(format!(
                        "two weight tensors are named `{}`",
                        weight.name
                    )));
                }
                tensors.push(NamedTensor {
                    name: weight.name.clone(),
                    role: weight.role,
                    shape: weight.shape.clone(),
                    values,
                });
            }
        }
        Ok(Weights { tensors, by_name })
    }

    /// All tensors.
    pub fn all(&self) -> &[NamedTensor] {
        &self.tensors
    }

    /// All tensors, to be changed in place.
    pub fn all_mut(&mut self) -> &mut [NamedTensor] {
        &mut self.tensors
    }

    /// One gradient per parameter, in order; `gradients` has one entry per tensor, `None` where the loss does not depend on it.
    pub fn named_gradients(&self, gradients: Vec<Option<Vec<f32>>>) -> Vec<NamedTensor> {
        let parameters = self.tensors.iter().zip(gradients).filter(|(tensor, _)| tensor.role.is_parameter());
        parameters
            .map(|(tensor, gradient)| NamedTensor {
                name: tensor.name.clone(),
                role: tensor.role,
                shape: tensor.shape.clone(),
                values: gradient.unwrap_or_else(|| vec![0.0; elements(&tensor.shape).unwrap_or(0)]),
            })
            .collect()
    }

    /// Index of each tensor of `given`, in their order.
    ///
    /// # Errors
    /// An unknown name, another shape, values that are too few, too many or not finite.
    pub fn locate(&self, given: &[NamedTensor]) -> Result<Vec<usize>, PluginError> {
        let mut targets = Vec::with_capacity(given.len());
        for tensor in given {
            let index = *self.by_name.get(&tensor.name).ok_or_else(|| self.unknown(&tensor.name))?;
            let target = &self.tensors[index];
            if tensor.shape != target.shape || elements(&target.shape) != Some(tensor.values.len()) {
                return Err(PluginError::invalid(format!(
                    "weight tensor `{}` of shape {:?} with {} values is refused: the network's has shape {:?}",
                    tensor.name,
                    tensor.shape,
                    tensor.values.len(),
                    target.shape
                )));
            }
            if let Some(value) = tensor.values.iter().find(|v| !v.is_finite()) {
                return Err(PluginError::invalid(format!(
                    "weight tensor `{}` holds {value}: every value must be finite",
                    tensor.name
                )));
            }
            targets.push(index);
        }
        Ok(targets)
    }

    /// Replaces the named tensors, or changes nothing.
    ///
    /// # Errors
    /// Those of [`Weights::locate`].
    pub fn replace(&mut self, given: &[NamedTensor]) -> Result<(), PluginError> {
        let targets = self.locate(given)?;
        for (tensor, index) in given.iter().zip(targets) {
            self.tensors[index].values.copy_from_slice(&tensor.values);
        }
        Ok(())
    }

    /// The values of `given` for every tensor of the network, in order; zeros for those that are not named.
    ///
    /// # Errors
    /// Those of [`Weights::locate`].
    pub fn rows(&self, given: &[NamedTensor]) -> Result<Vec<Vec<f32>>, PluginError> {
        let targets = self.locate(given)?;
        let length = |tensor: &NamedTensor| elements(&tensor.shape).unwrap_or(0);
        let mut rows: Vec<Vec<f32>> = self.tensors.iter().map(|tensor| vec![0.0; length(tensor)]).collect();
        for (tensor, index) in given.iter().zip(targets) {
            rows[index].copy_from_slice(&tensor.values);
        }
        Ok(rows)
    }

    fn unknown(&self, name: &str) -> PluginError {
        let nearest = codebench_model::parameter::nearest(name, self.by_name.keys().map(String::as_str));
        let hint = nearest.map(|n| format!(" (did you mean `{n}`?)")).unwrap_or_default();
        PluginError::invalid(format!("unknown weight tensor `{name}`{hint}"))
    }
}

/// Elements of a tensor of `shape`, if an engine can address them.
fn elements(shape: &[u64]) -> Option<usize> {
    let product = shape.iter().try_fold(1u64, |product, extent| product.checked_mul(*extent))?;
    usize::try_from(product).ok().filter(|_| product < 1 << 31)
}
