//! Blocks along rows or columns.

use codebench_model::{Primitive, ResizeMode};

/// Half-open range of indices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Span {
    pub(crate) start: u64,
    pub(crate) end: u64,
}

impl Span {
    pub(crate) fn new(start: u64, end: u64) -> Self {
        Span { start, end }
    }

    pub(crate) fn len(self) -> u64 {
        self.end - self.start
    }
}

/// Output rows (or columns) of a tile and the input rows that they need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Block {
    pub(crate) out: Span,
    pub(crate) input: Span,
}

/// Which input indices an output index needs along one axis.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reach {
    Same,
    All,
    Window { stride: u64, before: u64, reach: u64 },
    Nearest { output: u64 },
    Bilinear { output: u64 },
}

impl Reach {
    /// Along y (axis 0) or x (axis 1).
    pub(crate) fn of(primitive: &Primitive, axis: usize, output: u64) -> Reach {
        match primitive {
            Primitive::Conv { kernel, stride, padding, dilation, .. } => Reach::Window {
                stride: stride[axis],
                before: [padding.top, padding.left][axis],
                reach: (kernel[axis] - 1) * dilation[axis] + 1,
            },
            Primitive::MaxPool { kernel, stride, padding, .. }
            | Primitive::AveragePool { kernel, stride, padding, .. } => Reach::Window {
                stride: stride[axis],
                before: [padding.top, padding.left][axis],
                reach: kernel[axis],
            },
            Primitive::GlobalAveragePool => Reach::All,
            Primitive::Resize { mode: ResizeMode::Nearest, .. } => Reach::Nearest { output },
            Primitive::Resize { mode: ResizeMode::BilinearAlignCorners, .. } => Reach::Bilinear { output },
            _ => Reach::Same,
        }
    }

    fn input(self, out: Span, extent: u64) -> Span {
        let wide = |value: u64, times: u64, by: u64| {
            u64::try_from(u128::from(value) * u128::from(times) / u128::from(by.max(1))).unwrap_or(u64::MAX)
        };
        match self {
            Reach::Same => out,
            Reach::All => Span::new(0, extent),
            Reach::Window { stride, before, reach } => {
                let first = out.start.saturating_mul(stride).saturating_sub(before);
                let last =
                    ((out.end - 1).saturating_mul(stride).saturating_add(reach)).saturating_sub(before);
                let start = first.min(extent - 1);
                Span::new(start, last.min(extent).max(start + 1))
            }
            Reach::Nearest { output } => {
                Span::new(wide(out.start, extent, output), wide(out.end - 1, extent, output) + 1)
            }
            Reach::Bilinear { output } => {
                let by = output.saturating_sub(1).max(1);
                let end = wide(out.end - 1, extent - 1, by) + 2;
                Span::new(wide(out.start, extent - 1, by), end.min(extent))
            }
        }
    }
}

/// Cuts `output` indices into blocks of `size`, which read from `extent` input indices.
pub(crate) fn blocks(output: u64, size: u64, extent: u64, reach: Reach) -> Vec<Block> {
    cut(output, size).map(|out| Block { out, input: reach.input(out, extent) }).collect()
}

/// Spans of `size` that cover `extent`; 0 is the whole.
pub(crate) fn cut(extent: u64, size: u64) -> impl Iterator<Item = Span> {
    let size = clip(size, extent);
    (0..extent.div_ceil(size)).map(move |i| Span::new(i * size, extent.min((i + 1).saturating_mul(size))))
}

/// A tile's extent: 0 is the whole, and no more than that.
pub(crate) fn clip(size: u64, extent: u64) -> u64 {
    if size == 0 { extent.max(1) } else { size.min(extent.max(1)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_clipped_to_the_map_and_keep_one_row() {
        let reach = Reach::Window { stride: 2, before: 1, reach: 3 };
        assert_eq!(reach.input(Span::new(0, 1), 8), Span::new(0, 2));
        assert_eq!(reach.input(Span::new(1, 4), 8), Span::new(1, 8));
        let outside = Reach::Window { stride: 1, before: 3, reach: 1 };
        assert_eq!(outside.input(Span::new(0, 1), 4), Span::new(0, 1));
        assert_eq!(outside.input(Span::new(9, 10), 4), Span::new(3, 4));
    }

    #[test]
    fn resizing_reads_its_neighbours() {
        assert_eq!(Reach::Nearest { output: 8 }.input(Span::new(3, 5), 4), Span::new(1, 3));
        assert_eq!(Reach::Bilinear { output: 8 }.input(Span::new(3, 5), 4), Span::new(1, 3));
        assert_eq!(Reach::Bilinear { output: 8 }.input(Span::new(7, 8), 4), Span::new(3, 4));
        assert_eq!(Reach::Bilinear { output: 1 }.input(Span::new(0, 1), 4), Span::new(0, 2));
    }
}
