use crate::arguments::Arguments;
use codebench_sdk::api::{ChannelRequest, LowerRequest, LoweredOp};
use codebench_sdk::prelude::*;

const TAKES: &str = "an activation, one of -identity, -relu, -relu6, -silu, -gelu, -hswish, -hsigmoid, -sigmoid, -tanh, -leaky_relu";

/// `act-NAME`: identity, relu, relu6, silu, gelu, hswish, hsigmoid, sigmoid, tanh or leaky_relu.
pub struct Act;

impl Plugin for Act {
    type Kind = kinds::CnnOp;

    fn info() -> PluginInfo {
        PluginInfo::new("codebench/activation", "0.1.0", "Elementwise activation function.")
            .keywords(&["act"])
            .example("ReLU", "act-relu")
            .example("hard sigmoid", "act-hsigmoid")
    }

    fn configure(_: &Configuration<'_>) -> Result<Self, PluginError> {
        Ok(Act)
    }
}

impl CnnOp for Act {
    fn output_channels(&self, request: &ChannelRequest) -> Result<u64, PluginError> {
        function(Arguments::of_channels(request, TAKES))?;
        Ok(request.input_channels)
    }

    fn lower(&self, request: &LowerRequest) -> Result<LoweredOp, PluginError> {
        let function = function(Arguments::of_lower(request, TAKES))?;
        Ok(LoweredOp::chain([("act", Primitive::Activation { function })]))
    }
}

fn function(mut arguments: Arguments<'_>) -> Result<Activation, PluginError> {
    arguments.nothing_attached()?;
    let activation = arguments.take_activation();
    match (arguments.options.first(), activation) {
        (Some(option), _) => Err(arguments.unknown(option)),
        (None, Some(activation)) => Ok(activation),
        (None, None) => Err(PluginError::invalid("act needs a name; write `act-relu`")),
    }
}
