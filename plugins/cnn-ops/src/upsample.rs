use crate::arguments::Arguments;
use codebench_sdk::api::{ChannelRequest, LowerRequest, LoweredOp};
use codebench_sdk::prelude::*;

const TAKES: &str = "-sN or -sYxX extent (the image's without it), -nearest";

/// `upsample-sN`: bilinear with aligned corners to N x N; `-sYxX` for other extents, none for the image's, `-nearest` for
/// the nearest element.
pub struct Upsample;

impl Plugin for Upsample {
    type Kind = kinds::CnnOp;

    fn info() -> PluginInfo {
        PluginInfo::new("codebench/upsample", "0.1.0", "Resizes maps to a fixed extent.")
            .keywords(&["upsample"])
            .example("bilinear to 224 x 224", "upsample-s224")
            .example("nearest to 14 x 28", "upsample-s14x28-nearest")
    }

    fn configure(_: &Configuration<'_>) -> Result<Self, PluginError> {
        Ok(Upsample)
    }
}

impl CnnOp for Upsample {
    fn output_channels(&self, request: &ChannelRequest) -> Result<u64, PluginError> {
        label(Arguments::of_channels(request, TAKES))?;
        Ok(request.input_channels)
    }

    fn lower(&self, request: &LowerRequest) -> Result<LoweredOp, PluginError> {
        let (extent, mode) = label(Arguments::of_lower(request, TAKES))?;
        let image = request.context.image;
        let [height, width] = extent.unwrap_or([image.height, image.width]);
        Ok(LoweredOp::chain([("resize", Primitive::Resize { mode, height, width })]))
    }
}

fn label(arguments: Arguments<'_>) -> Result<(Option<[u64; 2]>, ResizeMode), PluginError> {
    arguments.nothing_attached()?;
    let (mut extent, mut mode) = (None, None);
    for option in &arguments.options {
        if *option == "nearest" {
            arguments.set(&mut mode, option, ResizeMode::Nearest)?;
        } else {
            let text = option.strip_prefix('s').ok_or_else(|| arguments.unknown(option))?;
            arguments.set(&mut extent, option, arguments.pair(option, text)?)?;
        }
    }
    Ok((extent, mode.unwrap_or(ResizeMode::BilinearAlignCorners)))
}
