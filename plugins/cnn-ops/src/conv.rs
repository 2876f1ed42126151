use crate::arguments::Arguments;
use crate::window::Window;
use codebench_sdk::api::{ChannelRequest, LowerContext, LowerRequest, LoweredOp, Semantics};
use codebench_sdk::prelude::*;

const TAKES: &str = "-cN or -classes output channels, -dw depthwise, -gN groups, -sN stride, -pN or -pYxX padding, \
    -ps same padding, -dN dilation, -bn batch norm (-eN its epsilon 1e-N), -nb no bias, and an activation last";

/// `convYxX`: convolution, then batch norm with `-bn`, then an activation if the label ends with one.
///
/// Without `-bn` and `-nb` it has a bias; with `-bn` it has none.
pub struct Conv;

impl Plugin for Conv {
    type Kind = kinds::CnnOp;

    fn info() -> PluginInfo {
        PluginInfo::new(
            "codebench/conv",
            "0.1.0",
            "Convolution with optional batch norm and activation; grouped, depthwise, dilated, strided.",
        )
        .keywords(&["conv"])
        .example("64 channels, batch norm, ReLU", "conv3x3-c64-p1-bn-relu")
        .example("depthwise, stride 2", "conv3x3-dw-p1-s2-bn-relu6")
        .example("asymmetric kernel and padding", "conv1x7-c192-p0x3-bn-e3-relu")
        .example("no bias, no batch norm", "conv3x3-c32-p1-nb")
    }

    fn configure(_: &Configuration<'_>) -> Result<Self, PluginError> {
        Ok(Conv)
    }
}

impl CnnOp for Conv {
    fn output_channels(&self, request: &ChannelRequest) -> Result<u64, PluginError> {
        let label = Label::read(Arguments::of_channels(request, TAKES))?;
        Ok(label.channels(request.input_channels, &request.context))
    }

    fn lower(&self, request: &LowerRequest) -> Result<LoweredOp, PluginError> {
        let label = Label::read(Arguments::of_lower(request, TAKES))?;
        let input = request.input;
        let out_channels = label.channels(input.channels, &request.context);
        let conv = Primitive::Conv {
            in_channels: input.channels,
            out_channels,
            kernel: label.kernel,
            stride: label.window.stride(),
            padding: label.window.padding(input, label.kernel, label.dilation),
            dilation: label.dilation,
            groups: label.groups(input.channels, out_channels, request.context.semantics),
            bias: !label.batch_norm && !label.no_bias,
        };
        let norm = Primitive::BatchNorm { channels: out_channels, epsilon: label.epsilon };
        let norm = label.batch_norm.then_some(("bn", norm));
        let act = label.activation.map(|function| ("act", Primitive::Activation { function }));
        Ok(LoweredOp::chain([("conv", conv)].into_iter().chain(norm).chain(act)))
    }
}

enum Channels {
    Count(u64),
    Classes,
}

struct Label {
    kernel: [u64; 2],
    channels: Option<Channels>,
    depthwise: bool,
    groups: Option<u64>,
    window: Window,
    dilation: [u64; 2],
    batch_norm: bool,
    epsilon: f64,
    no_bias: bool,
    activation: Option<Activation>,
}

impl Label {
    fn read(mut arguments: Arguments<'_>) -> Result<Label, PluginError> {
        let kernel = arguments.window()?;
        let activation = arguments.take_activation().filter(|a| *a != Activation::Identity);
        let mut window = Window::default();
        let (mut channels, mut groups, mut dilation, mut epsilon) = (None, None, None, None);
        let (mut depthwise, mut batch_norm, mut no_bias) = (None, None, None);
        for option in &arguments.options {
            match *option {
                "dw" => arguments.set(&mut depthwise, option, ())?,
                "bn" => arguments.set(&mut batch_norm, option, ())?,
                "nb" => arguments.set(&mut no_bias, option, ())?,
                "classes" => arguments.set(&mut channels, option, Channels::Classes)?,
                _ if window.take(&arguments, option)? => {}
                _ => {
                    let Some(split) = option.chars().next().map(char::len_utf8) else {
                        return Err(arguments.unknown(option));
                    };
                    let (letter, text) = option.split_at(split);
                    match letter {
                        "c" => {
                            let count = arguments.number(option, text)?;
                            arguments.set(&mut channels, option, Channels::Count(count))?;
                        }
                        "g" => arguments.set(&mut groups, option, arguments.number(option, text)?)?,
                        "d" => arguments.set(&mut dilation, option, arguments.pair(option, text)?)?,
                        "e" => arguments.set(&mut epsilon, option, arguments.power_of_ten(option, text)?)?,
                        _ => return Err(arguments.unknown(option)),
                    }
                }
            }
        }
        if epsilon.is_some() && batch_norm.is_none() {
            return Err(PluginError::invalid(
                "`-eN` is the epsilon of a batch norm; write `-bn` too, or leave it out",
            ));
        }
        if no_bias.is_some() && batch_norm.is_some() {
            return Err(PluginError::invalid("`-bn` leaves the bias out already; leave `-nb` out"));
        }
        if depthwise.is_some() && groups.is_some() {
            return Err(PluginError::invalid("`-dw` means one group per channel; leave `-gN` out"));
        }
        Ok(Label {
            kernel,
            channels,
            depthwise: depthwise.is_some(),
            groups,
            window,
            dilation: dilation.unwrap_or([1, 1]),
            batch_norm: batch_norm.is_some(),
            epsilon: epsilon.unwrap_or(1e-5),
            no_bias: no_bias.is_some(),
            activation,
        })
    }

    fn channels(&self, input: u64, context: &LowerContext) -> u64 {
        match self.channels {
            Some(Channels::Count(count)) => count,
            Some(Channels::Classes) => context.classes,
            None if self.depthwise => input,
            None => context.default_channels,
        }
    }

    fn groups(&self, input: u64, output: u64, semantics: Semantics) -> u64 {
        let wish = if self.depthwise { input } else { self.groups.unwrap_or(1) };
        match semantics {
            Semantics::Explicit => wish,
            Semantics::Published => greatest_common_divisor_up_to(wish, input, output),
        }
    }
}

/// The largest number up to `wish` that divides both; `wish` itself when it is 0, to be refused later.
fn greatest_common_divisor_up_to(wish: u64, a: u64, b: u64) -> u64 {
    let (mut x, mut y) = (a, b);
    while y != 0 {
        (x, y) = (y, x % y);
    }
    if wish == 0 || x == 0 || x.is_multiple_of(wish) {
        return wish;
    }
    // Divisors come in pairs d * e = x, so the largest d <= wish is found in sqrt(x) steps.
    let mut best = 1;
    let mut divisor = 1;
    while divisor <= x / divisor {
        if x.is_multiple_of(divisor) {
            for candidate in [divisor, x / divisor] {
                if candidate <= wish && candidate > best {
                    best = candidate;
                }
            }
        }
        divisor += 1;
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_shrink_to_the_largest_common_divisor() {
        for (a, b) in [(48u64, 32u64), (3, 24), (36, 48), (7, 7), (1, 9), (360, 840)] {
            for wish in 1..=60 {
                let mut slow = wish;
                while a % slow != 0 || b % slow != 0 {
                    slow -= 1;
                }
                assert_eq!(greatest_common_divisor_up_to(wish, a, b), slow, "{wish} {a} {b}");
            }
        }
    }
}
