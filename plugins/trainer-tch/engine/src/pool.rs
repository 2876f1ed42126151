//! Pooling with any padding: libtorch pads both sides alike and by half a window at most, workloads need not.

use crate::forward::pair;
use codebench_sdk::engine::Window;
use tch::{Kind, TchError, Tensor};

/// Maximum over every window; padding never wins.
pub(crate) fn max(input: &Tensor, window: &Window) -> Result<Tensor, TchError> {
    let (kernel, stride) = (pair(window.kernel), pair(window.stride));
    if let Some(padding) = plain_padding(window) {
        return input.f_max_pool2d(kernel, stride, padding, [1, 1], window.ceil);
    }
    let [rows, columns] = axes(input, window);
    let around = [columns.before, columns.reach(), rows.before, rows.reach()];
    let padded = input.f_pad(around, "constant", f64::NEG_INFINITY)?;
    padded.f_max_pool2d(kernel, stride, [0, 0], [1, 1], false)
}

/// Mean over every window; `includes` counts padding, but never what lies beyond it.
pub(crate) fn average(input: &Tensor, window: &Window, includes: bool) -> Result<Tensor, TchError> {
    let (kernel, stride) = (pair(window.kernel), pair(window.stride));
    if let Some(padding) = plain_padding(window) {
        return input.f_avg_pool2d(kernel, stride, padding, window.ceil, includes, None);
    }
    let [rows, columns] = axes(input, window);
    let around = [columns.before, columns.reach(), rows.before, rows.reach()];
    let padded = input.f_pad(around, "constant", 0.0)?;
    let sums = padded.f_avg_pool2d(kernel, stride, [0, 0], false, true, 1)?;
    let shares: Vec<f32> = (0..rows.extent)
        .flat_map(|y| (0..columns.extent).map(move |x| (y, x)))
        .map(|(y, x)| 1.0 / (rows.counted(y, includes) * columns.counted(x, includes)) as f32)
        .collect();
    let shares = Tensor::f_from_slice(&shares)?.f_reshape([1, 1, rows.extent, columns.extent])?;
    sums.f_mul(&shares.f_to_device(input.device())?.f_to_kind(Kind::Float)?)
}

/// `input`, and the padding that is left to the operation: the same on both sides, or none once `value` has been put around.
pub(crate) fn padded(
    input: &Tensor,
    padding: [(usize, usize); 2],
    value: f64,
) -> Result<(Tensor, [i64; 2]), TchError> {
    let [(top, bottom), (left, right)] = padding;
    if (top, left) == (bottom, right) {
        return Ok((input.shallow_clone(), pair([top, left])));
    }
    let around = [left, right, top, bottom].map(|count| count as i64);
    Ok((input.f_pad(around, "constant", value)?, [0, 0]))
}

/// The padding, if libtorch can apply it itself.
fn plain_padding(window: &Window) -> Option<[i64; 2]> {
    let fits =
        |((before, after), kernel): (&(usize, usize), &usize)| before == after && 2 * before <= *kernel;
    let all = window.padding.iter().zip(&window.kernel).all(fits);
    all.then(|| pair(window.padding.map(|(before, _)| before)))
}

/// Windows along one axis.
struct Axis {
    size: i64,
    kernel: i64,
    stride: i64,
    before: i64,
    after: i64,
    /// Number of windows.
    extent: i64,
}

impl Axis {
    /// Values behind the input that the last window reaches.
    fn reach(&self) -> i64 {
        ((self.extent - 1) * self.stride + self.kernel - self.before - self.size).max(0)
    }

    /// Values of window `at` that count in a mean.
    fn counted(&self, at: i64, includes: bool) -> i64 {
        let start = at * self.stride - self.before;
        let end = (start + self.kernel).min(self.size + self.after);
        if includes { end - start } else { end.min(self.size) - start.max(0) }
    }
}

/// Rows and columns; the plan has checked that every extent is at least 1.
fn axes(input: &Tensor, window: &Window) -> [Axis; 2] {
    let sizes = input.size();
    [0, 1].map(|axis| {
        let (size, kernel) = (sizes[2 + axis], window.kernel[axis] as i64);
        let stride = window.stride[axis] as i64;
        let (before, after) = (window.padding[axis].0 as i64, window.padding[axis].1 as i64);
        let steps = size + before + after - kernel;
        let last = if window.ceil { (steps + stride - 1) / stride } else { steps / stride };
        // A window may hang over the end, but must start in the input or in the padding before it.
        let extent = if window.ceil && last * stride >= size + before { last } else { last + 1 };
        Axis { size, kernel, stride, before, after, extent }
    })
}
