//! The interpreter: walks through a plan, layer by layer, with burn's tensors.

use crate::device::Target;
use crate::{gpu, norm};
use burn::tensor::ops::{AvgPoolOptions, ConvOptions, InterpolateMode, InterpolateOptions, MaxPoolOptions};
use burn::tensor::{Device, Tensor, TensorData, activation, module};
use codebench_sdk::engine::{Draw, Op, Plan, PlannedLayer, Uniform, Window};
use codebench_sdk::model::{Activation, ResizeMode};

/// Whether the pass trains.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Mode {
    /// Batch norms use the mini-batch's statistics; dropout drops by (seed, step, layer).
    Train {
        /// Seed of the network.
        seed: u64,
        /// Number of the step.
        step: u64,
    },
    /// Batch norms use running statistics; dropout does nothing.
    Inference,
}

/// Mean and unbiased variance that a batch norm saw.
pub(crate) struct Statistics {
    /// Index of the layer's first weight tensor.
    pub(crate) first_weight: usize,
    pub(crate) mean: Tensor<1>,
    /// Biased, as the normalisation uses it.
    pub(crate) variance: Tensor<1>,
    /// Values per channel.
    pub(crate) count: usize,
}

/// What a pass leaves behind.
pub(crate) struct Pass {
    /// N x classes.
    pub(crate) logits: Tensor<2>,
    /// One per batch norm, when training.
    pub(crate) statistics: Vec<Statistics>,
}

/// A weight tensor on its way into a layer: rank by role.
pub(crate) struct LayerWeights<'a> {
    /// All weight tensors, flat, in the workload's order.
    flat: &'a [Tensor<1>],
    shapes: &'a [Vec<usize>],
}

impl<'a> LayerWeights<'a> {
    /// The tensors of a network.
    pub(crate) fn new(flat: &'a [Tensor<1>], shapes: &'a [Vec<usize>]) -> Self {
        LayerWeights { flat, shapes }
    }

    pub(crate) fn vector(&self, index: usize) -> Tensor<1> {
        self.flat[index].clone()
    }

    fn shaped<const D: usize>(&self, index: usize) -> Tensor<D> {
        let mut shape = [1; D];
        for (extent, given) in shape.iter_mut().zip(&self.shapes[index]) {
            *extent = *given;
        }
        self.flat[index].clone().reshape(shape)
    }
}

/// Runs `images` (N x C x H x W) through the network; `watch` sees the output of every layer in order.
pub(crate) fn run(
    plan: &Plan,
    weights: &LayerWeights<'_>,
    images: Tensor<4>,
    mode: Mode,
    target: &Target,
    mut watch: impl FnMut(&Tensor<4>),
) -> Pass {
    let batch = images.dims()[0];
    let mut tensors: Vec<Option<Tensor<4>>> = vec![None; plan.tensors];
    let mut statistics = Vec::new();
    tensors[plan.input] = Some(images);
    for (index, layer) in plan.layers.iter().enumerate() {
        // The plan guarantees that every tensor read here was written and not yet dropped.
        let inputs: Vec<Tensor<4>> = layer.inputs.iter().filter_map(|id| tensors[*id].clone()).collect();
        for id in &layer.last_reads {
            tensors[*id] = None;
        }
        let output = match (&layer.op, mode) {
            (Op::BatchNorm { epsilon }, Mode::Train { .. }) => {
                let (output, seen) = norm::batch_train(first(inputs), weights, layer.first_weight, *epsilon);
                statistics.push(seen);
                output
            }
            (Op::BatchNorm { epsilon }, Mode::Inference) => {
                norm::batch_inference(first(inputs), weights, layer.first_weight, *epsilon)
            }
            (Op::Dropout { probability }, Mode::Train { seed, step }) => dropout(
                first(inputs),
                *probability,
                Uniform::new(seed, Draw::Dropout { step, layer: index }),
                &target.device,
            ),
            (Op::Dropout { .. }, Mode::Inference) => first(inputs),
            _ => apply(layer, inputs, weights, target),
        };
        watch(&output);
        tensors[layer.output] = Some(output);
    }
    let logits = tensors[plan.output].take().map(|t| t.reshape([batch, plan.classes]));
    Pass {
        logits: logits.unwrap_or_else(|| Tensor::zeros([batch, plan.classes], &target.device)),
        statistics,
    }
}

fn first(mut inputs: Vec<Tensor<4>>) -> Tensor<4> {
    inputs.swap_remove(0)
}

/// The layers that work the same in training and at inference.
fn apply(
    layer: &PlannedLayer,
    inputs: Vec<Tensor<4>>,
    weights: &LayerWeights<'_>,
    target: &Target,
) -> Tensor<4> {
    let w = layer.first_weight;
    match &layer.op {
        Op::Conv { stride, padding, dilation, groups, bias } => {
            let options = ConvOptions::new_with_padding(*stride, *padding, *dilation, *groups);
            let bias = bias.then(|| weights.vector(w + 1));
            module::conv2d(first(inputs), weights.shaped::<4>(w), bias, options)
        }
        Op::Dense { bias } => {
            dense(first(inputs), weights.shaped::<2>(w), bias.then(|| weights.shaped::<1>(w + 1)))
        }
        Op::MaxPool(window) => max_pool(first(inputs), window),
        Op::AveragePool(window, include) => average_pool(first(inputs), window, *include),
        Op::GlobalAveragePool => {
            let input = first(inputs);
            let [n, c, h, width] = input.dims();
            input.reshape([n, c, h * width]).mean_dim(2).reshape([n, c, 1, 1])
        }
        Op::LocalResponseNorm { size, alpha, beta, k } => {
            norm::local_response(first(inputs), *size, *alpha, *beta, *k)
        }
        Op::Activation(Activation::Gelu) if target.gpu => gpu::gelu(first(inputs)),
        Op::Activation(function) => activate(first(inputs), *function),
        Op::Add => join(inputs, &target.device, |a, b| a + b),
        Op::Multiply => join(inputs, &target.device, |a, b| a * b),
        Op::Concat => Tensor::cat(inputs, 1),
        Op::Slice { start, length } => first(inputs).narrow(1, *start, *length),
        Op::Shuffle { groups } => {
            let input = first(inputs);
            let [n, c, h, width] = input.dims();
            input.reshape([n, *groups, c / groups, h * width]).swap_dims(1, 2).reshape([n, c, h, width])
        }
        Op::Resize { mode: ResizeMode::BilinearAlignCorners, size } if target.gpu => {
            gpu::bilinear(first(inputs), *size, &target.device)
        }
        Op::Resize { mode, size } => resize(first(inputs), *mode, *size),
        Op::Flatten => {
            let input = first(inputs);
            let [n, c, h, width] = input.dims();
            input.reshape([n, c * h * width, 1, 1])
        }
        Op::Softmax => activation::softmax(first(inputs), 1),
        // Handled by `run`, which knows the mode.
        Op::BatchNorm { .. } | Op::Dropout { .. } => first(inputs),
    }
}

fn dense(input: Tensor<4>, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<4> {
    let n = input.dims()[0];
    let [out_features, in_features] = weight.dims();
    let output = input.reshape([n, in_features]).matmul(weight.transpose());
    let output = match bias {
        Some(bias) => output + bias.reshape([1, out_features]),
        None => output,
    };
    output.reshape([n, out_features, 1, 1])
}

fn max_pool(input: Tensor<4>, window: &Window) -> Tensor<4> {
    let options = MaxPoolOptions::new(window.kernel)
        .with_stride(window.stride)
        .with_padding_pairs(window.padding)
        .with_ceil_mode(window.ceil);
    module::max_pool2d(input, options)
}

fn average_pool(input: Tensor<4>, window: &Window, count_include_padding: bool) -> Tensor<4> {
    let options = AvgPoolOptions::new(window.kernel)
        .with_stride(window.stride)
        .with_padding_pairs(window.padding)
        .with_ceil_mode(window.ceil)
        .with_count_include_pad(count_include_padding);
    module::avg_pool2d(input, options)
}

fn resize(input: Tensor<4>, mode: ResizeMode, size: [usize; 2]) -> Tensor<4> {
    let mode = match mode {
        ResizeMode::Nearest => InterpolateMode::Nearest,
        ResizeMode::BilinearAlignCorners => InterpolateMode::Bilinear,
    };
    module::interpolate(input, InterpolateOptions::new(mode).with_align_corners(true).with_output_size(size))
}

/// Folds from the left; a N x C x 1 x 1 operand is broadcast over the map of the other.
fn join(
    inputs: Vec<Tensor<4>>,
    device: &Device,
    op: impl Fn(Tensor<4>, Tensor<4>) -> Tensor<4>,
) -> Tensor<4> {
    let mut inputs = inputs.into_iter();
    match inputs.next() {
        Some(start) => inputs.fold(start, op),
        None => Tensor::zeros([0, 0, 0, 0], device),
    }
}

fn activate(x: Tensor<4>, function: Activation) -> Tensor<4> {
    match function {
        Activation::Identity => x,
        Activation::Relu => activation::relu(x),
        Activation::Relu6 => x.clamp(0.0, 6.0),
        Activation::Silu => activation::silu(x),
        Activation::Gelu => activation::gelu(x),
        Activation::Hswish => x.clone() * hsigmoid(x),
        Activation::Hsigmoid => hsigmoid(x),
        Activation::Sigmoid => activation::sigmoid(x),
        Activation::Tanh => x.tanh(),
        Activation::LeakyRelu => activation::leaky_relu(x, 0.01),
    }
}

/// clamp(x + 3, 0, 6) / 6
fn hsigmoid(x: Tensor<4>) -> Tensor<4> {
    x.add_scalar(3.0).clamp(0.0, 6.0).div_scalar(6.0)
}

/// Zeroes with `probability` and scales the rest up, so that the expectation stays.
fn dropout(input: Tensor<4>, probability: f64, uniform: Uniform, device: &Device) -> Tensor<4> {
    let shape = input.dims();
    let mask = uniform.dropout_mask(shape.iter().product(), probability);
    input * Tensor::from_data(TensorData::new(mask, shape), device)
}
