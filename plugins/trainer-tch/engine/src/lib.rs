//! The training engine on libtorch, the library beneath PyTorch, through [tch](https://docs.rs/tch).
//!
//! A workload is interpreted layer by layer, as the embedded engine does it; weights, dropout and the rules of the
//! optimisers are the same, so a checkpoint of one engine goes on in the other. All trained tensors lie in one row, so that a
//! step of the optimiser is a few operations however many layers there are.
//!
//! Built as a native library (the crate `native` beside this one): no other part of codebench links libtorch.

mod error;
mod forward;
mod network;
mod norm;
mod optimizer;
mod pool;
mod resize;
mod tensors;

use codebench_sdk::api::{Network, NetworkOptions};
use codebench_sdk::prelude::*;
use tch::{Cuda, Device};

/// The engine `torch/tch`.
pub struct Torch {
    settings: Settings,
}

/// Where and how an engine computes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    device: Device,
    threads: i32,
    memory_bytes: u64,
}

impl Settings {
    /// libtorch keeps one number of threads for the process and one for each thread that calls it; every call sees to its own.
    pub(crate) fn claim_threads(&self) {
        if tch::get_num_threads() != self.threads {
            tch::set_num_threads(self.threads);
        }
    }
}

impl Plugin for Torch {
    type Kind = kinds::Engine;

    fn info() -> PluginInfo {
        PluginInfo::new(
            "torch/tch",
            env!("CARGO_PKG_VERSION"),
            "Trains with libtorch, on the processor or on a CUDA device.",
        )
        .parameters(vec![
            ParameterDescription::choice("device", &["cpu", "cuda"], "cpu", "Where to compute."),
            ParameterDescription::integer(
                "threads",
                1,
                1024,
                1,
                "Threads of one operation on the processor; more than one may change last bits.",
            ),
            ParameterDescription::integer(
                "memory_mb",
                64,
                1 << 20,
                4096,
                "Refuse networks whose weights or activations need more memory than this.",
            )
            .unit("MB"),
        ])
        .example(
            "Train in an experiment",
            "[[evaluator]]\nid = \"train\"\nplugin = \"codebench/train\"\nparameters = { engine = \"torch/tch\" }\n",
        )
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        let device = match configuration.text("device")? {
            "cuda" if Cuda::is_available() => Device::Cuda(0),
            "cuda" => {
                return Err(PluginError::invalid(
                    "device = \"cuda\": this libtorch finds no CUDA device; build the plugin with a libtorch for CUDA on a machine \
                     that has one, or give device = \"cpu\"",
                ));
            }
            _ => Device::Cpu,
        };
        let threads = i32::try_from(configuration.integer("threads")?)
            .map_err(|_| PluginError::invalid("threads: give 1 to 1024"))?;
        let memory_bytes = (configuration.integer("memory_mb")? as u64) << 20;
        Ok(Torch { settings: Settings { device, threads, memory_bytes } })
    }
}

impl Engine for Torch {
    fn build(&self, workload: &Workload, options: &NetworkOptions) -> Result<Box<dyn Network>, PluginError> {
        Ok(Box::new(network::TorchNetwork::new(workload, options, self.settings)?))
    }
}

codebench_sdk::plugins![Torch];
