//! The stream of operations that the released simulator reads.

use crate::error::Fault;
use codebench_model::{Activation, Primitive, PublishedOp, PublishedOps, TensorShape, Workload};

/// Which activations run on which of the two units of the released simulator's MAC lane.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ActivationUnits {
    relu: &'static [Activation],
    silu: &'static [Activation],
}

impl ActivationUnits {
    /// The released simulator knows these two by name and no others.
    pub(crate) const RELEASED: ActivationUnits =
        ActivationUnits { relu: &[Activation::Relu], silu: &[Activation::Silu] };

    /// Functions of straight pieces through the origin run on the ReLU unit, curved and shifted ones on the SiLU unit.
    pub(crate) const NEAREST: ActivationUnits = ActivationUnits {
        relu: &[Activation::Relu, Activation::Relu6, Activation::LeakyRelu],
        silu: &[
            Activation::Silu,
            Activation::Gelu,
            Activation::Hswish,
            Activation::Hsigmoid,
            Activation::Sigmoid,
            Activation::Tanh,
        ],
    };
}

/// Operations in order, each with the layer it stands for.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    ops: Vec<PublishedOp>,
    layers: Vec<Option<usize>>,
}

impl Stream {
    /// Appends `op`; a convolution gets its position.
    pub(crate) fn push(&mut self, mut op: PublishedOp, layer: usize) {
        if let PublishedOp::Conv { position, .. } = &mut op {
            *position = self.ops.len() as u64 + 1;
        }
        self.ops.push(op);
        self.layers.push(Some(layer));
    }

    /// The stream of a CNN beyond the published semantics: every layer with its own true shapes, its activations by the
    /// nearer of the two units that the released simulator knows.
    pub(crate) fn of_workload(workload: &Workload) -> Stream {
        let mut stream = Stream::default();
        let shape = |t: Option<&usize>| t.and_then(|t| workload.tensors.get(*t)).copied();
        for (index, layer) in workload.layers.iter().enumerate() {
            let (Some(before), Some(own)) = (shape(layer.inputs.first()), shape(Some(&layer.output))) else {
                continue;
            };
            let op = match &layer.primitive {
                Primitive::GlobalAveragePool => {
                    let TensorShape { channels, height, width } = before;
                    Some(PublishedOp::GlobalAveragePool { channels, height, width })
                }
                primitive => stamp(primitive, before, own),
            };
            if let Some(op) = op {
                stream.push(op, index);
            }
        }
        stream
    }

    pub(crate) fn finish(
        self,
        workload: &Workload,
        units: ActivationUnits,
        unused_parameters: u64,
    ) -> Result<PublishedOps, Fault> {
        let params = workload
            .parameters()
            .checked_add(unused_parameters)
            .ok_or_else(|| Fault::infeasible("the parameters overflow 64 bits; use fewer channels"))?;
        let has = |wanted: &[Activation]| {
            let functions = workload.layers.iter().filter_map(|l| match &l.primitive {
                Primitive::Activation { function } => Some(function),
                _ => None,
            });
            functions.into_iter().any(|f| wanted.contains(f))
        };
        Ok(PublishedOps {
            image: workload.tensors.first().copied().unwrap_or(TensorShape::new(0, 0, 0)),
            params,
            macs: workload.macs(),
            has_relu: has(units.relu),
            has_silu: has(units.silu),
            ops: self.ops,
            layers: self.layers,
        })
    }
}

/// The operation that a layer becomes, with the map `before` its vertex and the map `own` that the vertex writes; none
/// for what the released code does outside its layers.
pub(crate) fn stamp(primitive: &Primitive, before: TensorShape, own: TensorShape) -> Option<PublishedOp> {
    let no_cost = |name: &str| Some(PublishedOp::NoCost { name: name.to_owned() });
    match primitive {
        Primitive::Conv { in_channels, out_channels, kernel, stride, groups, .. } => {
            let per_group = (*groups).max(1);
            let grouped = *groups > 1;
            Some(PublishedOp::Conv {
                position: 0,
                height: before.height,
                width: before.width,
                channels: if grouped { in_channels / per_group } else { before.channels },
                kernel_x: kernel[0],
                kernel_y: kernel[1],
                stride_x: stride[0],
                stride_y: stride[1],
                in_channels: in_channels / per_group,
                out_channels: out_channels / per_group,
                groups: *groups,
                grouped,
            })
        }
        Primitive::BatchNorm { .. } => {
            let TensorShape { channels, height, width } = own;
            Some(PublishedOp::BatchNorm { height, width, channels })
        }
        Primitive::MaxPool { .. } | Primitive::AveragePool { .. } => {
            Some(PublishedOp::Pool { channels: own.channels, elements: own.height * own.width })
        }
        Primitive::Resize { .. } => {
            Some(PublishedOp::Upsample { channels: before.channels, elements: own.height * own.width })
        }
        Primitive::Dense { in_features, out_features, .. } => {
            Some(PublishedOp::Linear { in_features: *in_features, out_features: *out_features })
        }
        Primitive::GlobalAveragePool => no_cost("AdaptiveAvgPool2d"),
        Primitive::Activation { function } => no_cost(activation_class(*function)),
        Primitive::Shuffle { .. } => no_cost("ChannelShuffle"),
        Primitive::Dropout { .. } => no_cost("Dropout"),
        Primitive::Flatten => no_cost("Flatten"),
        Primitive::LocalResponseNorm { .. } => no_cost("LocalResponseNorm"),
        Primitive::Softmax => no_cost("Softmax"),
        Primitive::Add | Primitive::Multiply | Primitive::Concat | Primitive::Slice { .. } => None,
    }
}

fn activation_class(function: Activation) -> &'static str {
    match function {
        Activation::Identity => "Identity",
        Activation::Relu => "ReLU",
        Activation::Relu6 => "ReLU6",
        Activation::Silu => "SiLU",
        Activation::Gelu => "GELU",
        Activation::Hswish => "Hardswish",
        Activation::Hsigmoid => "Hardsigmoid",
        Activation::Sigmoid => "Sigmoid",
        Activation::Tanh => "Tanh",
        Activation::LeakyRelu => "LeakyReLU",
    }
}
