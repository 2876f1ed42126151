//! Reading what stands behind the keyword of a label.

use codebench_sdk::api::{ChannelRequest, LowerRequest};
use codebench_sdk::model::{Activation, parameter};
use codebench_sdk::prelude::PluginError;

/// The options of a label, in order, and what is attached to the keyword.
pub(crate) struct Arguments<'a> {
    /// The keyword, for messages.
    pub(crate) keyword: &'a str,
    /// What the op takes, for messages: `-cN channels, -bn batch norm`.
    pub(crate) takes: &'static str,
    /// Between the keyword and the first hyphen.
    pub(crate) attached: &'a str,
    /// Between the hyphens.
    pub(crate) options: Vec<&'a str>,
}

impl<'a> Arguments<'a> {
    pub(crate) fn new(keyword: &'a str, arguments: &'a str, takes: &'static str) -> Self {
        let mut parts = arguments.split('-');
        let attached = parts.next().unwrap_or_default();
        Arguments { keyword, takes, attached, options: parts.collect() }
    }

    pub(crate) fn of_channels(request: &'a ChannelRequest, takes: &'static str) -> Self {
        Self::new(&request.keyword, &request.arguments, takes)
    }

    pub(crate) fn of_lower(request: &'a LowerRequest, takes: &'static str) -> Self {
        Self::new(&request.keyword, &request.arguments, takes)
    }

    /// Refuses anything attached to the keyword, and repeated options.
    pub(crate) fn nothing_attached(&self) -> Result<(), PluginError> {
        if self.attached.is_empty() {
            return Ok(());
        }
        Err(PluginError::invalid(format!(
            "`{}` is not expected behind `{}`; it takes {}",
            self.attached, self.keyword, self.takes
        )))
    }

    /// Refuses every option.
    pub(crate) fn nothing_at_all(&self) -> Result<(), PluginError> {
        self.nothing_attached()?;
        self.options.first().map_or(Ok(()), |option| Err(self.unknown(option)))
    }

    /// The activation that the last option names, if it names one, taken off the options.
    pub(crate) fn take_activation(&mut self) -> Option<Activation> {
        let activation = activation(self.options.last()?)?;
        self.options.pop();
        Some(activation)
    }

    /// `text` as a whole number.
    pub(crate) fn number(&self, option: &str, text: &str) -> Result<u64, PluginError> {
        if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(self.unknown(option));
        }
        text.parse().map_err(|_| {
            PluginError::invalid(format!(
                "`{text}` in option `-{option}` is too large; give a whole number up to {}",
                u64::MAX
            ))
        })
    }

    /// `text` as one whole number for both axes, or as `YxX`.
    pub(crate) fn pair(&self, option: &str, text: &str) -> Result<[u64; 2], PluginError> {
        match text.split_once('x') {
            Some((y, x)) => Ok([self.number(option, y)?, self.number(option, x)?]),
            None => {
                let both = self.number(option, text)?;
                Ok([both, both])
            }
        }
    }

    /// The window `YxX` attached to the keyword.
    pub(crate) fn window(&self) -> Result<[u64; 2], PluginError> {
        let pair = self.attached.split_once('x');
        let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
        match pair.filter(|(y, x)| digits(y) && digits(x)) {
            Some((y, x)) => Ok([self.number(self.attached, y)?, self.number(self.attached, x)?]),
            None => Err(PluginError::invalid(format!(
                "`{}` is not a window; write rows x columns behind the keyword, such as `{}3x3`",
                self.attached, self.keyword
            ))),
        }
    }

    /// `digits` as the decimals of a number below 1: `5` is 0.5, `15` is 0.15.
    pub(crate) fn decimals(&self, option: &str, digits: &str) -> Result<f64, PluginError> {
        if digits.is_empty() || digits.len() > 17 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(self.unknown(option));
        }
        format!("0.{digits}").parse().map_err(|_| self.unknown(option))
    }

    /// 10 to the power of minus `digits`.
    pub(crate) fn power_of_ten(&self, option: &str, digits: &str) -> Result<f64, PluginError> {
        let exponent = self.number(option, digits)?;
        if exponent > 12 {
            return Err(PluginError::invalid(format!(
                "`-{option}` means 1e-{exponent}, which is out of range; give an exponent from 0 to 12"
            )));
        }
        format!("1e-{exponent}").parse().map_err(|_| self.unknown(option))
    }

    /// Sets `slot`, refusing an option that comes twice.
    pub(crate) fn set<T>(&self, slot: &mut Option<T>, option: &str, value: T) -> Result<(), PluginError> {
        match slot.replace(value) {
            None => Ok(()),
            Some(_) => {
                Err(PluginError::invalid(format!("option `-{option}` repeats what an earlier option says")))
            }
        }
    }

    /// The error for an option that the op does not take.
    pub(crate) fn unknown(&self, option: &str) -> PluginError {
        if activation(option).is_some() && self.takes.contains("activation") {
            return PluginError::invalid(format!(
                "activation `-{option}` of `{}` must be the last option",
                self.keyword
            ));
        }
        let lower = option.to_ascii_lowercase();
        let nearest = if self.takes.contains("activation") && option.len() > 2 {
            parameter::nearest(&lower, Activation::ALL.iter().map(|(_, name)| *name))
        } else {
            None
        };
        let hint = nearest.map(|n| format!(" (did you mean `-{n}`?)")).unwrap_or_default();
        PluginError::invalid(format!(
            "option `-{option}` of `{}` is unknown{hint}; it takes {}",
            self.keyword, self.takes
        ))
    }
}

/// The activation of a name in labels, whatever its case. PyTorch's spellings count too.
pub(crate) fn activation(name: &str) -> Option<Activation> {
    let find =
        |name: &str| Activation::ALL.iter().find(|(_, n)| name.eq_ignore_ascii_case(n)).map(|(a, _)| *a);
    find(name).or_else(|| match name.to_ascii_lowercase().as_str() {
        "leakyrelu" => Some(Activation::LeakyRelu),
        "hardswish" => Some(Activation::Hswish),
        "hardsigmoid" => Some(Activation::Hsigmoid),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_split_at_hyphens() {
        let a = Arguments::new("conv", "3x3-c64-bn-ReLU", "");
        assert_eq!((a.attached, a.options.as_slice()), ("3x3", ["c64", "bn", "ReLU"].as_slice()));
        assert_eq!(a.window().unwrap(), [3, 3]);
        assert_eq!(activation("ReLU"), Some(Activation::Relu));
        assert_eq!(activation("LeakyReLU"), Some(Activation::LeakyRelu));
    }

    #[test]
    fn numbers_are_whole_and_in_range() {
        let a = Arguments::new("conv", "", "-cN channels");
        assert_eq!(a.pair("p1x3", "1x3").unwrap(), [1, 3]);
        assert_eq!(a.decimals("p15", "15").unwrap(), 0.15);
        assert_eq!(a.power_of_ten("e3", "3").unwrap(), 1e-3);
        for bad in ["", "-1", "1.5", "x", "1x", "99999999999999999999"] {
            assert!(a.pair("c", bad).is_err(), "{bad}");
        }
        assert!(a.power_of_ten("e99", "99").is_err());
    }

    #[test]
    fn a_misspelt_activation_is_corrected() {
        let a = Arguments::new("conv", "3x3-rleu", "an activation last");
        assert_eq!(
            a.unknown("rleu").to_string(),
            "option `-rleu` of `conv` is unknown (did you mean `-relu`?); it takes an activation last"
        );
    }
}
