//! What a simulation answers.

use crate::cycle_costs::CycleCosts;
use serde::{Deserialize, Serialize};

/// Cycles of the phases that the released simulator sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[allow(missing_docs)]
pub struct PublishedPhases {
    pub batchnorm_cycles: u64,
    pub pool_cycles: u64,
    pub globalavgpool_cycles: u64,
    pub upsampling_cycles: u64,
    pub memory_cycles: u64,
    pub conv_cycles: u64,
}

/// Cost of one inference of a whole batch.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CostReport {
    /// Which simulation answered: `cycle` or `published`.
    pub fidelity: String,
    /// Accelerator cycles of the batch.
    pub total_cycles: u64,
    /// Seconds of the batch.
    pub latency_s: f64,
    /// Area, mm2.
    pub area_mm2: f64,
    /// Dynamic energy of the batch, J.
    pub dynamic_energy_j: f64,
    /// Leakage energy of the batch, J.
    pub leakage_energy_j: f64,
    /// Parameters of the CNN.
    pub params: u64,
    /// True multiply-accumulates for one image.
    pub macs: u64,
    /// Phases of the `published` fidelity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<PublishedPhases>,
    /// What the `cycle` fidelity knows beside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cycle: Option<Box<CycleCosts>>,
}
