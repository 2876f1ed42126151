//! The weight tensors of a network on its device.
//!
//! Everything that is trained lies in one row, with the gradients in a second row of the same order. A weight tensor is a view
//! into the row, so an optimiser changes all of them by a few operations on whole rows.

use codebench_sdk::engine::{Plan, Weights};
use codebench_sdk::model::WeightRole;
use tch::{Device, Kind, TchError, Tensor};

/// Every view starts at a multiple of so many values: a cache line.
const ALIGNMENT: usize = 16;

/// All weight tensors in the workload's order.
pub(crate) struct Tensors {
    /// Trained values, those that decay first.
    pub(crate) row: Tensor,
    /// Their gradients.
    pub(crate) gradient: Tensor,
    /// Values at the start of the row that weight decay applies to.
    pub(crate) decayed: i64,
    /// Views into the row that ask for gradients, and tensors of their own for what is not trained.
    all: Vec<Tensor>,
    /// For each view into the row: its index in `all`, and its place in the row of gradients.
    trained: Vec<(usize, Tensor)>,
    /// Where in the row each of `trained` starts.
    starts: Vec<i64>,
}

impl Tensors {
    /// Puts `weights` on `device`. Layers that `plan`'s output does not depend on are not trained.
    pub(crate) fn new(plan: &Plan, weights: &Weights, device: Device) -> Result<Tensors, TchError> {
        let live = &live_weights(plan, weights.all().len());
        let of_role = |decays: bool| {
            let trained = weights.all().iter().enumerate().filter(move |(index, tensor)| {
                tensor.role.is_parameter() && live[*index] && (tensor.role == WeightRole::Weight) == decays
            });
            trained.map(|(index, _)| index)
        };
        let mut values: Vec<f32> = Vec::new();
        let mut places = Vec::new();
        for index in of_role(true) {
            places.push((index, append(&mut values, &weights.all()[index].values)));
        }
        let decayed = values.len() as i64;
        for index in of_role(false) {
            places.push((index, append(&mut values, &weights.all()[index].values)));
        }
        let row = Tensor::f_from_slice(&values)?.f_to_device(device)?;
        let gradient = row.f_zeros_like()?;
        let mut all = Vec::with_capacity(weights.all().len());
        for tensor in weights.all() {
            let own = Tensor::f_from_slice(&tensor.values)?.f_reshape(extents(&tensor.shape))?;
            all.push(own.f_to_device(device)?);
        }
        let starts = places.iter().map(|(_, start)| *start).collect();
        let mut trained = Vec::with_capacity(places.len());
        for (index, start) in places {
            let tensor = &weights.all()[index];
            let view = |of: &Tensor| {
                of.f_narrow(0, start, tensor.values.len() as i64)?
                    .f_reshape(extents(&tensor.shape))?
                    .f_detach()
            };
            all[index] = view(&row)?.f_set_requires_grad(true)?;
            trained.push((index, view(&gradient)?));
        }
        Ok(Tensors { row, gradient, decayed, all, trained, starts })
    }

    /// All tensors.
    pub(crate) fn all(&self) -> &[Tensor] {
        &self.all
    }

    /// Derivatives of `loss`, each written into its place in the row of gradients.
    pub(crate) fn differentiate(&mut self, loss: &Tensor) -> Result<(), TchError> {
        let leaves: Vec<&Tensor> = self.trained.iter().map(|(index, _)| &self.all[*index]).collect();
        if leaves.is_empty() {
            return Ok(());
        }
        let gradients = Tensor::f_run_backward(&[loss], &leaves, false, false)?;
        let _guard = tch::no_grad_guard();
        for ((_, place), gradient) in self.trained.iter_mut().zip(gradients) {
            if gradient.defined() {
                place.f_copy_(&gradient)?;
            } else {
                let _ = place.f_zero_()?;
            }
        }
        Ok(())
    }

    /// The gradient of each tensor, `None` for what is not trained.
    pub(crate) fn gradients(&self) -> Result<Vec<Option<Vec<f32>>>, TchError> {
        let mut gradients: Vec<Option<Vec<f32>>> = vec![None; self.all.len()];
        for (index, place) in &self.trained {
            gradients[*index] = Some(values(place)?);
        }
        Ok(gradients)
    }

    /// The part of each tensor in `row`, which has the order of the trained values; `None` for what is not trained.
    pub(crate) fn split(&self, row: &Tensor) -> Result<Vec<Option<Vec<f32>>>, TchError> {
        let mut parts: Vec<Option<Vec<f32>>> = vec![None; self.all.len()];
        for ((index, place), start) in self.trained.iter().zip(&self.starts) {
            parts[*index] = Some(values(&row.f_narrow(0, *start, place.numel() as i64)?)?);
        }
        Ok(parts)
    }

    /// The row of which [`Tensors::split`] gives `parts`, one for each tensor.
    pub(crate) fn join(&self, parts: &[Vec<f32>], device: Device) -> Result<Tensor, TchError> {
        let mut row = vec![0.0f32; self.row.numel()];
        for ((index, _), start) in self.trained.iter().zip(&self.starts) {
            let start = *start as usize;
            row[start..start + parts[*index].len()].copy_from_slice(&parts[*index]);
        }
        Tensor::f_from_slice(&row)?.f_to_device(device)
    }

    /// Writes `values` into tensor `index`.
    pub(crate) fn set(&mut self, index: usize, values: &[f32]) -> Result<(), TchError> {
        let _guard = tch::no_grad_guard();
        let tensor = &mut self.all[index];
        let shape = tensor.size();
        tensor.f_copy_(&Tensor::f_from_slice(values)?.f_reshape(shape)?)
    }
}

/// The values of a tensor of f32, row-major.
pub(crate) fn values(tensor: &Tensor) -> Result<Vec<f32>, TchError> {
    let mut values = vec![0.0; tensor.numel()];
    let count = values.len();
    tensor.f_to_kind(Kind::Float)?.f_copy_data(&mut values, count)?;
    Ok(values)
}

/// Extents as libtorch counts them; checked to fit by the plan.
pub(crate) fn extents(shape: &[u64]) -> Vec<i64> {
    shape.iter().map(|extent| *extent as i64).collect()
}

/// Appends `more` from the next aligned place on, and answers that place.
fn append(row: &mut Vec<f32>, more: &[f32]) -> i64 {
    let start = row.len();
    row.extend_from_slice(more);
    row.resize(row.len().next_multiple_of(ALIGNMENT), 0.0);
    start as i64
}

/// For each weight tensor, whether the output depends on it.
fn live_weights(plan: &Plan, weights: usize) -> Vec<bool> {
    let mut needed = vec![false; plan.tensors];
    needed[plan.output] = true;
    let mut live = vec![false; weights];
    let mut end = weights;
    for layer in plan.layers.iter().rev() {
        if needed[layer.output] {
            layer.inputs.iter().for_each(|id| needed[*id] = true);
            live[layer.first_weight..end].fill(true);
        }
        end = layer.first_weight;
    }
    live
}
