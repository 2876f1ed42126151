//! Plain data that every part of codebench agrees on.
//!
//! This crate holds no trait objects, no I/O, no clock and no thread: every type is serialisable, and each arrow of
//! the pipeline is one function from one of these types to the next:
//!
//! ```text
//! Space --sample--> Genotype --decode--> CnnGraph --lower--> Workload --simulate--> CostReport
//!                                                    Job --evaluate--> Metrics --> Record
//! ```
//!
//! Units are part of the names of fields that leave Rust: `latency_s`, `area_mm2`, `dynamic_energy_j`.

pub mod accelerator;
pub mod cell;
pub mod cnn;
pub mod cycle_costs;
pub mod hardware;
pub mod job;
pub mod labelled_graph;
pub mod parameter;
pub mod primitive;
pub mod published;
pub mod recipe;
pub mod record;
pub mod report;
pub mod shape;
pub mod simulate;
pub mod space;
pub mod wording;
pub mod workload;

pub use accelerator::{AcceleratorInput, MemoryKind, PublishedAccelerator};
pub use cell::{CellOperation, CellTemplate};
pub use cnn::{CnnGraph, CnnModule, Join, Vertex};
pub use cycle_costs::CycleCosts;
pub use hardware::{
    AcceleratorDescription, Cause, DescribedModule, EventFacts, HardwareContext, LoopPolicy, MATRIX_LAYOUT,
    MAX_EVENTS, MemoryFacts, ModuleFacts, ROW_LAYOUT, Role, TileCost, TilePolicy, TileSize, TileWork,
    TransferCost, TransferProfile, WordFormat,
};
pub use job::{
    DataShape, DataSource, Job, Limits, MAX_ARTIFACT_BYTES, MAX_LAYER_VALUES, MAX_METRIC_NAME_BYTES,
    MAX_METRICS, Metrics, Purpose,
};
pub use labelled_graph::{LabelledGraph, LabelledVertex};
pub use parameter::{Domain, ParameterDescription, ParameterError, ParameterValue, Parameters};
pub use primitive::{Activation, Padding, Primitive, PrimitiveKind, ResizeMode};
pub use published::{PublishedConstants, PublishedOp, PublishedOps};
pub use recipe::{Recipe, RecipeError};
pub use record::{Record, Status};
pub use report::{CostReport, PublishedPhases};
pub use shape::{ShapeError, WeightShape};
pub use simulate::{Fidelity, SimulationAnswer, SimulationFault, SimulationJob};
pub use space::{
    AcceleratorTemplate, Assignment, Block, Choice, CnnTemplate, Condition, EdgeChoice, EdgeLimit, Genotype,
    HeadTemplate, ModuleTemplate, Space,
};
pub use workload::{Layer, TensorId, TensorShape, WeightRole, WeightTensor, Workload};
