//! Main memories of the paper's accelerator, one a file.

mod organisation;
mod resistive;
mod rram;
mod timing;

pub use rram::Rram;
