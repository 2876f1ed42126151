//! What convolutions and pools have in common: stride and padding.

use crate::arguments::Arguments;
use codebench_sdk::model::{Padding, TensorShape};
use codebench_sdk::prelude::PluginError;

/// Padding as the label says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PaddingRule {
    /// `-pN`, `-pYxX`: on both sides of each axis.
    Fixed([u64; 2]),
    /// `-ps`: as much as makes the output `ceil(input / stride)`, the odd element at the bottom and right.
    Same,
}

/// Options `-s` and `-p`.
#[derive(Debug, Default)]
pub(crate) struct Window {
    stride: Option<[u64; 2]>,
    padding: Option<PaddingRule>,
}

impl Window {
    /// Takes `option` if it is one of these; false if it is not.
    pub(crate) fn take(&mut self, arguments: &Arguments<'_>, option: &str) -> Result<bool, PluginError> {
        if option == "ps" {
            arguments.set(&mut self.padding, option, PaddingRule::Same)?;
        } else if let Some(text) = option.strip_prefix('s') {
            arguments.set(&mut self.stride, option, arguments.pair(option, text)?)?;
        } else if let Some(text) = option.strip_prefix('p') {
            arguments.set(&mut self.padding, option, PaddingRule::Fixed(arguments.pair(option, text)?))?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// Stride, 1 by default.
    pub(crate) fn stride(&self) -> [u64; 2] {
        self.stride.unwrap_or([1, 1])
    }

    /// Padding, none by default.
    pub(crate) fn padding(&self, input: TensorShape, kernel: [u64; 2], dilation: [u64; 2]) -> Padding {
        match self.padding {
            None => Padding::default(),
            Some(PaddingRule::Fixed([y, x])) => Padding::symmetric(y, x),
            Some(PaddingRule::Same) => {
                let stride = self.stride();
                let (top, bottom) = same(input.height, kernel[0], stride[0], dilation[0]);
                let (left, right) = same(input.width, kernel[1], stride[1], dilation[1]);
                Padding { top, left, bottom, right }
            }
        }
    }
}

/// Padding before and after one axis, so that there are `ceil(extent / stride)` windows.
fn same(extent: u64, kernel: u64, stride: u64, dilation: u64) -> (u64, u64) {
    let stride = stride.max(1);
    let reach = kernel.saturating_sub(1).saturating_mul(dilation).saturating_add(1);
    let covered = (extent.div_ceil(stride).saturating_sub(1)).saturating_mul(stride).saturating_add(reach);
    let total = covered.saturating_sub(extent);
    (total / 2, total - total / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_padding_keeps_the_extent_at_stride_1_and_halves_it_at_stride_2() {
        assert_eq!(same(7, 3, 1, 1), (1, 1));
        assert_eq!(same(7, 3, 1, 2), (2, 2));
        assert_eq!(same(8, 3, 2, 1), (0, 1));
        assert_eq!(same(8, 4, 1, 1), (1, 2));
        assert_eq!(same(8, 1, 2, 1), (0, 0));
    }
}
