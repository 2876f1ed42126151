use crate::arguments::Arguments;
use codebench_sdk::api::{ChannelRequest, LowerRequest, LoweredOp};
use codebench_sdk::prelude::*;

const TAKES: &str = "-nN size, -kN offset, -aN scale 1e-N, -bD exponent 0.D";

/// `lrn`: size 5, offset 2, scale 1e-4, exponent 0.75 as in AlexNet, unless `-nN`, `-kN`, `-aN` (1e-N), `-bD` (0.D) say else.
pub struct LocalResponseNorm;

impl Plugin for LocalResponseNorm {
    type Kind = kinds::CnnOp;

    fn info() -> PluginInfo {
        PluginInfo::new(
            "codebench/local-response-norm",
            "0.1.0",
            "Normalisation across neighbouring channels.",
        )
        .keywords(&["lrn"])
        .example("as in AlexNet", "lrn")
        .example("window of 3", "lrn-n3-k1")
    }

    fn configure(_: &Configuration<'_>) -> Result<Self, PluginError> {
        Ok(LocalResponseNorm)
    }
}

impl CnnOp for LocalResponseNorm {
    fn output_channels(&self, request: &ChannelRequest) -> Result<u64, PluginError> {
        label(Arguments::of_channels(request, TAKES))?;
        Ok(request.input_channels)
    }

    fn lower(&self, request: &LowerRequest) -> Result<LoweredOp, PluginError> {
        let primitive = label(Arguments::of_lower(request, TAKES))?;
        Ok(LoweredOp::chain([("lrn", primitive)]))
    }
}

fn label(arguments: Arguments<'_>) -> Result<Primitive, PluginError> {
    arguments.nothing_attached()?;
    let (mut size, mut k, mut alpha, mut beta) = (None, None, None, None);
    for option in &arguments.options {
        let Some(length) = option.chars().next().map(char::len_utf8) else {
            return Err(arguments.unknown(option));
        };
        let (letter, text) = option.split_at(length);
        match letter {
            "n" => arguments.set(&mut size, option, arguments.number(option, text)?)?,
            "k" => arguments.set(&mut k, option, arguments.number(option, text)?)?,
            "a" => arguments.set(&mut alpha, option, arguments.power_of_ten(option, text)?)?,
            "b" => arguments.set(&mut beta, option, arguments.decimals(option, text)?)?,
            _ => return Err(arguments.unknown(option)),
        }
    }
    Ok(Primitive::LocalResponseNorm {
        size: size.unwrap_or(5),
        alpha: alpha.unwrap_or(1e-4),
        beta: beta.unwrap_or(0.75),
        k: k.unwrap_or(2) as f64,
    })
}
