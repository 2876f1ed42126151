//! Versions of the contracts, one per kind.

use codebench_api::Kind;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Version of the contract of one kind.
///
/// The patch number grows when a function is added at the end of the kind's table: older plugins lack it and load, newer
/// plugins have more than the host asks for and load. The other two grow when something breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ContractVersion(pub u32, pub u32, pub u32);

impl ContractVersion {
    /// Whether plugins of one version load in a host of the other.
    pub fn is_compatible(self, other: ContractVersion) -> bool {
        (self.0, self.1) == (other.0, other.1)
    }
}

impl fmt::Display for ContractVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// The version of this build; `None` for the kinds that are built in only.
pub fn contract_version(kind: Kind) -> Option<ContractVersion> {
    match kind {
        // 0.1.1 added derivatives: `differentiable`, `gradient`, `hvp`.
        Kind::Surrogate => Some(ContractVersion(0, 1, if cfg!(feature = "first-contract") { 0 } else { 1 })),
        Kind::CnnOp | Kind::AccelModule | Kind::Memory | Kind::Strategy | Kind::Evaluator => {
            Some(ContractVersion(0, 1, 0))
        }
        // Not settled: 0.0.x until both engines have lived with it. 0.0.2 added `optimizer_state`, `set_optimizer_state`.
        Kind::Engine => Some(ContractVersion(0, 0, if cfg!(feature = "first-contract") { 1 } else { 2 })),
        Kind::Executor | Kind::PublishedConstants => None,
    }
}

/// Version of the layout of mini-batches of f32, row-major N x C x H x W, and of the tensors of a network.
pub(crate) const BATCH_LAYOUT: u32 = 1;
