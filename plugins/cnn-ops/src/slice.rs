use crate::arguments::Arguments;
use codebench_sdk::api::{ChannelRequest, LowerRequest, LoweredOp};
use codebench_sdk::prelude::*;

const TAKES: &str = "-aA first channel and -bB one past the last (both required)";

/// `slice-aA-bB`: channels A to B, B excluded.
pub struct Slice;

impl Plugin for Slice {
    type Kind = kinds::CnnOp;

    fn info() -> PluginInfo {
        PluginInfo::new("codebench/slice", "0.1.0", "A range of channels.")
            .keywords(&["slice"])
            .example("the first half of 116 channels", "slice-a0-b58")
    }

    fn configure(_: &Configuration<'_>) -> Result<Self, PluginError> {
        Ok(Slice)
    }
}

impl CnnOp for Slice {
    fn output_channels(&self, request: &ChannelRequest) -> Result<u64, PluginError> {
        let (start, end) = range(Arguments::of_channels(request, TAKES))?;
        Ok(end.saturating_sub(start))
    }

    fn lower(&self, request: &LowerRequest) -> Result<LoweredOp, PluginError> {
        let (start, end) = range(Arguments::of_lower(request, TAKES))?;
        Ok(LoweredOp::chain([("slice", Primitive::Slice { start, end })]))
    }
}

fn range(arguments: Arguments<'_>) -> Result<(u64, u64), PluginError> {
    arguments.nothing_attached()?;
    let (mut start, mut end) = (None, None);
    for option in &arguments.options {
        if let Some(text) = option.strip_prefix('a') {
            arguments.set(&mut start, option, arguments.number(option, text)?)?;
        } else if let Some(text) = option.strip_prefix('b') {
            arguments.set(&mut end, option, arguments.number(option, text)?)?;
        } else {
            return Err(arguments.unknown(option));
        }
    }
    start.zip(end).ok_or_else(|| PluginError::invalid("slice needs both ends; write `slice-a0-b64`"))
}
