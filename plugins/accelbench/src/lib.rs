//! The modules and memories of the paper's accelerator.
