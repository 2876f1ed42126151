//! `squeeze_excite`: scales every channel by a number between 0 and 1 that depends on all of them. It is lowered to
//! primitives, so every simulator and trainer runs it.

use codebench_sdk::api::{LoweredNode, NodeInput};
use codebench_sdk::prelude::*;

const TAKES: &str = "-rN, the ratio of the squeeze";

/// `squeeze_excite` or `squeeze_excite-rN`.
pub struct SqueezeExcite {
    ratio: u64,
}

impl Plugin for SqueezeExcite {
    type Kind = kinds::CnnOp;

    fn info() -> PluginInfo {
        let ratio = ParameterDescription::integer(
            "ratio",
            1,
            64,
            4,
            "Ratio of the squeeze where a label names none.",
        );
        PluginInfo::new(
            "example/squeeze-excite",
            "0.1.0",
            "Scales each channel by a gate computed from all channels.",
        )
        .parameters(vec![ratio])
        .keywords(&["squeeze_excite"])
        .example("a quarter of the channels in between", "squeeze_excite")
        .example("a sixteenth", "squeeze_excite-r16")
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        Ok(SqueezeExcite { ratio: configuration.integer("ratio")?.unsigned_abs() })
    }
}

impl SqueezeExcite {
    /// The ratio that the label names, or the parameter's.
    fn ratio(&self, arguments: &str) -> Result<u64, PluginError> {
        if arguments.is_empty() {
            return Ok(self.ratio);
        }
        let ratio = arguments.strip_prefix("-r").and_then(|digits| digits.parse().ok());
        ratio.filter(|r| (1..=64).contains(r)).ok_or_else(|| {
            PluginError::invalid(format!(
                "`{arguments}` behind `squeeze_excite`: it takes {TAKES}, 1 to 64, such as -r16"
            ))
        })
    }
}

impl CnnOp for SqueezeExcite {
    fn output_channels(&self, request: &ChannelRequest) -> Result<u64, PluginError> {
        self.ratio(&request.arguments)?;
        Ok(request.input_channels)
    }

    fn lower(&self, request: &LowerRequest) -> Result<LoweredOp, PluginError> {
        let channels = request.input.channels;
        let squeezed = (channels / self.ratio(&request.arguments)?).max(1);
        let dense = |in_features, out_features| Primitive::Dense { in_features, out_features, bias: true };
        let activation = |function| Primitive::Activation { function };
        let gate = [
            ("squeeze", Primitive::GlobalAveragePool),
            ("reduce", dense(channels, squeezed)),
            ("relu", activation(Activation::Relu)),
            ("expand", dense(squeezed, channels)),
            ("gate", activation(Activation::Sigmoid)),
        ];
        let mut op = LoweredOp::chain(gate);
        let inputs = vec![NodeInput::Input, NodeInput::Node(op.nodes.len() - 1)];
        op.nodes.push(LoweredNode { name: "scale".into(), primitive: Primitive::Multiply, inputs });
        Ok(op)
    }
}

codebench_sdk::plugins![SqueezeExcite];

#[cfg(target_family = "wasm")]
codebench_sdk::export!(crate);
