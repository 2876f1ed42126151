use crate::arguments::Arguments;
use crate::window::Window;
use codebench_sdk::api::{ChannelRequest, LowerRequest, LoweredOp};
use codebench_sdk::prelude::*;

const TAKES: &str = "-sN stride, -pN or -pYxX padding, -ps same padding, -ceil round up";

/// `maxpoolYxX`: maximum over a window; the stride is 1 unless `-sN` says else, `-ceil` rounds the extent up.
pub struct MaxPool;

impl Plugin for MaxPool {
    type Kind = kinds::CnnOp;

    fn info() -> PluginInfo {
        PluginInfo::new("codebench/max-pool", "0.1.0", "Maximum over a window.")
            .keywords(&["maxpool"])
            .example("halve the map", "maxpool2x2-s2")
            .example("round up", "maxpool3x3-s2-ceil")
    }

    fn configure(_: &Configuration<'_>) -> Result<Self, PluginError> {
        Ok(MaxPool)
    }
}

impl CnnOp for MaxPool {
    fn output_channels(&self, request: &ChannelRequest) -> Result<u64, PluginError> {
        Label::read(Arguments::of_channels(request, TAKES))?;
        Ok(request.input_channels)
    }

    fn lower(&self, request: &LowerRequest) -> Result<LoweredOp, PluginError> {
        let label = Label::read(Arguments::of_lower(request, TAKES))?;
        let pool = Primitive::MaxPool {
            kernel: label.kernel,
            stride: label.window.stride(),
            padding: label.window.padding(request.input, label.kernel, [1, 1]),
            ceil: label.ceil,
        };
        Ok(LoweredOp::chain([("pool", pool)]))
    }
}

struct Label {
    kernel: [u64; 2],
    window: Window,
    ceil: bool,
}

impl Label {
    fn read(arguments: Arguments<'_>) -> Result<Label, PluginError> {
        let kernel = arguments.window()?;
        let mut window = Window::default();
        let mut ceil = None;
        for option in &arguments.options {
            match *option {
                "ceil" => arguments.set(&mut ceil, option, ())?,
                _ if window.take(&arguments, option)? => {}
                _ => return Err(arguments.unknown(option)),
            }
        }
        Ok(Label { kernel, window, ceil: ceil.is_some() })
    }
}
