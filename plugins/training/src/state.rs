//! All that a training needs to go on after an interruption, in one safetensors file: weights, the optimiser's state, and where
//! it stands. A training that goes on gives the bits of one that was never interrupted, on the same engine.

use crate::checkpoint::{filled, not_whole, read, write_tensors};
use crate::training::Standing;
use codebench_sdk::api::{NamedTensor, Network, OptimizerState};
use codebench_sdk::prelude::PluginError;
use safetensors::SafeTensors;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The one entry of the file's metadata.
const ENTRY: &str = "codebench-training";
/// Prefixes of the tensors' names: weights, and the optimiser's first and second moments.
const PREFIXES: [&str; 3] = ["weights/", "first/", "second/"];

/// What the metadata says.
#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    /// Key of the training that wrote the file.
    key: String,
    /// Epochs at which that training ends.
    target: u64,
    standing: Standing,
    steps: u64,
    /// Tensors under the prefix of first moments, and of second ones: whether there are any.
    moments: [bool; 2],
}

/// A training in the middle.
#[derive(Debug, Clone, PartialEq)]
pub struct Saved {
    /// Epochs at which that training ends.
    pub target: u64,
    /// Where it stands.
    pub standing: Standing,
    weights: Vec<NamedTensor>,
    optimizer: OptimizerState,
}

/// Where the state of the training `key` lies in `folder`.
pub fn path(folder: &Path, key: &str) -> PathBuf {
    folder.join(format!("{key}.state.safetensors"))
}

/// Writes where `network` stands to `path`, whole or not at all; false, and nothing is written, if its engine does not tell.
///
/// # Errors
/// A folder that cannot be written, a full disk, what the engine errs with.
pub fn save(
    path: &Path,
    key: &str,
    target: u64,
    standing: &Standing,
    network: &dyn Network,
) -> Result<bool, PluginError> {
    let Some(optimizer) = network.optimizer_state()? else { return Ok(false) };
    let weights = network.weights()?;
    let OptimizerState { steps, first, second } = &optimizer;
    let moments = [!first.is_empty(), !second.is_empty()];
    let entry = Entry { key: key.to_owned(), target, standing: *standing, steps: *steps, moments };
    let text = serde_json::to_string(&entry)
        .map_err(|e| PluginError::failed(format!("the training's state cannot be written: {e}")))?;
    let [a, b, c] = PREFIXES;
    write_tensors(path, &[(a, &weights), (b, first), (c, second)], (ENTRY, &text))?;
    Ok(true)
}

/// The state in `path` of the training `key`, of a network whose weights are `expected`; `None` if there is no such file.
///
/// # Errors
/// A file that cannot be read, is damaged or of another training.
pub fn load(path: &Path, key: &str, expected: &[NamedTensor]) -> Result<Option<Saved>, PluginError> {
    if !path.exists() {
        return Ok(None);
    }
    let bytes = read(path)?;
    let file = SafeTensors::deserialize(&bytes).map_err(|e| not_whole(path, e))?;
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|e| not_whole(path, e))?;
    let refuse = |what: String| {
        PluginError::invalid(format!("`{}` is no state of this training: {what}", path.display()))
    };
    let text = header.metadata().as_ref().and_then(|entries| entries.get(ENTRY));
    let text = text.ok_or_else(|| refuse("it does not say where the training stands".into()))?;
    let entry: Entry = serde_json::from_str(text).map_err(|e| refuse(e.to_string()))?;
    if entry.key != key {
        return Err(refuse(format!("it is that of `{}`", entry.key)));
    }
    let group = |prefix: &str, trained: bool| {
        let wanted = expected.iter().filter(|tensor| !trained || tensor.role.is_parameter());
        let read = |tensor: &NamedTensor| match filled(&file, prefix, tensor).map_err(refuse)? {
            tensor if tensor.values.iter().all(|value| value.is_finite()) => Ok(tensor),
            tensor => {
                Err(refuse(format!("its tensor `{prefix}{}` has values that are not finite", tensor.name)))
            }
        };
        wanted.map(read).collect::<Result<Vec<_>, _>>()
    };
    let moments =
        |index: usize, there: bool| if there { group(PREFIXES[index], true) } else { Ok(Vec::new()) };
    let [first, second] = entry.moments;
    Ok(Some(Saved {
        target: entry.target,
        standing: entry.standing,
        weights: group(PREFIXES[0], false)?,
        optimizer: OptimizerState {
            steps: entry.steps,
            first: moments(1, first)?,
            second: moments(2, second)?,
        },
    }))
}

impl Saved {
    /// Puts `network` where the training stands.
    ///
    /// # Errors
    /// What the engine errs with.
    pub fn put(&self, network: &mut dyn Network) -> Result<(), PluginError> {
        network.set_optimizer_state(&self.optimizer)?;
        network.set_weights(&self.weights)
    }
}

/// Saves a training after its epochs, but not so often that it takes more than a twentieth of the time.
#[derive(Debug)]
pub struct Saver {
    path: PathBuf,
    key: String,
    target: u64,
    /// When the last saving ended, and how long it took.
    last: Option<(Instant, Duration)>,
    has_saved: bool,
}

impl Saver {
    /// Writes to `path` for the training `key` that ends after `target` epochs.
    pub fn new(path: PathBuf, key: &str, target: u64) -> Saver {
        Saver { path, key: key.to_owned(), target, last: None, has_saved: false }
    }

    /// The network stands where `standing` says; `is_last` wants it saved whatever the time.
    ///
    /// # Errors
    /// Those of [`save`].
    pub fn epoch(
        &mut self,
        standing: &Standing,
        network: &dyn Network,
        is_last: bool,
    ) -> Result<(), PluginError> {
        /// Share of the time that may go into saving.
        const SHARE: u32 = 20;
        if !is_last && self.last.is_some_and(|(at, took)| at.elapsed() < SHARE * took) {
            return Ok(());
        }
        let start = Instant::now();
        self.has_saved = save(&self.path, &self.key, self.target, standing, network)?;
        self.last = Some((Instant::now(), start.elapsed()));
        Ok(())
    }

    /// Whether it wrote the file: not if the engine does not tell its optimiser's state.
    pub fn has_saved(&self) -> bool {
        self.has_saved
    }
}
