//! Convolution, pooling and resampling.

use super::Map;
use codebench_sdk::model::{Padding, Primitive, ResizeMode};

pub(super) fn conv(primitive: &Primitive, x: &Map, weights: &[Vec<f64>]) -> Map {
    let Primitive::Conv { in_channels, out_channels, kernel, stride, padding, dilation, groups, bias } =
        primitive
    else {
        unreachable!()
    };
    let out = |size: usize, axis: usize, pad: u64| {
        (size as u64 + pad - dilation[axis] * (kernel[axis] - 1) - 1) / stride[axis] + 1
    };
    let height = out(x.h, 0, padding.top + padding.bottom) as usize;
    let width = out(x.w, 1, padding.left + padding.right) as usize;
    let group_in = (in_channels / groups) as usize;
    let group_out = (out_channels / groups) as usize;
    let [ky, kx] = kernel.map(|k| k as usize);
    Map::from_fn([x.n, *out_channels as usize, height, width], |n, o, oy, ox| {
        let mut sum = if *bias { weights[1][o] } else { 0.0 };
        for i in 0..group_in {
            for dy in 0..ky {
                for dx in 0..kx {
                    let y = (oy as u64 * stride[0] + dy as u64 * dilation[0]) as i64 - padding.top as i64;
                    let z = (ox as u64 * stride[1] + dx as u64 * dilation[1]) as i64 - padding.left as i64;
                    let weight = weights[0][((o * group_in + i) * ky + dy) * kx + dx];
                    sum += weight * x.padded(n, (o / group_out) * group_in + i, y, z);
                }
            }
        }
        sum
    })
}

/// First and one past the last position of a window, in the padded input's coordinates less the padding before it.
fn span(at: usize, kernel: u64, stride: u64, before: u64, after: u64, size: usize) -> (i64, i64) {
    let start = at as i64 * stride as i64 - before as i64;
    (start, (start + kernel as i64).min(size as i64 + after as i64))
}

fn extent(size: usize, kernel: u64, stride: u64, before: u64, after: u64, ceil: bool) -> usize {
    let steps = size as u64 + before + after - kernel;
    let mut extent = if ceil { steps.div_ceil(stride) } else { steps / stride } + 1;
    if ceil && (extent - 1) * stride >= size as u64 + before {
        extent -= 1;
    }
    extent as usize
}

pub(super) fn pool(primitive: &Primitive, x: &Map) -> Map {
    let (kernel, stride, p, ceil, average): (_, _, &Padding, _, Option<bool>) = match primitive {
        Primitive::MaxPool { kernel, stride, padding, ceil } => (kernel, stride, padding, *ceil, None),
        Primitive::AveragePool { kernel, stride, padding, ceil, count_include_padding } => {
            (kernel, stride, padding, *ceil, Some(*count_include_padding))
        }
        _ => unreachable!(),
    };
    let height = extent(x.h, kernel[0], stride[0], p.top, p.bottom, ceil);
    let width = extent(x.w, kernel[1], stride[1], p.left, p.right, ceil);
    Map::from_fn([x.n, x.c, height, width], |n, c, oy, ox| {
        let (y0, y1) = span(oy, kernel[0], stride[0], p.top, p.bottom, x.h);
        let (x0, x1) = span(ox, kernel[1], stride[1], p.left, p.right, x.w);
        let (mut largest, mut sum, mut real) = (f64::NEG_INFINITY, 0.0, 0i64);
        for y in y0.max(0)..y1.min(x.h as i64) {
            for z in x0.max(0)..x1.min(x.w as i64) {
                let value = x.at(n, c, y as usize, z as usize);
                largest = largest.max(value);
                sum += value;
                real += 1;
            }
        }
        match average {
            None => largest,
            Some(true) => sum / ((y1 - y0) * (x1 - x0)) as f64,
            Some(false) => sum / real as f64,
        }
    })
}

pub(super) fn resize(x: &Map, mode: ResizeMode, height: usize, width: usize) -> Map {
    Map::from_fn([x.n, x.c, height, width], |n, c, oy, ox| match mode {
        ResizeMode::Nearest => x.at(n, c, oy * x.h / height, ox * x.w / width),
        ResizeMode::BilinearAlignCorners => {
            let place = |at: usize, from: usize, to: usize| {
                let position = if to > 1 { at as f64 * (from - 1) as f64 / (to - 1) as f64 } else { 0.0 };
                let low = (position.floor() as usize).min(from - 1);
                (low, (low + 1).min(from - 1), position - low as f64)
            };
            let (y0, y1, fy) = place(oy, x.h, height);
            let (x0, x1, fx) = place(ox, x.w, width);
            let row = |y| x.at(n, c, y, x0) * (1.0 - fx) + x.at(n, c, y, x1) * fx;
            row(y0) * (1.0 - fy) + row(y1) * fy
        }
    })
}
