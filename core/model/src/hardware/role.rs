//! The closed list of roles of an accelerator's modules.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What a module is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Main memory. Exactly one, of plugin kind `memory`.
    Memory,
    /// Holds activations. Exactly one.
    ActivationBuffer,
    /// Holds weights. Exactly one.
    WeightBuffer,
    /// Holds the masks of compressed tensors. At most one; without it nothing is compressed.
    MaskBuffer,
    /// Moves data between memory and buffers. One or more, a chain.
    Dma,
    /// Before the array: im2col, FIFOs, control. Any number, a chain.
    Dataflow,
    /// Pairs operands that are not zero. Any number, a chain.
    PreSparsity,
    /// MAC arrays. At least one; the first that accepts a layer runs it.
    Compute,
    /// Compresses results. Any number, a chain.
    PostSparsity,
    /// Everything that is no multiply-accumulate. Any number; the first that accepts a layer runs it.
    Vector,
}

impl Role {
    /// Every role, in the order of its codes from 1.
    pub const ALL: [Role; 10] = [
        Role::Memory,
        Role::ActivationBuffer,
        Role::WeightBuffer,
        Role::MaskBuffer,
        Role::Dma,
        Role::Dataflow,
        Role::PreSparsity,
        Role::Compute,
        Role::PostSparsity,
        Role::Vector,
    ];

    /// The code in [`TileWork::role`](super::TileWork::role).
    pub fn code(self) -> u64 {
        self as u64 + 1
    }

    /// The role of a code.
    pub fn of_code(code: u64) -> Option<Role> {
        Role::ALL.get(usize::try_from(code.checked_sub(1)?).ok()?).copied()
    }

    /// The name in files.
    pub fn name(self) -> &'static str {
        match self {
            Role::Memory => "memory",
            Role::ActivationBuffer => "activation_buffer",
            Role::WeightBuffer => "weight_buffer",
            Role::MaskBuffer => "mask_buffer",
            Role::Dma => "dma",
            Role::Dataflow => "dataflow",
            Role::PreSparsity => "pre_sparsity",
            Role::Compute => "compute",
            Role::PostSparsity => "post_sparsity",
            Role::Vector => "vector",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_count_from_one_and_names_are_those_of_serde() {
        for (role, code) in Role::ALL.into_iter().zip(1..) {
            assert_eq!((role.code(), Role::of_code(code)), (code, Some(role)));
            assert_eq!(serde_json::to_value(role).unwrap(), role.name());
        }
        assert_eq!((Role::of_code(0), Role::of_code(11)), (None, None));
    }
}
