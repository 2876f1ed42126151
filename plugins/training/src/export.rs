//! Weights for other programs: NumPy's `.npz`.

use crate::file::write_atomically;
use codebench_sdk::api::NamedTensor;
use codebench_sdk::prelude::PluginError;
use ndarray::{ArrayD, IxDyn};
use ndarray_npy::NpzWriter;
use std::io::Cursor;
use std::path::Path;

/// Writes `weights` to `path` as an uncompressed `.npz` file, whole or not at all: an array of 32-bit floats for each tensor, with its name
/// and shape. The same weights are the same bytes.
///
/// # Errors
/// A tensor whose values do not fit its shape, a folder that cannot be written, a full disk.
pub fn npz(path: &Path, weights: &[NamedTensor]) -> Result<(), PluginError> {
    let mut file = NpzWriter::new(Cursor::new(Vec::new()));
    let failed = |e: &dyn std::fmt::Display| {
        PluginError::failed(format!("`{}` cannot be put together: {e}", path.display()))
    };
    for tensor in weights {
        let shape: Vec<usize> = tensor.shape.iter().map(|extent| *extent as usize).collect();
        let array = ArrayD::from_shape_vec(IxDyn(&shape), tensor.values.clone()).map_err(|e| {
            PluginError::contract(format!(
                "the engine's weights `{}` do not fit their shape: {e}",
                tensor.name
            ))
        })?;
        file.add_array(tensor.name.as_str(), &array).map_err(|e| failed(&e))?;
    }
    let bytes = file.finish().map_err(|e| failed(&e))?.into_inner();
    write_atomically(path, "the weights", &bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use codebench_sdk::model::WeightRole;
    use ndarray_npy::NpzReader;

    #[test]
    fn arrays_have_names_shapes_and_values_and_the_bytes_are_the_same_every_time() {
        let tensor = |name: &str, shape: &[u64], values: &[f32]| NamedTensor {
            name: name.into(),
            role: WeightRole::Weight,
            shape: shape.to_vec(),
            values: values.to_vec(),
        };
        let weights = [
            tensor("0.1.kernel", &[2, 1, 1, 2], &[1.0, -2.5, 3.0, f32::MIN_POSITIVE]),
            tensor("0.1.bias", &[2], &[0.0, 7.0]),
        ];
        let folder = tempfile::tempdir().unwrap();
        let [a, b] = ["a.npz", "b.npz"].map(|name| folder.path().join(name));
        npz(&a, &weights).unwrap();
        npz(&b, &weights).unwrap();
        assert_eq!(std::fs::read(&a).unwrap(), std::fs::read(&b).unwrap());
        let mut read = NpzReader::new(std::fs::File::open(&a).unwrap()).unwrap();
        for tensor in &weights {
            let array: ArrayD<f32> = read.by_name(&tensor.name).unwrap();
            assert_eq!(array.shape(), tensor.shape.iter().map(|e| *e as usize).collect::<Vec<_>>());
            assert_eq!(array.into_raw_vec_and_offset().0, tensor.values);
        }
        let wrong = npz(&a, &[tensor("x", &[3], &[1.0])]).unwrap_err().to_string();
        assert!(wrong.contains("`x` do not fit their shape"), "{wrong}");
    }
}
