use crate::arguments::Arguments;
use codebench_sdk::api::{ChannelRequest, LowerRequest, LoweredOp};
use codebench_sdk::prelude::*;

const TAKES: &str = "-N outputs (required, first), -nb no bias, and an activation last";

/// `dense-N-act`: fully connected layer with N outputs and bias, then an activation if the label ends with one.
pub struct Dense;

impl Plugin for Dense {
    type Kind = kinds::CnnOp;

    fn info() -> PluginInfo {
        PluginInfo::new("codebench/dense", "0.1.0", "Fully connected layer with optional activation.")
            .keywords(&["dense"])
            .example("120 features, ReLU", "dense-120-relu")
            .example("no bias", "dense-64-nb")
    }

    fn configure(_: &Configuration<'_>) -> Result<Self, PluginError> {
        Ok(Dense)
    }
}

impl CnnOp for Dense {
    fn output_channels(&self, request: &ChannelRequest) -> Result<u64, PluginError> {
        Ok(Label::read(Arguments::of_channels(request, TAKES))?.outputs)
    }

    fn lower(&self, request: &LowerRequest) -> Result<LoweredOp, PluginError> {
        let label = Label::read(Arguments::of_lower(request, TAKES))?;
        let dense = Primitive::Dense {
            in_features: request.input.channels,
            out_features: label.outputs,
            bias: label.bias,
        };
        let act = label.activation.map(|function| ("act", Primitive::Activation { function }));
        Ok(LoweredOp::chain([("dense", dense)].into_iter().chain(act)))
    }
}

struct Label {
    outputs: u64,
    bias: bool,
    activation: Option<Activation>,
}

impl Label {
    fn read(mut arguments: Arguments<'_>) -> Result<Label, PluginError> {
        arguments.nothing_attached()?;
        let activation = arguments.take_activation().filter(|a| *a != Activation::Identity);
        let Some((outputs, rest)) = arguments.options.split_first() else {
            return Err(PluginError::invalid("dense needs its number of outputs; write `dense-120-relu`"));
        };
        let outputs = arguments.number(outputs, outputs)?;
        let mut no_bias = None;
        for option in rest {
            match *option {
                "nb" => arguments.set(&mut no_bias, option, ())?,
                _ => return Err(arguments.unknown(option)),
            }
        }
        let bias = no_bias.is_none();
        Ok(Label { outputs, bias, activation })
    }
}
