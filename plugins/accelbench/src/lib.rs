//! The modules and memories of the paper's accelerator.

mod common;
mod memories;
mod modules;
mod published;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod testing;

pub use memories::*;
pub use modules::*;
pub use published::AccelBench;

codebench_sdk::plugins![
    AccelBench,
    ActivationBuffer,
    ActivationUnit,
    BatchNormUnit,
    DataflowControl,
    Dma,
    Dram,
    ElementwiseUnit,
    Fifo,
    GlobalAveragePoolUnit,
    Hbm,
    Im2col,
    LocalResponseNormUnit,
    MacLanes,
    MaskBuffer,
    PoolingUnit,
    PostSparsity,
    PreSparsity,
    Rram,
    RramOffChip,
    ShuffleUnit,
    SoftmaxUnit,
    UpsampleUnit,
    WeightBuffer,
];
