//! The lines of `codebench simulate --jobs`: one job a line in, one answer a line out.

use crate::accelerator::AcceleratorInput;
use crate::report::CostReport;
use serde::{Deserialize, Serialize};

/// Which simulation answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Fidelity {
    /// Event-driven and cycle-accurate.
    #[default]
    Cycle,
    /// The authors' released simulator, bit for bit.
    Published,
}

impl Fidelity {
    /// Every fidelity with its name in files.
    pub const ALL: [(Fidelity, &'static str); 2] =
        [(Fidelity::Cycle, "cycle"), (Fidelity::Published, "published")];
}

/// One job: a CNN on an accelerator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SimulationJob {
    /// Version of this document: 1.
    #[serde(default = "SimulationJob::standard_version")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 1)))]
    pub v: u64,
    /// Anything; comes back in the answer.
    #[serde(default)]
    pub id: serde_json::Value,
    /// The CNN.
    pub cnn: SimulationCnn,
    /// Rows and columns of the image.
    #[serde(default = "SimulationJob::standard_image")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub image: u64,
    /// Channels of the image.
    #[serde(default = "SimulationJob::standard_channels")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub channels: u64,
    /// Classes of the data set.
    #[serde(default = "SimulationJob::standard_classes")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub classes: u64,
    /// The accelerator: the published vector of 13 numbers, named parameters of the paper's template, or a description
    /// (recognised by `module`; fidelity `cycle` only).
    #[cfg_attr(feature = "schema", schemars(with = "schema::Accelerator"))]
    pub accelerator: AcceleratorInput,
    /// Which simulation answers.
    #[serde(default)]
    pub fidelity: Fidelity,
}

impl SimulationJob {
    /// `v` when it is not given.
    pub fn standard_version() -> u64 {
        1
    }

    /// `image` when it is not given.
    pub fn standard_image() -> u64 {
        32
    }

    /// `channels` when it is not given.
    pub fn standard_channels() -> u64 {
        3
    }

    /// `classes` when it is not given.
    pub fn standard_classes() -> u64 {
        10
    }
}

/// The CNN of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum SimulationCnn {
    /// A network by name, such as `published/resnet18`; `codebench cnn list` shows all.
    Name(String),
    /// A graph in the published form.
    Graph(PublishedGraph),
}

/// A CNN as CNNBench writes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PublishedGraph {
    /// Modules in order, the head last: adjacency matrix of 0 and 1, and labels.
    pub graph: Vec<(Vec<Vec<u8>>, Vec<String>)>,
    /// Channels of a convolution whose label names none.
    #[serde(default = "crate::CnnGraph::standard_default_channels")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub default_channels: u64,
}

/// The answer to one line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum SimulationAnswer {
    /// The job was simulated.
    Ok(SimulationOk),
    /// The line or its job is refused.
    Error(SimulationError),
}

/// A simulated job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SimulationOk {
    /// The job's.
    pub id: serde_json::Value,
    /// Cost of the whole batch.
    pub ok: CostReport,
}

/// A refused line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SimulationError {
    /// The job's; null if it cannot be read.
    pub id: serde_json::Value,
    /// What is wrong.
    pub error: SimulationFault,
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SimulationFault {
    /// A short stable name, for programs.
    pub code: String,
    /// Quotes the value, then the allowed range, then the remedy.
    pub message: String,
}

/// The accelerator of a job more strictly than its type says, for the schema.
#[cfg(feature = "schema")]
#[allow(dead_code, reason = "described, never made")]
mod schema {
    use crate::{AcceleratorDescription, MemoryKind};
    use schemars::JsonSchema;

    #[derive(JsonSchema)]
    #[serde(untagged)]
    pub(super) enum Accelerator {
        /// pib, pif, pix, piy, pof, pkx, pky, batch, activation_buffer_mb, weight_buffer_mb, mask_buffer_mb, memory (1 rram,
        /// 2 dram, 3 hbm), memory_config. Fractions of all but the mask buffer are cut off.
        Vector([f64; 13]),
        /// Parameters by name; missing ones take the values of `[2, 16, 8, 4, 8, 3, 3, 1, 12, 24, 4, 1, 1]`.
        Named(Box<Named>),
        /// Module by module; fidelity `cycle` only.
        Described(Box<AcceleratorDescription>),
    }

    #[derive(JsonSchema)]
    #[serde(deny_unknown_fields, default)]
    pub(super) struct Named {
        /// PEs along the batch.
        #[schemars(range(min = 1))]
        pib: f64,
        /// Multipliers per MAC lane: 1 or 16.
        #[schemars(range(min = 1))]
        pif: f64,
        /// PEs along x.
        #[schemars(range(min = 1))]
        pix: f64,
        /// PEs along y.
        #[schemars(range(min = 1))]
        piy: f64,
        /// MAC lanes along output channels.
        #[schemars(range(min = 1))]
        pof: f64,
        /// MAC lanes along kernel x.
        #[schemars(range(min = 1))]
        pkx: f64,
        /// MAC lanes along kernel y.
        #[schemars(range(min = 1))]
        pky: f64,
        /// Images per inference.
        #[schemars(range(min = 1))]
        batch: f64,
        /// Activation buffer, MB of 2^20 bytes.
        activation_buffer_mb: f64,
        /// Weight buffer, MB of 2^20 bytes.
        weight_buffer_mb: f64,
        /// Mask buffer, MB of 2^20 bytes.
        #[schemars(range(min = 0))]
        mask_buffer_mb: f64,
        /// Main memory by name or published code.
        memory: Memory,
        /// Organisation of the memory: RRAM 1 to 6, DRAM 1 to 4, HBM 1.
        #[schemars(range(min = 1))]
        memory_config: f64,
        /// Functions in the MAC lanes, `relu`, `silu` or `both`; fidelity `cycle` only.
        activation_set: Option<String>,
        /// Power of im2col, `corrected` or `published`; fidelity `cycle` only.
        im2col_power: Option<String>,
    }

    impl Default for Named {
        fn default() -> Self {
            let v = crate::accelerator::DEFAULT_VECTOR;
            Named {
                pib: v[0],
                pif: v[1],
                pix: v[2],
                piy: v[3],
                pof: v[4],
                pkx: v[5],
                pky: v[6],
                batch: v[7],
                activation_buffer_mb: v[8],
                weight_buffer_mb: v[9],
                mask_buffer_mb: v[10],
                memory: Memory::Kind(MemoryKind::Rram),
                memory_config: v[12],
                activation_set: None,
                im2col_power: None,
            }
        }
    }

    #[derive(JsonSchema)]
    #[serde(untagged)]
    pub(super) enum Memory {
        /// By name.
        Kind(MemoryKind),
        /// A plugin's id; fidelity `cycle` only.
        #[schemars(extend("pattern" = "^[a-z][a-z0-9-]*/[a-z][a-z0-9-]*$"))]
        Plugin(String),
        /// 1 rram, 2 dram, 3 hbm.
        Code(f64),
    }
}
