//! The proxies, each from a network that is not trained.

use super::workloads::{SUM, summed, units};
use crate::answers;
use codebench_sdk::math::dense::cholesky;
use codebench_sdk::math::{exp, ln};
use codebench_sdk::prelude::*;

/// Share of a mini-batch in the running statistics, as the contract of engines fixes it.
const MOMENTUM: f32 = 0.1;

/// What a proxy is computed from.
pub(super) struct Setting<'a> {
    pub(super) engine: &'a dyn Engine,
    pub(super) workload: &'a Workload,
    pub(super) batch: MiniBatch<'a>,
    pub(super) seed: u64,
}

impl Setting<'_> {
    pub(super) fn build(&self, workload: &Workload) -> Result<Box<dyn Network>, PluginError> {
        let options = NetworkOptions {
            seed: self.seed,
            optimizer: "sgd".into(),
            momentum: 0.0,
            betas: [0.9, 0.999],
            weight_decay: 0.0,
            label_smoothing: 0.0,
            clip_norm: 0.0,
        };
        self.engine.build(workload, &options)
    }
}

/// Sum over all kernels of the Euclidean norm of the loss's gradient (Abdelfattah and others, arXiv 2101.08134).
pub(super) fn gradient_norm(setting: &Setting<'_>) -> Result<f64, PluginError> {
    let mut network = setting.build(setting.workload)?;
    let gradients = answers::gradients(network.as_mut(), &setting.batch, setting.workload)?;
    let kernels = gradients.iter().filter(|gradient| gradient.role == WeightRole::Weight);
    Ok(kernels.map(|gradient| squares(&gradient.values).sqrt()).sum())
}

fn squares(values: &[f32]) -> f64 {
    values.iter().map(|value| f64::from(*value) * f64::from(*value)).sum()
}

/// Logarithm of the sum over all kernels of |weight x derivative|, where the weights are made positive, the image is all ones
/// and what is derived is the sum of the logits (Tanaka and others, arXiv 2006.05467). Batch norms and biases are left out.
pub(super) fn log_synflow(setting: &Setting<'_>) -> Result<f64, PluginError> {
    let workload = summed(setting.workload);
    let mut network = setting.build(&workload)?;
    let mut weights = answers::weights(network.as_ref(), &workload)?;
    for tensor in &mut weights {
        let half = tensor.values.len() / 2;
        for (index, value) in tensor.values.iter_mut().enumerate() {
            *value = match tensor.role {
                WeightRole::Weight if tensor.name == SUM => f32::from(u8::from(index < half)),
                WeightRole::Weight => value.abs(),
                _ => 0.0,
            };
        }
    }
    network.set_weights(&weights)?;
    let shape = setting.batch.shape;
    let images = vec![1.0; shape.elements().unwrap_or(0) as usize];
    // The loss against the second class is ln(1 + e^sum): its derivative by the sum is 1 / (1 + e^-sum).
    let batch = MiniBatch { images: &images, labels: &[1], shape };
    let sum = answers::logits(network.as_mut(), &batch, 1, 2)?[0];
    if !sum.is_finite() {
        return Err(PluginError::failed(format!(
            "log_synflow: the sum of the logits is {sum}: the CNN is too deep for it; leave it out of `proxies`"
        )));
    }
    let by_sum = 1.0 / (1.0 + exp(-f64::from(sum)));
    let gradients = answers::gradients(network.as_mut(), &batch, &workload)?;
    let kernels = weights.iter().filter(|tensor| tensor.role.is_parameter()).zip(&gradients);
    let flow = |(weight, gradient): (&NamedTensor, &NamedTensor)| -> f64 {
        let products = weight.values.iter().zip(&gradient.values);
        products.map(|(weight, derivative)| f64::from((weight * derivative).abs())).sum()
    };
    let of_kernels = kernels.filter(|(tensor, _)| tensor.role == WeightRole::Weight && tensor.name != SUM);
    Ok(ln(of_kernels.map(flow).sum::<f64>() / by_sum))
}

/// Logarithm of the determinant of the matrix that counts, for each two images, the units which they switch alike (Mellor and
/// others, arXiv 2006.04647), batch norms by the statistics of the mini-batch.
pub(super) fn naswot(setting: &Setting<'_>) -> Result<f64, PluginError> {
    let workload = units(setting.workload).ok_or_else(|| {
        PluginError::infeasible("naswot: the CNN has no activation that switches units on and off")
    })?;
    let mut network = setting.build(&workload)?;
    network.set_weights(&with_statistics(setting)?)?;
    let images = setting.batch.labels.len();
    let count = workload.tensors[workload.output].elements().unwrap_or(0) as usize;
    let batch = MiniBatch { labels: &[], ..setting.batch };
    let outputs = answers::logits(network.as_mut(), &batch, images, count)?;
    let codes: Vec<Vec<u64>> = outputs.chunks(count.max(1)).map(code).collect();
    let alike = |a: &[u64], b: &[u64]| -> f64 {
        let different: u32 = a.iter().zip(b).map(|(a, b)| (a ^ b).count_ones()).sum();
        f64::from(count as u32 - different)
    };
    let mut kernel: Vec<f64> = codes.iter().flat_map(|a| codes.iter().map(move |b| alike(a, b))).collect();
    if !cholesky(images, &mut kernel) {
        return Err(PluginError::infeasible(
            "naswot: the CNN tells some images of the mini-batch not apart, so that its score is not defined",
        ));
    }
    Ok((0..images).map(|i| 2.0 * ln(kernel[i * images + i])).sum())
}

/// A bit for each unit of an image: whether it is on.
fn code(outputs: &[f32]) -> Vec<u64> {
    let word = |units: &[f32]| {
        units.iter().enumerate().fold(0, |word, (bit, output)| word | u64::from(*output > 0.0) << bit)
    };
    outputs.chunks(64).map(word).collect()
}

/// Initial weights with the statistics of the mini-batch: a step of rate 0 moves the running ones a known share of the way.
fn with_statistics(setting: &Setting<'_>) -> Result<Vec<NamedTensor>, PluginError> {
    let mut network = setting.build(setting.workload)?;
    let mut weights = answers::weights(network.as_ref(), setting.workload)?;
    network.train_step(&setting.batch, &StepOptions { learning_rate: 0.0, step: 0 })?;
    for (tensor, moved) in weights.iter_mut().zip(answers::weights(network.as_ref(), setting.workload)?) {
        if !tensor.role.is_parameter() {
            for (value, moved) in tensor.values.iter_mut().zip(moved.values) {
                *value += (moved - *value) / MOMENTUM;
            }
        }
    }
    Ok(weights)
}
