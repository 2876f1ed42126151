use crate::arguments::Arguments;
use codebench_sdk::api::{ChannelRequest, LowerRequest, LoweredOp};
use codebench_sdk::prelude::*;

const TAKES: &str = "-eN epsilon 1e-N, and an activation last";

/// `bn`: batch normalisation, then an activation if the label ends with one. `-eN` makes its epsilon 1e-N (1e-5 else).
pub struct BatchNorm;

impl Plugin for BatchNorm {
    type Kind = kinds::CnnOp;

    fn info() -> PluginInfo {
        PluginInfo::new("codebench/batch-norm", "0.1.0", "Batch normalisation with optional activation.")
            .keywords(&["bn"])
            .example("then ReLU", "bn-relu")
            .example("epsilon 1e-3", "bn-e3")
    }

    fn configure(_: &Configuration<'_>) -> Result<Self, PluginError> {
        Ok(BatchNorm)
    }
}

impl CnnOp for BatchNorm {
    fn output_channels(&self, request: &ChannelRequest) -> Result<u64, PluginError> {
        label(Arguments::of_channels(request, TAKES))?;
        Ok(request.input_channels)
    }

    fn lower(&self, request: &LowerRequest) -> Result<LoweredOp, PluginError> {
        let (epsilon, activation) = label(Arguments::of_lower(request, TAKES))?;
        let norm = Primitive::BatchNorm { channels: request.input.channels, epsilon };
        let act = activation.map(|function| ("act", Primitive::Activation { function }));
        Ok(LoweredOp::chain([("bn", norm)].into_iter().chain(act)))
    }
}

fn label(mut arguments: Arguments<'_>) -> Result<(f64, Option<Activation>), PluginError> {
    arguments.nothing_attached()?;
    let activation = arguments.take_activation().filter(|a| *a != Activation::Identity);
    let mut epsilon = None;
    for option in &arguments.options {
        let text = option.strip_prefix('e').ok_or_else(|| arguments.unknown(option))?;
        arguments.set(&mut epsilon, option, arguments.power_of_ten(option, text)?)?;
    }
    Ok((epsilon.unwrap_or(1e-5), activation))
}
