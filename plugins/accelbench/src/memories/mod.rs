//! Main memories of the paper's accelerator, one a file.

mod dram;
mod dynamic;
mod hbm;
mod organisation;
mod resistive;
mod rram;
mod rram_off_chip;
mod timing;

pub use dram::Dram;
pub use hbm::Hbm;
pub use rram::Rram;
pub use rram_off_chip::RramOffChip;
