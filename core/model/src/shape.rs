//! Shapes, weights and multiply-accumulates of primitives: the one place that knows them.

use crate::primitive::{Padding, Primitive};
use crate::workload::{TensorShape, WeightRole};

/// Why a primitive cannot work on its inputs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum ShapeError {
    #[error("{op} got {given} inputs; it needs {needed}")]
    InputCount { op: &'static str, given: usize, needed: &'static str },
    #[error("{op} is built for {expected} channels, but its input is {input}")]
    Channels { op: &'static str, expected: u64, input: TensorShape },
    #[error("{op} has {name} = 0; give at least 1")]
    Zero { op: &'static str, name: &'static str },
    #[error(
        "a {op} window of {kernel} does not fit the padded input of {padded}: use a smaller kernel or stride, or more padding"
    )]
    Window { op: &'static str, kernel: u64, padded: u64 },
    #[error("{op} has a padding of {padding} for a window of {kernel}; give at most half of the window")]
    Padding { op: &'static str, padding: u64, kernel: u64 },
    #[error(
        "{groups} groups do not divide {channels} channels: give a number of groups that divides input and output channels"
    )]
    Groups { groups: u64, channels: u64 },
    #[error("{op} cannot combine {first} with {second}; shapes must be equal, or one of them C x 1 x 1")]
    Broadcast { op: &'static str, first: TensorShape, second: TensorShape },
    #[error("concat cannot join {first} and {second}; rows and columns must be equal")]
    Concat { first: TensorShape, second: TensorShape },
    #[error("dense needs C x 1 x 1, but its input is {input}: put `flatten` or `global-avg-pool` before it")]
    NotFlat { input: TensorShape },
    #[error("slice {start}..{end} is out of range; give 0 <= start < end <= {channels}")]
    Slice { start: u64, end: u64, channels: u64 },
    #[error("{op}: {name} = {value} is out of range; give {range}")]
    Value { op: &'static str, name: &'static str, value: String, range: &'static str },
    #[error("{op} makes sizes that overflow 64 bits")]
    Overflow { op: &'static str },
}

/// One weight tensor of a primitive: the suffix of its name, its role and its shape.
pub type WeightShape = (&'static str, WeightRole, Vec<u64>);

impl Primitive {
    /// Shape of the output for one image, or why the primitive cannot work on `inputs`.
    pub fn output_shape(&self, inputs: &[TensorShape]) -> Result<TensorShape, ShapeError> {
        let op = self.name();
        match self {
            Primitive::Add | Primitive::Multiply => broadcast(op, inputs),
            Primitive::Concat => concat(inputs),
            _ => match inputs {
                [input] => self.unary_shape(*input),
                _ => Err(ShapeError::InputCount { op, given: inputs.len(), needed: "one" }),
            },
        }
    }

    fn unary_shape(&self, input: TensorShape) -> Result<TensorShape, ShapeError> {
        let op = self.name();
        let overflow = ShapeError::Overflow { op };
        match self {
            Primitive::Conv { .. } => self.conv_shape(input),
            Primitive::Dense { in_features, out_features, .. } => {
                if input.height != 1 || input.width != 1 {
                    return Err(ShapeError::NotFlat { input });
                }
                expect_channels(op, *in_features, input)?;
                positive(op, "out_features", *out_features)?;
                Ok(TensorShape::new(*out_features, 1, 1))
            }
            Primitive::MaxPool { kernel, stride, padding, ceil }
            | Primitive::AveragePool { kernel, stride, padding, ceil, .. } => {
                half_padding(op, *padding, *kernel)?;
                let [y, x] = windows(op, input, *kernel, *stride, *padding, [1, 1], *ceil)?;
                Ok(TensorShape::new(input.channels, y, x))
            }
            Primitive::GlobalAveragePool => Ok(TensorShape::new(input.channels, 1, 1)),
            Primitive::BatchNorm { channels, epsilon } => {
                expect_channels(op, *channels, input)?;
                in_range(op, "epsilon", *epsilon, *epsilon > 0.0, "a positive number")?;
                Ok(input)
            }
            Primitive::LocalResponseNorm { size, .. } => {
                positive(op, "size", *size)?;
                Ok(input)
            }
            Primitive::Dropout { probability } => {
                in_range(op, "probability", *probability, (0.0..1.0).contains(probability), "0 <= p < 1")?;
                Ok(input)
            }
            Primitive::Slice { start, end } => {
                if start >= end || *end > input.channels {
                    return Err(ShapeError::Slice { start: *start, end: *end, channels: input.channels });
                }
                Ok(TensorShape::new(end - start, input.height, input.width))
            }
            Primitive::Shuffle { groups } => {
                divides(*groups, input.channels)?;
                Ok(input)
            }
            Primitive::Resize { height, width, .. } => {
                positive(op, "height", *height)?;
                positive(op, "width", *width)?;
                Ok(TensorShape::new(input.channels, *height, *width))
            }
            Primitive::Flatten => input.elements().map(|n| TensorShape::new(n, 1, 1)).ok_or(overflow),
            Primitive::Activation { .. }
            | Primitive::Softmax
            | Primitive::Add
            | Primitive::Multiply
            | Primitive::Concat => Ok(input),
        }
    }

    fn conv_shape(&self, input: TensorShape) -> Result<TensorShape, ShapeError> {
        let Primitive::Conv { in_channels, out_channels, kernel, stride, padding, dilation, groups, .. } =
            self
        else {
            return Ok(input);
        };
        expect_channels("conv", *in_channels, input)?;
        positive("conv", "out_channels", *out_channels)?;
        positive("conv", "groups", *groups)?;
        divides(*groups, *in_channels)?;
        divides(*groups, *out_channels)?;
        let [y, x] = windows("conv", input, *kernel, *stride, *padding, *dilation, false)?;
        Ok(TensorShape::new(*out_channels, y, x))
    }

    /// Weight tensors in the primitive's order; empty for primitives without any.
    ///
    /// Meaningful for a primitive that [`Primitive::output_shape`] accepts.
    pub fn weight_shapes(&self) -> Vec<WeightShape> {
        match self {
            Primitive::Conv { in_channels, out_channels, kernel, groups, bias, .. } => {
                let shape = vec![*out_channels, in_channels / (*groups).max(1), kernel[0], kernel[1]];
                with_bias(shape, *out_channels, *bias)
            }
            Primitive::Dense { in_features, out_features, bias } => {
                with_bias(vec![*out_features, *in_features], *out_features, *bias)
            }
            Primitive::BatchNorm { channels, .. } => vec![
                ("gamma", WeightRole::Gamma, vec![*channels]),
                ("beta", WeightRole::Beta, vec![*channels]),
                ("running_mean", WeightRole::RunningMean, vec![*channels]),
                ("running_variance", WeightRole::RunningVariance, vec![*channels]),
            ],
            _ => Vec::new(),
        }
    }

    /// Trained parameters; `None` if they overflow.
    pub fn parameter_count(&self) -> Option<u64> {
        let (weights, bias) = match self {
            Primitive::Conv { in_channels, out_channels, kernel, groups, bias, .. } => {
                let filter =
                    (in_channels / (*groups).max(1)).checked_mul(kernel[0])?.checked_mul(kernel[1])?;
                (filter.checked_mul(*out_channels)?, if *bias { *out_channels } else { 0 })
            }
            Primitive::Dense { in_features, out_features, bias } => {
                (in_features.checked_mul(*out_features)?, if *bias { *out_features } else { 0 })
            }
            Primitive::BatchNorm { channels, .. } => (*channels, *channels),
            _ => (0, 0),
        };
        weights.checked_add(bias)
    }

    /// Multiply-accumulates for one image whose output is `output`: convolutions and dense layers only; `None` if they
    /// overflow.
    pub fn mac_count(&self, output: TensorShape) -> Option<u64> {
        match self {
            Primitive::Conv { in_channels, kernel, groups, .. } => output
                .elements()?
                .checked_mul(in_channels / (*groups).max(1))?
                .checked_mul(kernel[0])?
                .checked_mul(kernel[1]),
            Primitive::Dense { in_features, out_features, .. } => in_features.checked_mul(*out_features),
            _ => Some(0),
        }
    }
}

fn with_bias(shape: Vec<u64>, out: u64, bias: bool) -> Vec<WeightShape> {
    let mut weights = vec![("weight", WeightRole::Weight, shape)];
    if bias {
        weights.push(("bias", WeightRole::Bias, vec![out]));
    }
    weights
}

fn positive(op: &'static str, name: &'static str, value: u64) -> Result<(), ShapeError> {
    if value == 0 { Err(ShapeError::Zero { op, name }) } else { Ok(()) }
}

fn in_range(
    op: &'static str,
    name: &'static str,
    value: f64,
    inside: bool,
    range: &'static str,
) -> Result<(), ShapeError> {
    if inside { Ok(()) } else { Err(ShapeError::Value { op, name, value: value.to_string(), range }) }
}

fn divides(groups: u64, channels: u64) -> Result<(), ShapeError> {
    if groups > 0 && channels.is_multiple_of(groups) {
        Ok(())
    } else {
        Err(ShapeError::Groups { groups, channels })
    }
}

fn expect_channels(op: &'static str, expected: u64, input: TensorShape) -> Result<(), ShapeError> {
    if expected == input.channels { Ok(()) } else { Err(ShapeError::Channels { op, expected, input }) }
}

fn half_padding(op: &'static str, padding: Padding, kernel: [u64; 2]) -> Result<(), ShapeError> {
    let check = |padding: u64, kernel: u64| {
        if padding > kernel / 2 { Err(ShapeError::Padding { op, padding, kernel }) } else { Ok(()) }
    };
    check(padding.top.max(padding.bottom), kernel[0])?;
    check(padding.left.max(padding.right), kernel[1])
}

fn broadcast(op: &'static str, inputs: &[TensorShape]) -> Result<TensorShape, ShapeError> {
    let Some((first, rest)) = inputs.split_first().filter(|(_, rest)| !rest.is_empty()) else {
        return Err(ShapeError::InputCount { op, given: inputs.len(), needed: "two or more" });
    };
    let mut shape = *first;
    for second in rest {
        let flat = |s: &TensorShape| s.height == 1 && s.width == 1;
        if shape.channels != second.channels || (shape != *second && !flat(&shape) && !flat(second)) {
            return Err(ShapeError::Broadcast { op, first: shape, second: *second });
        }
        if flat(&shape) {
            shape = *second;
        }
    }
    Ok(shape)
}

fn concat(inputs: &[TensorShape]) -> Result<TensorShape, ShapeError> {
    let Some((first, rest)) = inputs.split_first().filter(|(_, rest)| !rest.is_empty()) else {
        return Err(ShapeError::InputCount { op: "concat", given: inputs.len(), needed: "two or more" });
    };
    let mut shape = *first;
    for second in rest {
        if (shape.height, shape.width) != (second.height, second.width) {
            return Err(ShapeError::Concat { first: *first, second: *second });
        }
        shape.channels =
            shape.channels.checked_add(second.channels).ok_or(ShapeError::Overflow { op: "concat" })?;
    }
    Ok(shape)
}

fn windows(
    op: &'static str,
    input: TensorShape,
    kernel: [u64; 2],
    stride: [u64; 2],
    padding: Padding,
    dilation: [u64; 2],
    ceil: bool,
) -> Result<[u64; 2], ShapeError> {
    let y = (input.height, padding.top, padding.bottom);
    let x = (input.width, padding.left, padding.right);
    Ok([
        windows_along(op, y, kernel[0], stride[0], dilation[0], ceil)?,
        windows_along(op, x, kernel[1], stride[1], dilation[1], ceil)?,
    ])
}

/// Number of windows along one axis of `(extent, padding before, padding after)`.
///
/// Rounded up, a last window that would start in the padding after the map is left out.
fn windows_along(
    op: &'static str,
    (extent, before, after): (u64, u64, u64),
    kernel: u64,
    stride: u64,
    dilation: u64,
    ceil: bool,
) -> Result<u64, ShapeError> {
    positive(op, "kernel", kernel)?;
    positive(op, "stride", stride)?;
    positive(op, "dilation", dilation)?;
    let overflow = ShapeError::Overflow { op };
    let reach = (kernel - 1).checked_mul(dilation).and_then(|r| r.checked_add(1)).ok_or(overflow.clone())?;
    let left = extent.checked_add(before).ok_or(overflow.clone())?;
    let padded = left.checked_add(after).ok_or(overflow)?;
    if extent == 0 || reach > padded {
        return Err(ShapeError::Window { op, kernel: reach, padded });
    }
    let last = padded - reach;
    if !ceil {
        return Ok(last / stride + 1);
    }
    let count = last.div_ceil(stride) + 1;
    let starts_inside = (count - 1).checked_mul(stride).is_some_and(|start| start < left);
    Ok(if starts_inside { count } else { count - 1 })
}
