//! The embedded training engine, on [burn](https://burn.dev): its back end `flex`, pure Rust without set-up, and a GPU in
//! builds with the feature `wgpu` (Vulkan, Metal, DirectX 12) or `cuda`.
//!
//! A workload is interpreted layer by layer. Everything random comes from (seed, purpose, step, layer), weights and
//! optimiser are plain rows, and `flex` runs each pass on the calling thread, so the same calls give the same bits whatever
//! else runs at the same time. A GPU's driver may add in another order.

mod device;
mod forward;
mod gpu;
mod loss;
mod network;
mod norm;
mod optimizer;

use codebench_sdk::api::{Network, NetworkOptions};
use codebench_sdk::prelude::*;

/// The engine `codebench/burn`.
pub struct Burn {
    target: device::Target,
    memory_bytes: u64,
}

impl Plugin for Burn {
    type Kind = kinds::Engine;

    fn info() -> PluginInfo {
        PluginInfo::new(
            "codebench/burn",
            env!("CARGO_PKG_VERSION"),
            "Trains with burn: on the processor in pure Rust, or on a GPU in builds that have one.",
        )
        .parameters(vec![
            ParameterDescription::choice(
                "device",
                &device::DEVICES,
                device::FLEX,
                "Where to compute: flex is the processor; wgpu is any GPU, cuda one of NVIDIA's, each in builds with the feature of that name. Only flex promises the same bits for a seed.",
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
            "[[evaluator]]\nid = \"train\"\nplugin = \"codebench/train\"\nparameters = { engine = \"codebench/burn\" }\n",
        )
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        let target = device::open(configuration.text("device")?)?;
        Ok(Burn { target, memory_bytes: (configuration.integer("memory_mb")? as u64) << 20 })
    }
}

impl Engine for Burn {
    fn build(&self, workload: &Workload, options: &NetworkOptions) -> Result<Box<dyn Network>, PluginError> {
        Ok(Box::new(network::BurnNetwork::new(workload, options, self.target.clone(), self.memory_bytes)?))
    }
}

codebench_sdk::plugins![Burn];
