//! A workload after fusion: what the `cycle` engine schedules.

use super::TileSize;
use crate::primitive::{Activation, Primitive};
use crate::workload::TensorShape;
use serde::{Deserialize, Serialize};

/// A workload whose views are resolved and whose batch norms, activations and additions are fused into the layer
/// that produces their input, where they are its sole reader.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FusedWorkload {
    /// Tensors that are stored: the image, and the output of each fused layer. Storage 0 is the image.
    pub storages: Vec<Storage>,
    /// Layers in the workload's order.
    pub layers: Vec<FusedLayer>,
    /// Storages that the inference answers with.
    pub outputs: Vec<usize>,
}

/// A stored tensor; `producer` is the fused layer that writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Storage {
    pub shape: TensorShape,
    pub producer: Option<usize>,
}

/// Some channels of a storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Segment {
    pub storage: usize,
    pub first_channel: u64,
    pub channels: u64,
}

/// What a layer reads: the segments one after another along channels. A flattened tensor is a view whose `shape` has
/// one row and one column, and whose features are numbered in storage order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct View {
    pub shape: TensorShape,
    pub segments: Vec<Segment>,
}

/// One scheduled layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FusedLayer {
    /// Index of the layer in the workload that does the main work.
    pub layer: usize,
    /// Its operation.
    pub primitive: Primitive,
    /// What it reads, in the primitive's order.
    pub inputs: Vec<View>,
    /// Operations on the output before it is written, in order.
    pub fused: Vec<FusedOp>,
    /// Storage written.
    pub output: usize,
}

/// An operation fused into a layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum FusedOp {
    BatchNorm {
        layer: usize,
    },
    Activation {
        layer: usize,
        function: Activation,
    },
    /// The other operand of an addition of two.
    Add {
        layer: usize,
        operand: View,
    },
}

/// How a layer is cut: its tile and the nesting of the loops over tiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct LayerPlan {
    pub tile: TileSize,
    pub order: LoopOrder,
}

/// Which loops over tiles are outermost; input blocks always run fastest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum LoopOrder {
    /// Batch, y, x, channel block, output block: activations are loaded once.
    ActivationsOuter,
    /// Channel block, output block, batch, y, x: weights are loaded once.
    WeightsOuter,
}

/// Shares of words that are not zero, ppm.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Densities {
    /// Per storage.
    pub activation_ppm: Vec<u64>,
    /// Per fused layer.
    pub weight_ppm: Vec<u64>,
    /// Share of the expected non-zero pairs that meet.
    pub overlap_ppm: u64,
}

/// What a task does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskKind {
    /// Writes an evicted storage to memory.
    WriteBack,
    /// Writes its mask.
    WriteBackMask,
    /// Loads a storage whole, to stay in the activation buffer.
    Promotion,
    /// Loads its mask.
    PromotionMask,
    /// Loads the region of a tile in one segment.
    Load,
    /// Loads its mask.
    LoadMask,
    /// Loads a region of weights.
    LoadWeights,
    /// Loads its mask.
    LoadWeightsMask,
    /// Runs a tile through its pipeline.
    Compute,
    /// Stores the output of a tile.
    Store,
    /// Stores its mask.
    StoreMask,
}

/// One task of a simulation, in ticks: what the cycle model determines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TaskRecord {
    /// When it starts.
    pub start: u64,
    /// When it ends.
    pub end: u64,
    /// Number of its tile in program order, over all layers; for a write-back or promotion, of its layer's first tile.
    pub tile: u64,
    /// Fused layer of that tile.
    pub layer: usize,
    /// What it does.
    pub kind: TaskKind,
    /// The storage that it reads or writes; none for weights and compute.
    pub storage: Option<usize>,
}
