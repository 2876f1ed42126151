//! Resampling to a fixed extent.

use crate::forward::pair;
use codebench_sdk::model::ResizeMode;
use tch::{TchError, Tensor};

/// Resamples `input` to `size`.
pub(crate) fn resize(input: &Tensor, mode: ResizeMode, size: [usize; 2]) -> Result<Tensor, TchError> {
    let from = [input.size()[2], input.size()[3]];
    let to = pair(size);
    match mode {
        ResizeMode::BilinearAlignCorners => input.f_upsample_bilinear2d(to, true, None, None),
        ResizeMode::Nearest if (0..2).all(|axis| rounds_alike(from[axis], to[axis])) => {
            input.f_upsample_nearest2d(to, None, None)
        }
        ResizeMode::Nearest => {
            let chosen = |axis: usize| {
                let sources: Vec<i64> = (0..to[axis]).map(|at| at * from[axis] / to[axis]).collect();
                Tensor::f_from_slice(&sources)?.f_to_device(input.device())
            };
            input.f_index_select(2, &chosen(0)?)?.f_index_select(3, &chosen(1)?)
        }
    }
}

/// Whether libtorch's sources, computed with a scale in f32, are `floor(i * from / to)` exactly.
fn rounds_alike(from: i64, to: i64) -> bool {
    let scale = from as f32 / to as f32;
    (0..to).all(|at| (at as f32 * scale).floor() as i64 == at * from / to)
}
