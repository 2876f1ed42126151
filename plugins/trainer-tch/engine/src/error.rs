//! What libtorch throws, as an error of the contract.

use codebench_sdk::prelude::PluginError;
use tch::TchError;

/// What libtorch says when memory is short, on a processor and on a device.
const OUT_OF_MEMORY: [&str; 2] = ["out of memory", "can't allocate memory"];

/// The first line; the rest is a trace of libtorch's own functions.
pub(crate) fn failed(error: TchError) -> PluginError {
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default();
    let remedy = match OUT_OF_MEMORY.iter().any(|mark| text.contains(mark)) {
        true => ": use smaller CNNs or mini-batches",
        false => "",
    };
    PluginError::failed(format!("libtorch: {first}{remedy}"))
}
