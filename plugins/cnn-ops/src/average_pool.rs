use crate::arguments::Arguments;
use crate::window::Window;
use codebench_sdk::api::{ChannelRequest, LowerRequest, LoweredOp};
use codebench_sdk::prelude::*;

const TAKES: &str =
    "-sN stride, -pN or -pYxX padding, -ps same padding, -ceil round up, -nopad mean without padding";

/// `avgpoolYxX`: mean over a window; the stride is 1 unless `-sN` says else, `-ceil` rounds the extent up, `-nopad` leaves
/// padding out of the mean.
pub struct AveragePool;

impl Plugin for AveragePool {
    type Kind = kinds::CnnOp;

    fn info() -> PluginInfo {
        PluginInfo::new("codebench/average-pool", "0.1.0", "Mean over a window.")
            .keywords(&["avgpool"])
            .example("halve the map", "avgpool2x2-s2")
            .example("mean of the map's own elements", "avgpool3x3-p1-nopad")
    }

    fn configure(_: &Configuration<'_>) -> Result<Self, PluginError> {
        Ok(AveragePool)
    }
}

impl CnnOp for AveragePool {
    fn output_channels(&self, request: &ChannelRequest) -> Result<u64, PluginError> {
        Label::read(Arguments::of_channels(request, TAKES))?;
        Ok(request.input_channels)
    }

    fn lower(&self, request: &LowerRequest) -> Result<LoweredOp, PluginError> {
        let label = Label::read(Arguments::of_lower(request, TAKES))?;
        let pool = Primitive::AveragePool {
            kernel: label.kernel,
            stride: label.window.stride(),
            padding: label.window.padding(request.input, label.kernel, [1, 1]),
            ceil: label.ceil,
            count_include_padding: label.include_padding,
        };
        Ok(LoweredOp::chain([("pool", pool)]))
    }
}

struct Label {
    kernel: [u64; 2],
    window: Window,
    ceil: bool,
    include_padding: bool,
}

impl Label {
    fn read(arguments: Arguments<'_>) -> Result<Label, PluginError> {
        let kernel = arguments.window()?;
        let mut window = Window::default();
        let (mut ceil, mut no_padding) = (None, None);
        for option in &arguments.options {
            match *option {
                "ceil" => arguments.set(&mut ceil, option, ())?,
                "nopad" => arguments.set(&mut no_padding, option, ())?,
                _ if window.take(&arguments, option)? => {}
                _ => return Err(arguments.unknown(option)),
            }
        }
        Ok(Label { kernel, window, ceil: ceil.is_some(), include_padding: no_padding.is_none() })
    }
}
