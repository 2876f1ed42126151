//! Modules of the paper's accelerator, one a file.

mod activation_buffer;
mod dma;
mod mac_lanes;
mod mask_buffer;
mod weight_buffer;

pub use activation_buffer::ActivationBuffer;
pub use dma::Dma;
pub use mac_lanes::MacLanes;
pub use mask_buffer::MaskBuffer;
pub use weight_buffer::WeightBuffer;
