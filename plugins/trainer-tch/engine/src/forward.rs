//! The interpreter: walks through a plan, layer by layer, with libtorch's tensors.

use crate::{norm, pool, resize};
use codebench_sdk::engine::{Draw, Op, Plan, PlannedLayer, Uniform};
use codebench_sdk::model::Activation;
use tch::{TchError, Tensor};

/// Whether the pass trains.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Mode {
    /// Batch norms use the mini-batch's statistics; dropout drops by (seed, step, layer).
    Train {
        /// Seed of the network.
        seed: u64,
        /// Number of the step.
        step: u64,
        /// Whether running statistics move towards the mini-batch's.
        moves_statistics: bool,
    },
    /// Batch norms use running statistics; dropout does nothing.
    Inference,
}

/// Logits, N x classes, of `images` (N x C x H x W); `watch` sees the output of every layer in order.
pub(crate) fn run(
    plan: &Plan,
    weights: &[Tensor],
    images: Tensor,
    mode: Mode,
    mut watch: impl FnMut(&Tensor) -> Result<(), TchError>,
) -> Result<Tensor, TchError> {
    let mut tensors: Vec<Option<Tensor>> = (0..plan.tensors).map(|_| None).collect();
    tensors[plan.input] = Some(images);
    for (index, layer) in plan.layers.iter().enumerate() {
        // The plan guarantees that every tensor read here was written and not yet dropped.
        let inputs: Vec<&Tensor> = layer.inputs.iter().filter_map(|id| tensors[*id].as_ref()).collect();
        let of_layer = &weights[layer.first_weight..];
        let output = match (&layer.op, mode) {
            (Op::BatchNorm { epsilon }, Mode::Train { moves_statistics, .. }) => {
                norm::batch_train(inputs[0], of_layer, *epsilon, moves_statistics)?
            }
            (Op::BatchNorm { epsilon }, Mode::Inference) => {
                norm::batch_inference(inputs[0], of_layer, *epsilon)?
            }
            (Op::Dropout { probability }, Mode::Train { seed, step, .. }) => {
                dropout(inputs[0], *probability, Uniform::new(seed, Draw::Dropout { step, layer: index }))?
            }
            (Op::Dropout { .. }, Mode::Inference) => inputs[0].shallow_clone(),
            _ => apply(layer, &inputs, of_layer)?,
        };
        watch(&output)?;
        for id in &layer.last_reads {
            tensors[*id] = None;
        }
        tensors[layer.output] = Some(output);
    }
    let logits = tensors[plan.output].take();
    let logits = logits.ok_or_else(|| TchError::Shape("the plan writes no output".into()))?;
    logits.f_reshape([-1, plan.classes as i64])
}

pub(crate) fn pair(sizes: [usize; 2]) -> [i64; 2] {
    sizes.map(|size| size as i64)
}

/// The layers that work the same in training and at inference; `weights` begins with the layer's own.
fn apply(layer: &PlannedLayer, inputs: &[&Tensor], weights: &[Tensor]) -> Result<Tensor, TchError> {
    let input = inputs[0];
    let size = input.size();
    match &layer.op {
        Op::Conv { stride, padding, dilation, groups, bias } => {
            let bias = bias.then(|| &weights[1]);
            let (input, padding) = pool::padded(input, *padding, 0.0)?;
            let (stride, dilation) = (pair(*stride), pair(*dilation));
            input.f_conv2d(&weights[0], bias, stride, padding, dilation, *groups as i64)
        }
        Op::Dense { bias } => {
            let rows = input.f_reshape([size[0], size[1]])?;
            rows.f_linear(&weights[0], bias.then(|| &weights[1]))?.f_reshape([size[0], -1, 1, 1])
        }
        Op::MaxPool(window) => pool::max(input, window),
        Op::AveragePool(window, include) => pool::average(input, window, *include),
        Op::GlobalAveragePool => input.f_mean_dim([2i64, 3].as_slice(), true, None),
        Op::LocalResponseNorm { size, alpha, beta, k } => {
            norm::local_response(input, *size as i64, *alpha, *beta, *k)
        }
        Op::Activation(function) => activate(input, *function),
        Op::Add => join(inputs, Tensor::f_add),
        Op::Multiply => join(inputs, Tensor::f_mul),
        Op::Concat => Tensor::f_cat(inputs, 1),
        Op::Slice { start, length } => input.f_narrow(1, *start as i64, *length as i64),
        Op::Shuffle { groups } => {
            let groups = *groups as i64;
            let grid = input.f_reshape([size[0], groups, size[1] / groups, size[2] * size[3]])?;
            grid.f_transpose(1, 2)?.f_reshape(size)
        }
        Op::Resize { mode, size } => resize::resize(input, *mode, *size),
        Op::Flatten => input.f_reshape([size[0], -1, 1, 1]),
        Op::Softmax => input.f_softmax(1, None),
        // Handled by `run`, which knows the mode.
        Op::BatchNorm { .. } | Op::Dropout { .. } => Ok(input.shallow_clone()),
    }
}

/// Folds from the left; a N x C x 1 x 1 operand is broadcast over the map of the other.
fn join(
    inputs: &[&Tensor],
    op: impl Fn(&Tensor, &Tensor) -> Result<Tensor, TchError>,
) -> Result<Tensor, TchError> {
    inputs[1..].iter().try_fold(inputs[0].shallow_clone(), |joined, next| op(&joined, next))
}

fn activate(x: &Tensor, function: Activation) -> Result<Tensor, TchError> {
    match function {
        Activation::Identity => Ok(x.shallow_clone()),
        Activation::Relu => x.f_relu(),
        Activation::Relu6 => x.f_clamp(0.0, 6.0),
        Activation::Silu => x.f_silu(),
        Activation::Gelu => x.f_gelu("none"),
        Activation::Hswish => x.f_hardswish(),
        Activation::Hsigmoid => x.f_hardsigmoid(),
        Activation::Sigmoid => x.f_sigmoid(),
        Activation::Tanh => x.f_tanh(),
        // Its slope below zero is 0.01.
        Activation::LeakyRelu => x.f_leaky_relu(),
    }
}

/// Zeroes with `probability` and scales the rest up, so that the expectation stays.
fn dropout(input: &Tensor, probability: f64, uniform: Uniform) -> Result<Tensor, TchError> {
    let mask = uniform.dropout_mask(input.numel(), probability);
    let mask = Tensor::f_from_slice(&mask)?.f_reshape(input.size())?.f_to_device(input.device())?;
    input.f_mul(&mask)
}
