use crate::arguments::Arguments;
use codebench_sdk::api::{ChannelRequest, LowerRequest, LoweredOp};
use codebench_sdk::prelude::*;

const TAKES: &str = "no options";

/// `dense_classes`: fully connected layer with bias, one output per class.
pub struct DenseClasses;

impl Plugin for DenseClasses {
    type Kind = kinds::CnnOp;

    fn info() -> PluginInfo {
        PluginInfo::new(
            "codebench/dense-classes",
            "0.1.0",
            "Fully connected layer with one output per class.",
        )
        .keywords(&["dense_classes"])
        .example("the logits", "dense_classes")
    }

    fn configure(_: &Configuration<'_>) -> Result<Self, PluginError> {
        Ok(DenseClasses)
    }
}

impl CnnOp for DenseClasses {
    fn output_channels(&self, request: &ChannelRequest) -> Result<u64, PluginError> {
        Arguments::of_channels(request, TAKES).nothing_at_all()?;
        Ok(request.context.classes)
    }

    fn lower(&self, request: &LowerRequest) -> Result<LoweredOp, PluginError> {
        Arguments::of_lower(request, TAKES).nothing_at_all()?;
        let (in_features, out_features) = (request.input.channels, request.context.classes);
        Ok(LoweredOp::chain([("dense", Primitive::Dense { in_features, out_features, bias: true })]))
    }
}
