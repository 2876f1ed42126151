use crate::arguments::Arguments;
use codebench_sdk::api::{ChannelRequest, LowerRequest, LoweredOp};
use codebench_sdk::prelude::*;

const TAKES: &str = "-gN groups (1 without it)";

/// `channel_shuffle-gN`: channels seen as N groups are dealt out in turn (ShuffleNet).
pub struct ChannelShuffle;

impl Plugin for ChannelShuffle {
    type Kind = kinds::CnnOp;

    fn info() -> PluginInfo {
        PluginInfo::new("codebench/channel-shuffle", "0.1.0", "Shuffles channels between groups.")
            .keywords(&["channel_shuffle"])
            .example("8 groups", "channel_shuffle-g8")
    }

    fn configure(_: &Configuration<'_>) -> Result<Self, PluginError> {
        Ok(ChannelShuffle)
    }
}

impl CnnOp for ChannelShuffle {
    fn output_channels(&self, request: &ChannelRequest) -> Result<u64, PluginError> {
        groups(Arguments::of_channels(request, TAKES))?;
        Ok(request.input_channels)
    }

    fn lower(&self, request: &LowerRequest) -> Result<LoweredOp, PluginError> {
        let groups = groups(Arguments::of_lower(request, TAKES))?;
        Ok(LoweredOp::chain([("shuffle", Primitive::Shuffle { groups })]))
    }
}

fn groups(arguments: Arguments<'_>) -> Result<u64, PluginError> {
    arguments.nothing_attached()?;
    let mut groups = None;
    for option in &arguments.options {
        let text = option.strip_prefix('g').ok_or_else(|| arguments.unknown(option))?;
        arguments.set(&mut groups, option, arguments.number(option, text)?)?;
    }
    Ok(groups.unwrap_or(1))
}
