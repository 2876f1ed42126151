//! The closed set of operations that simulators and trainers know. A cnn-op lowers to a few of these.

use serde::{Deserialize, Serialize};

/// Zero padding in elements on each side of a feature map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[allow(missing_docs)]
pub struct Padding {
    pub top: u64,
    pub left: u64,
    pub bottom: u64,
    pub right: u64,
}

impl Padding {
    /// The same padding above and below (`y`), and left and right (`x`).
    pub fn symmetric(y: u64, x: u64) -> Self {
        Padding { top: y, bottom: y, left: x, right: x }
    }
}

/// Elementwise functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Activation {
    Identity,
    Relu,
    Relu6,
    Silu,
    Gelu,
    Hswish,
    Hsigmoid,
    Sigmoid,
    Tanh,
    /// Slope 0.01 below zero.
    LeakyRelu,
}

impl Activation {
    /// Every activation with its name in labels, in order of declaration.
    pub const ALL: [(Activation, &'static str); 10] = [
        (Activation::Identity, "identity"),
        (Activation::Relu, "relu"),
        (Activation::Relu6, "relu6"),
        (Activation::Silu, "silu"),
        (Activation::Gelu, "gelu"),
        (Activation::Hswish, "hswish"),
        (Activation::Hsigmoid, "hsigmoid"),
        (Activation::Sigmoid, "sigmoid"),
        (Activation::Tanh, "tanh"),
        (Activation::LeakyRelu, "leaky_relu"),
    ];

    /// The code in rows, from 1.
    pub fn code(self) -> u64 {
        self as u64 + 1
    }

    /// The activation of a code.
    pub fn of_code(code: u64) -> Option<Activation> {
        Activation::ALL.get(usize::try_from(code.checked_sub(1)?).ok()?).map(|(activation, _)| *activation)
    }
}

/// How a feature map is resized.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ResizeMode {
    /// Source index `floor(i * in / out)`.
    Nearest,
    /// Bilinear with aligned corners (PyTorch's `UpsamplingBilinear2d`).
    BilinearAlignCorners,
}

/// One operation on tensors of shape N x C x H x W. `[y, x]` order throughout.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Primitive {
    /// Convolution; weight shape `out_channels x in_channels/groups x kernel`.
    Conv {
        /// Input channels.
        in_channels: u64,
        /// Output channels.
        out_channels: u64,
        /// Kernel extent.
        kernel: [u64; 2],
        /// Stride.
        stride: [u64; 2],
        /// Zero padding.
        padding: Padding,
        /// Dilation, 1 for a dense kernel.
        dilation: [u64; 2],
        /// Groups; divides both channel counts.
        groups: u64,
        /// Whether a bias is added.
        bias: bool,
    },
    /// Fully connected layer on C x 1 x 1; weight shape `out_features x in_features`.
    Dense {
        /// Input features.
        in_features: u64,
        /// Output features.
        out_features: u64,
        /// Whether a bias is added.
        bias: bool,
    },
    /// Maximum over a window; padding never wins.
    MaxPool {
        /// Window extent.
        kernel: [u64; 2],
        /// Stride.
        stride: [u64; 2],
        /// Padding.
        padding: Padding,
        /// Round the output extent up instead of down.
        ceil: bool,
    },
    /// Mean over a window.
    AveragePool {
        /// Window extent.
        kernel: [u64; 2],
        /// Stride.
        stride: [u64; 2],
        /// Padding.
        padding: Padding,
        /// Round the output extent up instead of down.
        ceil: bool,
        /// Whether padding counts in the denominator (PyTorch's default).
        count_include_padding: bool,
    },
    /// Mean over each whole channel: C x 1 x 1.
    GlobalAveragePool,
    /// Batch normalisation over `channels`; weights gamma, beta, running mean and running variance.
    BatchNorm {
        /// Channels.
        channels: u64,
        /// Added to the variance.
        epsilon: f64,
    },
    /// Normalisation across neighbouring channels (AlexNet).
    LocalResponseNorm {
        /// Channels in the window.
        size: u64,
        /// Scale.
        alpha: f64,
        /// Exponent.
        beta: f64,
        /// Offset.
        k: f64,
    },
    /// Elementwise function.
    Activation {
        /// Which one.
        function: Activation,
    },
    /// Elementwise sum of two or more tensors; N x C x 1 x 1 broadcasts.
    Add,
    /// Elementwise product of two or more tensors; N x C x 1 x 1 broadcasts.
    Multiply,
    /// Concatenation along channels.
    Concat,
    /// Channels `start..end`.
    Slice {
        /// First channel.
        start: u64,
        /// One past the last channel.
        end: u64,
    },
    /// Channel shuffle (ShuffleNet): view as `groups x C/groups`, transpose.
    Shuffle {
        /// Groups; divides the channels.
        groups: u64,
    },
    /// Resampling to a fixed extent.
    Resize {
        /// Method.
        mode: ResizeMode,
        /// Output height.
        height: u64,
        /// Output width.
        width: u64,
    },
    /// C x H x W to (C*H*W) x 1 x 1.
    Flatten,
    /// Zeroes elements with `probability` in training; nothing at inference.
    Dropout {
        /// Probability of zeroing, 0 to 1.
        probability: f64,
    },
    /// Softmax over channels.
    Softmax,
}

/// A primitive without its attributes, for lists of capabilities and rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum PrimitiveKind {
    Conv,
    Dense,
    MaxPool,
    AveragePool,
    GlobalAveragePool,
    BatchNorm,
    LocalResponseNorm,
    Activation,
    Add,
    Multiply,
    Concat,
    Slice,
    Shuffle,
    Resize,
    Flatten,
    Dropout,
    Softmax,
}

impl PrimitiveKind {
    /// Every kind, in the order of its codes from 1.
    pub const ALL: [PrimitiveKind; 17] = [
        PrimitiveKind::Conv,
        PrimitiveKind::Dense,
        PrimitiveKind::MaxPool,
        PrimitiveKind::AveragePool,
        PrimitiveKind::GlobalAveragePool,
        PrimitiveKind::BatchNorm,
        PrimitiveKind::LocalResponseNorm,
        PrimitiveKind::Activation,
        PrimitiveKind::Add,
        PrimitiveKind::Multiply,
        PrimitiveKind::Concat,
        PrimitiveKind::Slice,
        PrimitiveKind::Shuffle,
        PrimitiveKind::Resize,
        PrimitiveKind::Flatten,
        PrimitiveKind::Dropout,
        PrimitiveKind::Softmax,
    ];

    /// The code in rows, from 1.
    pub fn code(self) -> u64 {
        self as u64 + 1
    }

    /// The kind of a code.
    pub fn of_code(code: u64) -> Option<PrimitiveKind> {
        PrimitiveKind::ALL.get(usize::try_from(code.checked_sub(1)?).ok()?).copied()
    }

    /// The name used in files, reports and capability lists.
    pub fn name(self) -> &'static str {
        match self {
            PrimitiveKind::Conv => "conv",
            PrimitiveKind::Dense => "dense",
            PrimitiveKind::MaxPool => "max_pool",
            PrimitiveKind::AveragePool => "average_pool",
            PrimitiveKind::GlobalAveragePool => "global_average_pool",
            PrimitiveKind::BatchNorm => "batch_norm",
            PrimitiveKind::LocalResponseNorm => "local_response_norm",
            PrimitiveKind::Activation => "activation",
            PrimitiveKind::Add => "add",
            PrimitiveKind::Multiply => "multiply",
            PrimitiveKind::Concat => "concat",
            PrimitiveKind::Slice => "slice",
            PrimitiveKind::Shuffle => "shuffle",
            PrimitiveKind::Resize => "resize",
            PrimitiveKind::Flatten => "flatten",
            PrimitiveKind::Dropout => "dropout",
            PrimitiveKind::Softmax => "softmax",
        }
    }
}

impl Primitive {
    /// The primitive without its attributes.
    pub fn kind(&self) -> PrimitiveKind {
        match self {
            Primitive::Conv { .. } => PrimitiveKind::Conv,
            Primitive::Dense { .. } => PrimitiveKind::Dense,
            Primitive::MaxPool { .. } => PrimitiveKind::MaxPool,
            Primitive::AveragePool { .. } => PrimitiveKind::AveragePool,
            Primitive::GlobalAveragePool => PrimitiveKind::GlobalAveragePool,
            Primitive::BatchNorm { .. } => PrimitiveKind::BatchNorm,
            Primitive::LocalResponseNorm { .. } => PrimitiveKind::LocalResponseNorm,
            Primitive::Activation { .. } => PrimitiveKind::Activation,
            Primitive::Add => PrimitiveKind::Add,
            Primitive::Multiply => PrimitiveKind::Multiply,
            Primitive::Concat => PrimitiveKind::Concat,
            Primitive::Slice { .. } => PrimitiveKind::Slice,
            Primitive::Shuffle { .. } => PrimitiveKind::Shuffle,
            Primitive::Resize { .. } => PrimitiveKind::Resize,
            Primitive::Flatten => PrimitiveKind::Flatten,
            Primitive::Dropout { .. } => PrimitiveKind::Dropout,
            Primitive::Softmax => PrimitiveKind::Softmax,
        }
    }

    /// The name used in files, reports and capability lists.
    pub fn name(&self) -> &'static str {
        self.kind().name()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_count_from_one_and_names_are_those_of_serde() {
        for (kind, code) in PrimitiveKind::ALL.into_iter().zip(1..) {
            assert_eq!((kind.code(), PrimitiveKind::of_code(code)), (code, Some(kind)));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
        for ((activation, name), code) in Activation::ALL.into_iter().zip(1..) {
            assert_eq!((activation.code(), Activation::of_code(code)), (code, Some(activation)));
            assert_eq!(serde_json::to_value(activation).unwrap(), name);
        }
    }
}
