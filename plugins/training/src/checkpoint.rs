//! Checkpoints: the weights of a network in a safetensors file, which PyTorch and others read.

use crate::file::write_atomically;
use crate::transfer::Transfer;
use codebench_sdk::api::NamedTensor;
use codebench_sdk::model::{DataShape, Parameters, Recipe, Workload};
use codebench_sdk::prelude::PluginError;
use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensors, serialize};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The one entry of the file's metadata, so that its bytes do not depend on an order.
const ORIGIN: &str = "codebench";

/// All that decides the weights of a training.
#[derive(Debug, Clone, Copy, Serialize)]
#[allow(missing_docs)]
pub struct Origin<'a> {
    /// The CNN at batch 1.
    pub workload: &'a Workload,
    /// Images, classes and the digest of data set and split.
    pub data: &'a DataShape,
    pub recipe: &'a Recipe,
    pub seed: u64,
    /// Id and version of the engine.
    pub engine: [&'a str; 2],
    /// SHA-256, hexadecimal, of the file that the engine came from; `None` if it is built in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine_sha256: Option<&'a str>,
    /// Parameters of the engine that were given.
    #[serde(skip_serializing_if = "Parameters::is_empty")]
    pub engine_parameters: &'a Parameters,
    /// What the training started from: the SHA-256 of a checkpoint's file, or what [`transferred`] says of another network's.
    pub start: Option<&'a str>,
}

impl Origin<'_> {
    /// SHA-256, hexadecimal: equal for equal trainings.
    ///
    /// # Errors
    /// A recipe with a number that JSON has not.
    pub fn key(&self) -> Result<String, PluginError> {
        let text = serde_json::to_string(self)
            .map_err(|e| PluginError::invalid(format!("the training has no key: {e}")))?;
        Ok(sha256(text.as_bytes()))
    }
}

/// SHA-256, hexadecimal.
fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What a training started from that took modules over: the donor's weights, by the SHA-256 of their file, its workload, and which
/// modules may be taken decide what was taken.
///
/// # Errors
/// A workload with a number that JSON has not.
pub fn transferred(
    transfer: Transfer,
    weights_sha256: &str,
    donor: &Workload,
) -> Result<String, PluginError> {
    let text = serde_json::to_vec(donor)
        .map_err(|e| PluginError::invalid(format!("the donor's workload cannot be written: {e}")))?;
    Ok(format!("{} modules of {weights_sha256}, workload {}", transfer.name(), sha256(&text)))
}

/// Writes `weights` to `path`, whole or not at all; `key` says what they were trained by.
///
/// # Errors
/// A folder that cannot be written, a full disk.
pub fn save(path: &Path, weights: &[NamedTensor], key: &str) -> Result<(), PluginError> {
    write_tensors(path, &[("", weights)], (ORIGIN, key))
}

/// Writes groups of tensors, each under its prefix, and one entry of metadata to `path`, whole or not at all.
pub(crate) fn write_tensors(
    path: &Path,
    groups: &[(&str, &[NamedTensor])],
    (entry, value): (&str, &str),
) -> Result<(), PluginError> {
    let tensors = || groups.iter().flat_map(|(prefix, all)| all.iter().map(move |tensor| (prefix, tensor)));
    let bytes: Vec<Vec<u8>> =
        tensors().map(|(_, t)| t.values.iter().flat_map(|v| v.to_le_bytes()).collect()).collect();
    let views = tensors()
        .zip(&bytes)
        .map(|((prefix, tensor), bytes)| {
            let shape = tensor.shape.iter().map(|extent| *extent as usize).collect();
            TensorView::new(Dtype::F32, shape, bytes).map(|view| (format!("{prefix}{}", tensor.name), view))
        })
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| PluginError::contract(format!("the engine's weights do not fit their shapes: {e}")))?;
    let origin = HashMap::from([(entry.to_owned(), value.to_owned())]);
    let file = serialize(views, Some(origin))
        .map_err(|e| PluginError::failed(format!("the checkpoint cannot be put together: {e}")))?;
    write_atomically(path, "the checkpoint", &file)
}

/// Writes `weights` into `folder` under `key`, and `workload` beside them, so that other networks can take them over.
///
/// # Errors
/// As [`save`].
pub fn keep(
    folder: &Path,
    key: &str,
    weights: &[NamedTensor],
    workload: &Workload,
) -> Result<(), PluginError> {
    let path = workload_path(folder, key);
    let text = serde_json::to_vec(workload)
        .map_err(|e| PluginError::invalid(format!("the workload cannot be written: {e}")))?;
    write_atomically(&path, "the workload", &text)?;
    save(&weights_path(folder, key), weights, key)
}

/// The workload and the weights that [`keep`] has written, and the SHA-256 of the weights' file.
///
/// # Errors
/// As [`load`].
pub fn kept(folder: &Path, key: &str) -> Result<(Workload, Vec<NamedTensor>, String), PluginError> {
    let path = workload_path(folder, key);
    let workload: Workload = serde_json::from_slice(&read(&path)?)
        .map_err(|e| PluginError::failed(format!("`{}` is no workload: {e}", path.display())))?;
    let expected: Vec<NamedTensor> = workload
        .layers
        .iter()
        .flat_map(|layer| &layer.weights)
        .map(|w| NamedTensor {
            name: w.name.clone(),
            role: w.role,
            shape: w.shape.clone(),
            values: Vec::new(),
        })
        .collect();
    let (weights, sha256) = load(&weights_path(folder, key), &expected)?;
    Ok((workload, weights, sha256))
}

fn weights_path(folder: &Path, key: &str) -> PathBuf {
    folder.join(format!("{key}.safetensors"))
}

fn workload_path(folder: &Path, key: &str) -> PathBuf {
    folder.join(format!("{key}.workload.json"))
}

pub(crate) fn read(path: &Path) -> Result<Vec<u8>, PluginError> {
    fs::read(path)
        .map_err(|e| PluginError::failed(format!("cannot read the checkpoint `{}`: {e}", path.display())))
}

pub(crate) fn not_whole(path: &Path, error: impl std::fmt::Display) -> PluginError {
    PluginError::failed(format!("`{}` is no safetensors file, or is cut off: {error}", path.display()))
}

/// The weights in `path` for the network whose weights are `expected`, in that order, and the SHA-256 of the file.
///
/// # Errors
/// A file that cannot be read, is no safetensors file or was not written by codebench; a tensor that is missing, of another
/// shape or too many: the checkpoint of another network.
pub fn load(path: &Path, expected: &[NamedTensor]) -> Result<(Vec<NamedTensor>, String), PluginError> {
    let shown = path.display();
    let bytes = read(path)?;
    let file = SafeTensors::deserialize(&bytes).map_err(|e| not_whole(path, e))?;
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|e| not_whole(path, e))?;
    if !header.metadata().as_ref().is_some_and(|entries| entries.contains_key(ORIGIN)) {
        return Err(PluginError::invalid(format!(
            "`{shown}` does not say which training wrote it: it is no checkpoint of codebench"
        )));
    }
    let other = |what: String| {
        PluginError::invalid(format!("`{shown}` is the checkpoint of another network: {what}"))
    };
    if let Some(name) = file.names().into_iter().find(|name| !expected.iter().any(|t| t.name == **name)) {
        return Err(other(format!("the network has no tensor `{name}`")));
    }
    let weights = expected.iter().map(|tensor| filled(&file, "", tensor).map_err(other));
    Ok((weights.collect::<Result<_, PluginError>>()?, sha256(&bytes)))
}

/// `tensor` with its values from `file`, where its name stands behind `prefix`; what is wrong with it otherwise.
pub(crate) fn filled(
    file: &SafeTensors<'_>,
    prefix: &str,
    tensor: &NamedTensor,
) -> Result<NamedTensor, String> {
    let name = format!("{prefix}{}", tensor.name);
    let view = file.tensor(&name).map_err(|_| format!("it has no tensor `{name}`"))?;
    let shape: Vec<u64> = view.shape().iter().map(|extent| *extent as u64).collect();
    if view.dtype() != Dtype::F32 || shape != tensor.shape {
        let (found, expected) = (view.dtype(), &tensor.shape);
        return Err(format!("its tensor `{name}` is {found:?} {shape:?} instead of F32 {expected:?}"));
    }
    let words = view.data().as_chunks::<4>().0;
    let values = words.iter().map(|word| f32::from_le_bytes(*word)).collect();
    let NamedTensor { name, role, shape, .. } = tensor;
    Ok(NamedTensor { name: name.clone(), role: *role, shape: shape.clone(), values })
}

#[cfg(test)]
mod tests {
    use super::*;
    use codebench_sdk::model::WeightRole;

    fn tensor(name: &str, shape: &[u64], values: &[f32]) -> NamedTensor {
        NamedTensor {
            name: name.into(),
            role: WeightRole::Weight,
            shape: shape.to_vec(),
            values: values.to_vec(),
        }
    }

    fn weights() -> [NamedTensor; 2] {
        [tensor("b", &[1, 2], &[1.5, -0.0]), tensor("a", &[3], &[1e-38, 2.0, f32::MAX])]
    }

    #[test]
    fn what_is_saved_is_loaded_and_has_the_same_bytes_again() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (folder.path().join("x/1.safetensors"), folder.path().join("2.safetensors"));
        save(&first, &weights(), "key").unwrap();
        save(&second, &weights(), "key").unwrap();
        assert_eq!(fs::read(&first).unwrap(), fs::read(&second).unwrap());
        let expected = weights().map(|t| NamedTensor { values: vec![], ..t });
        let (loaded, digest) = load(&first, &expected).unwrap();
        assert_eq!(loaded, weights());
        assert_eq!(digest, sha256(&fs::read(&first).unwrap()));
        assert_eq!(loaded[0].values[1].to_bits(), (-0.0f32).to_bits());
        let files = fs::read_dir(folder.path().join("x")).unwrap().count();
        assert_eq!(files, 1, "nothing but the checkpoint is left");
        // The file's bytes tell two checkpoints apart, whatever they say of themselves.
        let [mut changed, other] = weights();
        changed.values[0] += 1.0;
        save(&second, &[changed, other], "key").unwrap();
        assert_ne!(load(&second, &expected).unwrap().1, digest);
    }

    #[test]
    fn files_of_other_networks_and_damaged_ones_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.safetensors");
        save(&path, &weights(), "key").unwrap();
        let message = |expected: &[NamedTensor]| {
            let message = load(&path, expected).unwrap_err().message;
            message.replace(folder.path().to_str().unwrap(), "DATA")
        };
        let [b, a] = weights();
        assert_eq!(
            message(std::slice::from_ref(&b)),
            "`DATA/c.safetensors` is the checkpoint of another network: the network has no tensor `a`"
        );
        assert_eq!(
            message(&[b.clone(), a.clone(), tensor("c", &[1], &[])]),
            "`DATA/c.safetensors` is the checkpoint of another network: it has no tensor `c`"
        );
        assert_eq!(
            message(&[b, tensor("a", &[1, 3], &[])]),
            "`DATA/c.safetensors` is the checkpoint of another network: its tensor `a` is F32 [3] instead of F32 [1, 3]"
        );
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
        assert!(message(&[a]).starts_with("`DATA/c.safetensors` is no safetensors file, or is cut off"));
    }
}
