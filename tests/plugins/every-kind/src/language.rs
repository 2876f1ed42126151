//! A cnn-op.

use crate::Panics;
use codebench_sdk::prelude::*;

/// `fold`, a softmax.
pub struct Fold(Panics);

impl Plugin for Fold {
    type Kind = kinds::CnnOp;

    fn info() -> PluginInfo {
        PluginInfo::new("test/fold", "0.1.0", "A softmax under another name.")
            .parameters(vec![Panics::parameter()])
            .keywords(&["fold"])
            .example("folds", "fold")
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        Ok(Fold(Panics::new(configuration)?))
    }
}

impl CnnOp for Fold {
    fn output_channels(&self, request: &ChannelRequest) -> Result<u64, PluginError> {
        self.0.at("output_channels");
        Ok(request.input_channels)
    }

    fn lower(&self, request: &LowerRequest) -> Result<LoweredOp, PluginError> {
        self.0.at("lower");
        match request.arguments.as_str() {
            "" => Ok(LoweredOp::chain([("softmax", Primitive::Softmax)])),
            other => Err(PluginError::invalid(format!("`{other}` behind `fold`: leave it out"))),
        }
    }
}
