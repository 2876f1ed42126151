use crate::arguments::Arguments;
use codebench_sdk::api::{ChannelRequest, LowerRequest, LoweredOp};
use codebench_sdk::prelude::*;

const TAKES: &str = "no options";

/// `global-avg-pool` (also `global_avg_pool`): C x H x W becomes C x 1 x 1.
pub struct GlobalAveragePool;

impl Plugin for GlobalAveragePool {
    type Kind = kinds::CnnOp;

    fn info() -> PluginInfo {
        PluginInfo::new("codebench/global-average-pool", "0.1.0", "Mean of each channel over the whole map.")
            .keywords(&["global_avg_pool"])
            .example("before dense layers", "global-avg-pool")
    }

    fn configure(_: &Configuration<'_>) -> Result<Self, PluginError> {
        Ok(GlobalAveragePool)
    }
}

impl CnnOp for GlobalAveragePool {
    fn output_channels(&self, request: &ChannelRequest) -> Result<u64, PluginError> {
        Arguments::of_channels(request, TAKES).nothing_at_all()?;
        Ok(request.input_channels)
    }

    fn lower(&self, request: &LowerRequest) -> Result<LoweredOp, PluginError> {
        Arguments::of_lower(request, TAKES).nothing_at_all()?;
        Ok(LoweredOp::chain([("pool", Primitive::GlobalAveragePool)]))
    }
}
