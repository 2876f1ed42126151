//! A lowered CNN: primitives in topological order with true shapes, at batch 1.

use crate::primitive::Primitive;
use serde::{Deserialize, Serialize};

/// Index into [`Workload::tensors`].
pub type TensorId = usize;

/// Shape of an activation tensor for one image. A vector of features is C x 1 x 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TensorShape {
    /// Channels.
    pub channels: u64,
    /// Rows.
    pub height: u64,
    /// Columns.
    pub width: u64,
}

impl TensorShape {
    /// Channels x height x width.
    pub fn new(channels: u64, height: u64, width: u64) -> Self {
        TensorShape { channels, height, width }
    }

    /// Elements of the tensor; `None` if they overflow.
    pub fn elements(&self) -> Option<u64> {
        self.channels.checked_mul(self.height)?.checked_mul(self.width)
    }
}

impl std::fmt::Display for TensorShape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}x{}", self.channels, self.height, self.width)
    }
}

/// What a weight tensor is for; fixes its initialisation and whether it is trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum WeightRole {
    /// Kernel of a convolution or dense layer.
    Weight,
    /// Bias of a convolution or dense layer.
    Bias,
    /// Scale of a batch norm.
    Gamma,
    /// Offset of a batch norm.
    Beta,
    /// Running mean of a batch norm; not a parameter.
    RunningMean,
    /// Running variance of a batch norm; not a parameter.
    RunningVariance,
}

impl WeightRole {
    /// Trained tensors count as parameters; running statistics do not.
    pub fn is_parameter(self) -> bool {
        !matches!(self, WeightRole::RunningMean | WeightRole::RunningVariance)
    }
}

/// A named weight tensor of a layer.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WeightTensor {
    /// Unique within the workload, such as `m0.v1.conv.weight`.
    pub name: String,
    /// What it is for.
    pub role: WeightRole,
    /// Row-major shape.
    pub shape: Vec<u64>,
}

/// One primitive applied to tensors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Layer {
    /// Unique within the workload, such as `m0.v1.conv`.
    pub name: String,
    /// Index of the module it came from.
    pub module: usize,
    /// Index of the vertex within the module it came from.
    pub vertex: usize,
    /// The operation.
    pub primitive: Primitive,
    /// Tensors read, in the primitive's order.
    pub inputs: Vec<TensorId>,
    /// Tensor written.
    pub output: TensorId,
    /// Weight tensors in the primitive's order (weight, bias; or gamma, beta, running mean, running variance).
    pub weights: Vec<WeightTensor>,
    /// Multiply-accumulates for one image: convolutions and dense layers only.
    pub macs: u64,
    /// Trained parameters.
    pub parameters: u64,
}

/// A CNN lowered to primitives for one image; layers stand in topological order.
///
/// Invariants, which the lowering guarantees: every layer reads only tensors written earlier or the input; every
/// tensor but the input is written exactly once; no count overflows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Workload {
    /// Version of this document.
    pub v: u32,
    /// Shapes of all activation tensors.
    pub tensors: Vec<TensorShape>,
    /// The image.
    pub input: TensorId,
    /// The logits.
    pub output: TensorId,
    /// Layers in topological order.
    pub layers: Vec<Layer>,
}

impl Workload {
    /// The version of the document that this crate writes.
    pub const VERSION: u32 = 1;

    /// Multiply-accumulates for one image (convolutions and dense layers).
    pub fn macs(&self) -> u64 {
        self.layers.iter().map(|l| l.macs).sum()
    }

    /// Trained parameters of the layers.
    pub fn parameters(&self) -> u64 {
        self.layers.iter().map(|l| l.parameters).sum()
    }
}
