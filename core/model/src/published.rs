//! What the `published` fidelity reads: the released simulator's stream of operations, with the shapes it uses (which
//! are not always the true ones), and its constants.

use crate::workload::TensorShape;
use serde::{Deserialize, Serialize};

/// One operation of the stream. Positions count every operation of the flat list, no-cost ones too, from 1.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "op", rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum PublishedOp {
    /// Convolution; for a grouped one the channels are those of one group, repeated `groups` times.
    Conv {
        position: u64,
        /// Activation rows, columns, channels that the simulator reads (specification, section 2.5).
        height: u64,
        width: u64,
        channels: u64,
        kernel_x: u64,
        kernel_y: u64,
        stride_x: u64,
        stride_y: u64,
        /// The filter's own channels.
        in_channels: u64,
        out_channels: u64,
        /// Times that it is run; 1 when not grouped.
        groups: u64,
        /// Whether the layer was printed with more than one group, which changes the buffer names.
        grouped: bool,
    },
    BatchNorm {
        height: u64,
        width: u64,
        channels: u64,
    },
    /// Max or average pooling: output channels and output rows x columns.
    Pool {
        channels: u64,
        elements: u64,
    },
    GlobalAveragePool {
        channels: u64,
        height: u64,
        width: u64,
    },
    Upsample {
        channels: u64,
        elements: u64,
    },
    Linear {
        in_features: u64,
        out_features: u64,
    },
    /// Costs nothing in the released simulator; the name is the layer's class there.
    NoCost {
        name: String,
    },
}

/// The stream of a whole CNN.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PublishedOps {
    /// The image (the pseudo operation `input`).
    pub image: TensorShape,
    /// Parameters as the released code counts them, unused projections included.
    pub params: u64,
    /// True multiply-accumulates for one image.
    pub macs: u64,
    /// Operations in order.
    pub ops: Vec<PublishedOp>,
    /// Index of the workload's layer that each operation stands for, parallel to `ops`; attributes costs in reports.
    pub layers: Vec<Option<usize>>,
    /// Whether any ReLU stands in the CNN (selects the MAC lane's constants).
    pub has_relu: bool,
    /// Whether any SiLU stands in the CNN.
    pub has_silu: bool,
}

/// By what a module's area and power are multiplied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Multiplier {
    Pe,
    PeLane,
    PeLanePif2,
}

/// Area and power of one instance of a module.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ModuleConstants {
    /// Area of one instance, um2.
    pub area_um2: f64,
    /// Dynamic power of one instance at 700 MHz, mW.
    pub dynamic_mw: f64,
    /// Leakage power of one instance, mW.
    pub leakage_mw: f64,
    /// Number of instances.
    pub multiplier: Multiplier,
}

/// Constants of a MAC lane for one number of multipliers, by the activation functions it carries.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct MacLaneConstants {
    pub pif: u64,
    pub relu: ModuleConstants,
    pub silu: ModuleConstants,
    pub both: ModuleConstants,
}

/// An on-chip buffer: the published figures at a reference size.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BufferConstants {
    /// Size at which the figures were taken, MB.
    pub reference_mb: f64,
    /// Read energy at that size, nJ; scales with the square root of the size.
    pub read_nj: f64,
    /// Write energy at that size, nJ.
    pub write_nj: f64,
    /// Leakage of one bank, mW.
    pub leakage_mw: f64,
    /// Banks at that size.
    pub banks: f64,
    /// Area at that size, mm2; scales linearly.
    pub area_mm2: f64,
}

/// One organisation of a main memory.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MemoryConfigConstants {
    /// Banks, ranks, channels.
    pub organisation: [u64; 3],
    /// Labelled nJ per access by the authors and used as mW (specification, section 8, mistake 4).
    pub access: f64,
}

/// Every constant of the released simulator, in its order. Registered by `plugins/accelbench`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct PublishedConstants {
    pub mac_lanes: Vec<MacLaneConstants>,
    pub data_flow: ModuleConstants,
    pub dma: ModuleConstants,
    pub fifo: ModuleConstants,
    pub batch_norm: ModuleConstants,
    /// Its dynamic power is not scaled by the clock.
    pub im2col: ModuleConstants,
    pub pooling: ModuleConstants,
    pub global_average_pool: ModuleConstants,
    pub upsample: ModuleConstants,
    pub pre_sparsity: ModuleConstants,
    pub post_sparsity: ModuleConstants,
    pub activation_buffer: BufferConstants,
    pub weight_buffer: BufferConstants,
    pub mask_buffer: BufferConstants,
    /// Organisations by memory kind, in the order of the published codes: RRAM, DRAM, HBM.
    pub memories: [Vec<MemoryConfigConstants>; 3],
}
