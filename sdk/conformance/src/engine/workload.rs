//! Small workloads, built from primitives.

use crate::check::{Finding, failed};
use codebench_model::{
    Activation, Layer, Padding, Primitive, ResizeMode, TensorId, TensorShape, WeightTensor, Workload,
};

/// Builds a workload layer by layer.
pub(super) struct Builder {
    workload: Workload,
}

impl Builder {
    pub(super) fn new(input: TensorShape) -> Builder {
        let workload =
            Workload { v: Workload::VERSION, tensors: vec![input], input: 0, output: 0, layers: Vec::new() };
        Builder { workload }
    }

    /// Adds a layer on `inputs` and answers its output, which becomes the network's.
    pub(super) fn add(&mut self, primitive: Primitive, inputs: &[TensorId]) -> Result<TensorId, Finding> {
        let shapes: Vec<TensorShape> = inputs.iter().map(|id| self.workload.tensors[*id]).collect();
        let shape =
            primitive.output_shape(&shapes).or_else(|e| failed(format!("a workload of the suite: {e}")))?;
        let index = self.workload.layers.len();
        let name = format!("m0.v{index}.{}", primitive.name());
        let weights = primitive.weight_shapes().into_iter().map(|(suffix, role, shape)| WeightTensor {
            name: format!("{name}.{suffix}"),
            role,
            shape,
        });
        let output = self.workload.tensors.len();
        self.workload.tensors.push(shape);
        self.workload.layers.push(Layer {
            module: 0,
            vertex: index,
            inputs: inputs.to_vec(),
            output,
            weights: weights.collect(),
            macs: primitive.mac_count(shape).unwrap_or(0),
            parameters: primitive.parameter_count().unwrap_or(0),
            name,
            primitive,
        });
        self.workload.output = output;
        Ok(output)
    }

    /// Flattens the output and ends with `classes` logits.
    pub(super) fn finish(mut self, classes: u64) -> Result<Workload, Finding> {
        let last = self.workload.output;
        let flat = self.add(Primitive::Flatten, &[last])?;
        let in_features = self.workload.tensors[flat].channels;
        self.add(Primitive::Dense { in_features, out_features: classes, bias: true }, &[flat])?;
        Ok(self.workload)
    }
}

pub(super) fn conv(in_channels: u64, out_channels: u64) -> Primitive {
    Primitive::Conv {
        in_channels,
        out_channels,
        kernel: [3, 3],
        stride: [1, 1],
        padding: Padding::symmetric(1, 1),
        dilation: [1, 1],
        groups: 1,
        bias: true,
    }
}

pub(super) const IMAGE: TensorShape = TensorShape { channels: 2, height: 4, width: 4 };
pub(super) const CLASSES: u64 = 3;

/// Convolution, tanh, dense: differentiable everywhere.
pub(super) fn smooth() -> Result<Workload, Finding> {
    let mut builder = Builder::new(IMAGE);
    let conv = builder.add(conv(2, 3), &[0])?;
    builder.add(Primitive::Activation { function: Activation::Tanh }, &[conv])?;
    builder.finish(CLASSES)
}

/// Batch norm, dropout and a residual sum.
pub(super) fn residual() -> Result<Workload, Finding> {
    let mut builder = Builder::new(IMAGE);
    let stem = builder.add(conv(2, 4), &[0])?;
    let norm = builder.add(Primitive::BatchNorm { channels: 4, epsilon: 1e-5 }, &[stem])?;
    let relu = builder.add(Primitive::Activation { function: Activation::Relu }, &[norm])?;
    let second = builder.add(conv(4, 4), &[relu])?;
    let sum = builder.add(Primitive::Add, &[second, relu])?;
    builder.add(Primitive::Dropout { probability: 0.25 }, &[sum])?;
    builder.finish(CLASSES)
}

/// One workload around each primitive, by its name.
pub(super) fn each_primitive() -> Result<Vec<(String, Workload)>, Finding> {
    let (kernel, stride, padding) = ([2, 2], [2, 2], Padding::default());
    let mut primitives = vec![
        conv(2, 4),
        Primitive::MaxPool { kernel, stride, padding, ceil: false },
        Primitive::AveragePool { kernel, stride, padding, ceil: false, count_include_padding: true },
        Primitive::GlobalAveragePool,
        Primitive::BatchNorm { channels: 2, epsilon: 1e-5 },
        Primitive::LocalResponseNorm { size: 3, alpha: 1e-4, beta: 0.75, k: 1.0 },
        Primitive::Slice { start: 1, end: 2 },
        Primitive::Shuffle { groups: 2 },
        Primitive::Resize { mode: ResizeMode::Nearest, height: 8, width: 8 },
        Primitive::Resize { mode: ResizeMode::BilinearAlignCorners, height: 8, width: 8 },
        Primitive::Dropout { probability: 0.5 },
        Primitive::Softmax,
    ];
    primitives
        .extend(Activation::ALL.iter().map(|(function, _)| Primitive::Activation { function: *function }));
    let mut workloads = Vec::new();
    for primitive in primitives {
        let mut builder = Builder::new(IMAGE);
        builder.add(primitive.clone(), &[0])?;
        workloads.push((format!("{primitive:?}"), builder.finish(CLASSES)?));
    }
    for primitive in [Primitive::Add, Primitive::Multiply, Primitive::Concat] {
        let mut builder = Builder::new(IMAGE);
        let other = builder.add(Primitive::Activation { function: Activation::Tanh }, &[0])?;
        builder.add(primitive.clone(), &[0, other])?;
        workloads.push((primitive.name().to_owned(), builder.finish(CLASSES)?));
    }
    Ok(workloads)
}
