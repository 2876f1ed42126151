//! A workload checked and sized for this machine: what an engine walks through.
//!
//! Every shape is derived again from the primitives and compared with the workload's, so that the kernels below never
//! meet sizes that they would refuse.

use codebench_api::PluginError;
use codebench_model::{Padding, Primitive, ResizeMode, TensorShape, WeightRole, Workload};

/// Largest extent of anything: leaves room for the products that address a mini-batch.
const LARGEST: u64 = 1 << 31;

/// One layer with sizes of this machine.
#[derive(Debug, Clone)]
pub struct PlannedLayer {
    /// Its operation.
    pub op: Op,
    /// Tensors read.
    pub inputs: Vec<usize>,
    /// Tensor written.
    pub output: usize,
    /// Index of its first weight tensor in the workload's order.
    pub first_weight: usize,
    /// Tensors that no later layer reads.
    pub last_reads: Vec<usize>,
}

/// A primitive with its sizes.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub enum Op {
    Conv { stride: [usize; 2], padding: [(usize, usize); 2], dilation: [usize; 2], groups: usize, bias: bool },
    Dense { bias: bool },
    MaxPool(Window),
    AveragePool(Window, bool),
    GlobalAveragePool,
    BatchNorm { epsilon: f64 },
    LocalResponseNorm { size: usize, alpha: f64, beta: f64, k: f64 },
    Activation(codebench_model::Activation),
    Add,
    Multiply,
    Concat,
    Slice { start: usize, length: usize },
    Shuffle { groups: usize },
    Resize { mode: ResizeMode, size: [usize; 2] },
    Flatten,
    Dropout { probability: f64 },
    Softmax,
}

/// A pooling window.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// Extent, `[y, x]` as everywhere.
    pub kernel: [usize; 2],
    /// Steps between windows.
    pub stride: [usize; 2],
    /// Elements before and after, per axis.
    pub padding: [(usize, usize); 2],
    /// Whether a last window may hang over the end.
    pub ceil: bool,
}

/// A checked workload.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Layers in topological order.
    pub layers: Vec<PlannedLayer>,
    /// Number of activation tensors.
    pub tensors: usize,
    /// The image.
    pub input: usize,
    /// Its shape.
    pub input_shape: TensorShape,
    /// The logits.
    pub output: usize,
    /// Features of the output, which is C x 1 x 1.
    pub classes: usize,
    /// Elements of all activation tensors of one image.
    pub elements: u64,
}

impl Plan {
    /// Checks `workload` from front to back.
    ///
    /// # Errors
    /// What does not fit together, with the layer's name.
    pub fn new(workload: &Workload) -> Result<Plan, PluginError> {
        let mut written = vec![false; workload.tensors.len()];
        let input_shape = shape_of(workload, workload.input, "the input")?;
        written[workload.input] = true;
        let mut layers = Vec::with_capacity(workload.layers.len());
        let mut first_weight = 0;
        for layer in &workload.layers {
            let refuse = |why: String| {
                PluginError::invalid(format!("layer `{}` ({}): {why}", layer.name, layer.primitive.name()))
            };
            let mut shapes = Vec::with_capacity(layer.inputs.len());
            for &id in &layer.inputs {
                if !written.get(id).copied().unwrap_or(false) {
                    return Err(refuse(format!("reads tensor {id}, which no earlier layer writes")));
                }
                shapes.push(workload.tensors[id]);
            }
            let stated = shape_of(workload, layer.output, &layer.name)?;
            let derived = output_shape(&layer.primitive, &shapes).map_err(refuse)?;
            if derived != stated {
                return Err(refuse(format!("writes {derived}, but the workload says {stated}")));
            }
            if std::mem::replace(&mut written[layer.output], true) {
                return Err(refuse(format!("writes tensor {} a second time", layer.output)));
            }
            check_weights(layer).map_err(refuse)?;
            let op = Op::new(&layer.primitive).map_err(refuse)?;
            layers.push(PlannedLayer {
                op,
                inputs: layer.inputs.clone(),
                output: layer.output,
                first_weight,
                last_reads: Vec::new(),
            });
            first_weight += layer.weights.len();
        }
        let output = shape_of(workload, workload.output, "the output")?;
        if !written[workload.output] || output.height != 1 || output.width != 1 {
            return Err(PluginError::invalid(format!(
                "the output is {output}: a classifier ends in C x 1 x 1, for example with `flatten` and `dense_classes`"
            )));
        }
        mark_last_reads(&mut layers, workload.output);
        let elements = workload.tensors.iter().try_fold(0u64, |sum, t| sum.checked_add(t.elements()?));
        Ok(Plan {
            layers,
            tensors: workload.tensors.len(),
            input: workload.input,
            input_shape,
            output: workload.output,
            classes: output.channels as usize,
            elements: elements.unwrap_or(u64::MAX),
        })
    }
}

fn shape_of(workload: &Workload, id: usize, what: &str) -> Result<TensorShape, PluginError> {
    let shape = workload
        .tensors
        .get(id)
        .ok_or_else(|| PluginError::invalid(format!("{what} is tensor {id}, which the workload lacks")))?;
    let extents = [shape.channels, shape.height, shape.width];
    let fits = extents.iter().all(|e| (1..LARGEST).contains(e));
    if !fits || shape.elements().is_none_or(|e| e >= LARGEST) {
        return Err(PluginError::invalid(format!(
            "{what} is {shape}: extents and their product must be from 1 to {}",
            LARGEST - 1
        )));
    }
    Ok(*shape)
}

/// For each layer, the tensors that it is the last to read.
fn mark_last_reads(layers: &mut [PlannedLayer], output: usize) {
    let mut read = std::collections::BTreeSet::from([output]);
    for layer in layers.iter_mut().rev() {
        layer.last_reads = layer.inputs.iter().copied().filter(|id| read.insert(*id)).collect();
    }
}

/// Role and shape of every weight tensor that `primitive` has, in its order.
fn expected_weights(primitive: &Primitive) -> Vec<(WeightRole, Vec<u64>)> {
    let with_bias = |shape: Vec<u64>, bias: bool| {
        let out = shape[0];
        let mut weights = vec![(WeightRole::Weight, shape)];
        if bias {
            weights.push((WeightRole::Bias, vec![out]));
        }
        weights
    };
    match primitive {
        Primitive::Conv { in_channels, out_channels, kernel, groups, bias, .. } => {
            with_bias(vec![*out_channels, in_channels / groups.max(&1), kernel[0], kernel[1]], *bias)
        }
        Primitive::Dense { in_features, out_features, bias } => {
            with_bias(vec![*out_features, *in_features], *bias)
        }
        Primitive::BatchNorm { channels, .. } => {
            [WeightRole::Gamma, WeightRole::Beta, WeightRole::RunningMean, WeightRole::RunningVariance]
                .map(|role| (role, vec![*channels]))
                .to_vec()
        }
        _ => Vec::new(),
    }
}

fn check_weights(layer: &codebench_model::Layer) -> Result<(), String> {
    let expected = expected_weights(&layer.primitive);
    let given: Vec<_> = layer.weights.iter().map(|w| (w.role, w.shape.clone())).collect();
    if expected != given {
        return Err(format!("has weight tensors {given:?}, but needs {expected:?}"));
    }
    Ok(())
}

/// The shape that `primitive` writes, or why it cannot read `inputs`.
fn output_shape(primitive: &Primitive, inputs: &[TensorShape]) -> Result<TensorShape, String> {
    let joins = matches!(primitive, Primitive::Add | Primitive::Multiply | Primitive::Concat);
    let input = match inputs {
        [one] => *one,
        [first, ..] if joins => *first,
        _ => return Err(format!("reads {} tensors", inputs.len())),
    };
    let vector = |channels| Ok(TensorShape::new(channels, 1, 1));
    match primitive {
        Primitive::Conv { in_channels, out_channels, kernel, stride, padding, dilation, groups, .. } => {
            if *in_channels != input.channels {
                return Err(format!("reads {input}, but has {in_channels} input channels"));
            }
            if *groups == 0 || in_channels % groups != 0 || out_channels % groups != 0 {
                return Err(format!("{groups} groups must divide {in_channels} and {out_channels} channels"));
            }
            let (height, width) = window_extent(input, *kernel, *stride, *padding, *dilation, false)?;
            Ok(TensorShape::new(*out_channels, height, width))
        }
        Primitive::Dense { in_features, out_features, .. } => {
            if (input.channels, input.height, input.width) != (*in_features, 1, 1) {
                return Err(format!("reads {input}, but has {in_features} input features"));
            }
            vector(*out_features)
        }
        Primitive::MaxPool { kernel, stride, padding, ceil }
        | Primitive::AveragePool { kernel, stride, padding, ceil, .. } => {
            let sides = [(padding.top, padding.bottom, kernel[0]), (padding.left, padding.right, kernel[1])];
            if sides.iter().any(|(before, after, kernel)| before >= kernel || after >= kernel) {
                return Err(format!("padding {padding:?} must be smaller than the window {kernel:?}"));
            }
            let (height, width) = window_extent(input, *kernel, *stride, *padding, [1, 1], *ceil)?;
            Ok(TensorShape::new(input.channels, height, width))
        }
        Primitive::GlobalAveragePool => vector(input.channels),
        Primitive::Flatten => vector(input.channels * input.height * input.width),
        Primitive::BatchNorm { channels, epsilon }
            if *channels != input.channels || !is_positive(*epsilon) =>
        {
            Err(format!("reads {input} with {channels} channels and epsilon {epsilon}"))
        }
        Primitive::LocalResponseNorm { size: 0, .. } => Err("a window of 0 channels".into()),
        Primitive::Dropout { probability } if !(0.0..=1.0).contains(probability) => {
            Err(format!("probability {probability} is out of range: give 0 to 1"))
        }
        Primitive::Add | Primitive::Multiply => broadcast_shape(inputs),
        Primitive::Concat => inputs.iter().skip(1).try_fold(input, |joined, next| {
            if (next.height, next.width) != (input.height, input.width) {
                return Err(format!("cannot concatenate {input} and {next}"));
            }
            Ok(TensorShape::new(joined.channels + next.channels, joined.height, joined.width))
        }),
        Primitive::Slice { start, end } if start < end && *end <= input.channels => {
            Ok(TensorShape::new(end - start, input.height, input.width))
        }
        Primitive::Slice { start, end } => {
            Err(format!("channels {start}..{end} are not all among the {} read", input.channels))
        }
        Primitive::Shuffle { groups } if *groups == 0 || input.channels % groups != 0 => {
            Err(format!("{groups} groups must divide {} channels", input.channels))
        }
        Primitive::Resize { height, width, .. } => Ok(TensorShape::new(input.channels, *height, *width)),
        Primitive::BatchNorm { .. }
        | Primitive::LocalResponseNorm { .. }
        | Primitive::Activation { .. }
        | Primitive::Shuffle { .. }
        | Primitive::Dropout { .. }
        | Primitive::Softmax => Ok(input),
    }
}

fn broadcast_shape(inputs: &[TensorShape]) -> Result<TensorShape, String> {
    let largest = inputs.iter().copied().max_by_key(|s| (s.height, s.width)).unwrap_or(inputs[0]);
    for shape in inputs {
        let same_map = (shape.height, shape.width) == (largest.height, largest.width);
        let vector = (shape.height, shape.width) == (1, 1);
        if shape.channels != largest.channels || !(same_map || vector) {
            return Err(format!("cannot join {shape} and {largest}"));
        }
    }
    Ok(largest)
}

fn window_extent(
    input: TensorShape,
    kernel: [u64; 2],
    stride: [u64; 2],
    padding: Padding,
    dilation: [u64; 2],
    ceil: bool,
) -> Result<(u64, u64), String> {
    let along = |size: u64, before: u64, after: u64, axis: usize| {
        let (kernel, stride, dilation) = (kernel[axis], stride[axis], dilation[axis]);
        let sizes = [kernel, stride, dilation];
        if sizes.iter().any(|s| !(1..LARGEST).contains(s)) || before.max(after) >= LARGEST {
            return Err(format!(
                "kernel {kernel}, stride {stride}, dilation {dilation}, padding {before}, {after}"
            ));
        }
        let padded = size + before + after;
        let reach = dilation * (kernel - 1) + 1;
        if reach > padded {
            return Err(format!("a window of {reach} is larger than its padded input of {padded}"));
        }
        let steps = padded - reach;
        let mut extent = if ceil { steps.div_ceil(stride) } else { steps / stride } + 1;
        // A window may hang over the end, but must start in the input or in the padding before it.
        if ceil && (extent - 1) * stride >= size + before {
            extent -= 1;
        }
        Ok(extent)
    };
    Ok((
        along(input.height, padding.top, padding.bottom, 0)?,
        along(input.width, padding.left, padding.right, 1)?,
    ))
}

impl Op {
    /// Sizes were checked by [`output_shape`].
    fn new(primitive: &Primitive) -> Result<Op, String> {
        let size = |n: u64| usize::try_from(n).map_err(|_| format!("{n} does not fit this machine"));
        let pair = |p: [u64; 2]| Ok::<_, String>([size(p[0])?, size(p[1])?]);
        let pads =
            |p: &Padding| Ok::<_, String>([(size(p.top)?, size(p.bottom)?), (size(p.left)?, size(p.right)?)]);
        let window = |kernel: &[u64; 2], stride: &[u64; 2], padding: &Padding, ceil: bool| {
            Ok::<_, String>(Window {
                kernel: pair(*kernel)?,
                stride: pair(*stride)?,
                padding: pads(padding)?,
                ceil,
            })
        };
        Ok(match primitive {
            Primitive::Conv { stride, padding, dilation, groups, bias, .. } => Op::Conv {
                stride: pair(*stride)?,
                padding: pads(padding)?,
                dilation: pair(*dilation)?,
                groups: size(*groups)?,
                bias: *bias,
            },
            Primitive::Dense { bias, .. } => Op::Dense { bias: *bias },
            Primitive::MaxPool { kernel, stride, padding, ceil } => {
                Op::MaxPool(window(kernel, stride, padding, *ceil)?)
            }
            Primitive::AveragePool { kernel, stride, padding, ceil, count_include_padding } => {
                Op::AveragePool(window(kernel, stride, padding, *ceil)?, *count_include_padding)
            }
            Primitive::GlobalAveragePool => Op::GlobalAveragePool,
            Primitive::BatchNorm { epsilon, .. } => Op::BatchNorm { epsilon: *epsilon },
            Primitive::LocalResponseNorm { size: channels, alpha, beta, k } => {
                Op::LocalResponseNorm { size: size(*channels)?, alpha: *alpha, beta: *beta, k: *k }
            }
            Primitive::Activation { function } => Op::Activation(*function),
            Primitive::Add => Op::Add,
            Primitive::Multiply => Op::Multiply,
            Primitive::Concat => Op::Concat,
            Primitive::Slice { start, end } => Op::Slice { start: size(*start)?, length: size(end - start)? },
            Primitive::Shuffle { groups } => Op::Shuffle { groups: size(*groups)? },
            Primitive::Resize { mode, height, width } => {
                Op::Resize { mode: *mode, size: pair([*height, *width])? }
            }
            Primitive::Flatten => Op::Flatten,
            Primitive::Dropout { probability } => Op::Dropout { probability: *probability },
            Primitive::Softmax => Op::Softmax,
        })
    }
}

fn is_positive(value: f64) -> bool {
    value.is_finite() && value > 0.0
}
