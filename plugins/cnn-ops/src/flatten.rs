use crate::arguments::Arguments;
use codebench_sdk::api::{ChannelRequest, LowerRequest, LoweredOp};
use codebench_sdk::prelude::*;

const TAKES: &str = "no options";

/// `flatten`: C x H x W becomes (C*H*W) x 1 x 1. Its channels are those of its input until shapes are known.
pub struct Flatten;

impl Plugin for Flatten {
    type Kind = kinds::CnnOp;

    fn info() -> PluginInfo {
        PluginInfo::new("codebench/flatten", "0.1.0", "Turns C x H x W into C*H*W features.")
            .keywords(&["flatten"])
            .example("before dense layers", "flatten")
    }

    fn configure(_: &Configuration<'_>) -> Result<Self, PluginError> {
        Ok(Flatten)
    }
}

impl CnnOp for Flatten {
    fn output_channels(&self, request: &ChannelRequest) -> Result<u64, PluginError> {
        Arguments::of_channels(request, TAKES).nothing_at_all()?;
        Ok(request.input_channels)
    }

    fn lower(&self, request: &LowerRequest) -> Result<LoweredOp, PluginError> {
        Arguments::of_lower(request, TAKES).nothing_at_all()?;
        Ok(LoweredOp::chain([("flatten", Primitive::Flatten)]))
    }
}
