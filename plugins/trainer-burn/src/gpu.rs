//! Operations that burn's back end for GPUs lacks, or whose derivative it approximates, put together from others.

use burn::tensor::{Device, Tensor, TensorData};
use std::f64::consts::SQRT_2;

/// x / 2 * (1 + erf(x / sqrt(2))), whose derivative is exact; burn's own is that of an approximation by tanh.
pub(crate) fn gelu(x: Tensor<4>) -> Tensor<4> {
    let share = x.clone().div_scalar(SQRT_2).erf().add_scalar(1.0);
    x.mul_scalar(0.5) * share
}

/// Bilinear resampling with aligned corners: one product with a matrix per axis.
pub(crate) fn bilinear(input: Tensor<4>, [to_height, to_width]: [usize; 2], device: &Device) -> Tensor<4> {
    let [n, c, height, width] = input.dims();
    let matrix =
        |from, to| Tensor::<2>::from_data(TensorData::new(interpolation(from, to), [from, to]), device);
    let rows = input.reshape([n * c * height, width]).matmul(matrix(width, to_width));
    let columns = rows.reshape([n * c, height, to_width]).swap_dims(1, 2);
    let output = columns.reshape([n * c * to_width, height]).matmul(matrix(height, to_height));
    output.reshape([n, c, to_width, to_height]).swap_dims(2, 3)
}

/// `from` x `to`: the share of every input in every output.
fn interpolation(from: usize, to: usize) -> Vec<f32> {
    let step = if to > 1 { (from - 1) as f64 / (to - 1) as f64 } else { 0.0 };
    let mut shares = vec![0.0; from * to];
    for at in 0..to {
        let position = at as f64 * step;
        let low = (position.floor() as usize).min(from - 1);
        let behind = position - low as f64;
        shares[low * to + at] += (1.0 - behind) as f32;
        shares[(low + 1).min(from - 1) * to + at] += behind as f32;
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::ops::{InterpolateMode, InterpolateOptions};
    use burn::tensor::{Distribution, activation, module};

    fn apart(a: Tensor<4>, b: Tensor<4>) -> f32 {
        assert_eq!(a.dims(), b.dims());
        (a - b).abs().max().into_scalar()
    }

    /// On the processor, which has the operations themselves.
    #[test]
    fn they_are_the_operations_of_the_processor() {
        let device = Device::flex();
        let x = Tensor::<4>::random([2, 3, 5, 4], Distribution::Uniform(-4.0, 4.0), &device);
        assert!(apart(gelu(x.clone()), activation::gelu(x.clone())) < 1e-5);
        for size in [[5, 4], [9, 7], [3, 2], [1, 1], [1, 8], [23, 1]] {
            let options = InterpolateOptions::new(InterpolateMode::Bilinear)
                .with_align_corners(true)
                .with_output_size(size);
            let expected = module::interpolate(x.clone(), options);
            assert!(apart(bilinear(x.clone(), size, &device), expected) < 1e-5, "{size:?}");
        }
    }
}
