use crate::arguments::Arguments;
use codebench_sdk::api::{ChannelRequest, LowerRequest, LoweredOp};
use codebench_sdk::prelude::*;

const TAKES: &str = "no options";

/// `identity`: its (joined) input, unchanged.
pub struct Identity;

impl Plugin for Identity {
    type Kind = kinds::CnnOp;

    fn info() -> PluginInfo {
        PluginInfo::new("codebench/identity", "0.1.0", "Passes its input on.")
            .keywords(&["identity"])
            .example("a point where several tensors join", "identity")
    }

    fn configure(_: &Configuration<'_>) -> Result<Self, PluginError> {
        Ok(Identity)
    }
}

impl CnnOp for Identity {
    fn output_channels(&self, request: &ChannelRequest) -> Result<u64, PluginError> {
        Arguments::of_channels(request, TAKES).nothing_at_all()?;
        Ok(request.input_channels)
    }

    fn lower(&self, request: &LowerRequest) -> Result<LoweredOp, PluginError> {
        Arguments::of_lower(request, TAKES).nothing_at_all()?;
        Ok(LoweredOp::chain([]))
    }
}
