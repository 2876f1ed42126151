use crate::arguments::Arguments;
use codebench_sdk::api::{ChannelRequest, LowerRequest, LoweredOp};
use codebench_sdk::prelude::*;

const TAKES: &str = "-pD probability 0.D (required)";

/// `dropout-pD`: the probability is 0.D, so `-p5` is 0.5 and `-p15` is 0.15.
pub struct Dropout;

impl Plugin for Dropout {
    type Kind = kinds::CnnOp;

    fn info() -> PluginInfo {
        PluginInfo::new("codebench/dropout", "0.1.0", "Zeroes elements at random in training.")
            .keywords(&["dropout"])
            .example("half of the elements", "dropout-p5")
    }

    fn configure(_: &Configuration<'_>) -> Result<Self, PluginError> {
        Ok(Dropout)
    }
}

impl CnnOp for Dropout {
    fn output_channels(&self, request: &ChannelRequest) -> Result<u64, PluginError> {
        probability(Arguments::of_channels(request, TAKES))?;
        Ok(request.input_channels)
    }

    fn lower(&self, request: &LowerRequest) -> Result<LoweredOp, PluginError> {
        let probability = probability(Arguments::of_lower(request, TAKES))?;
        Ok(LoweredOp::chain([("dropout", Primitive::Dropout { probability })]))
    }
}

fn probability(arguments: Arguments<'_>) -> Result<f64, PluginError> {
    arguments.nothing_attached()?;
    let mut probability = None;
    for option in &arguments.options {
        let text = option.strip_prefix('p').ok_or_else(|| arguments.unknown(option))?;
        arguments.set(&mut probability, option, arguments.decimals(option, text)?)?;
    }
    probability
        .ok_or_else(|| PluginError::invalid("dropout needs its probability; write `dropout-p5` for 0.5"))
}
