//! The embedded training engine, on [burn](https://burn.dev)'s back end `flex`: pure Rust, no set-up.
//!
//! A workload is interpreted layer by layer. Everything random comes from (seed, purpose, step, layer), weights and
//! optimiser are plain rows, and burn runs each pass on the calling thread, so the same calls give the same bits whatever
//! else runs at the same time.

mod forward;
mod loss;
mod network;
mod norm;
mod optimizer;

use codebench_sdk::api::{Network, NetworkOptions};
use codebench_sdk::prelude::*;

/// The engine `codebench/burn`.
pub struct Burn {
    memory_bytes: u64,
}

impl Plugin for Burn {
    type Kind = kinds::Engine;

    fn info() -> PluginInfo {
        PluginInfo::new(
            "codebench/burn",
            env!("CARGO_PKG_VERSION"),
            "Trains on the processor with burn's pure-Rust back end flex.",
        )
        .parameters(vec![
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
        Ok(Burn { memory_bytes: (configuration.integer("memory_mb")? as u64) << 20 })
    }
}

impl Engine for Burn {
    fn build(&self, workload: &Workload, options: &NetworkOptions) -> Result<Box<dyn Network>, PluginError> {
        Ok(Box::new(network::BurnNetwork::new(workload, options, self.memory_bytes)?))
    }
}

codebench_sdk::plugins![Burn];
