//! Data sets by name, their splits and their normalisation.
//!
//! A data set is one file with a [`DataSet`] and one line in [`DATA_SETS`].

mod cifar;
mod digits;
mod files;
mod folder;
mod idx;
mod raw;
mod splits;
mod stratified;

pub use raw::{RawData, Split};
pub use splits::{Part, Splits};

use codebench_sdk::model::{DataSource, ParameterDescription, Parameters, parameter};
use codebench_sdk::prelude::PluginError;
use std::path::PathBuf;

/// Every data set that this crate reads.
pub static DATA_SETS: &[&dyn DataSet] =
    &[&digits::Digits, &idx::FASHION_MNIST, &idx::IDX, &cifar::CIFAR10, &cifar::CIFAR100, &folder::Folder];

/// Reads a data set. Pure: the same parameters give the same data, split included.
pub trait DataSet: Send + Sync {
    /// Name in `[data] id = "..."`.
    fn id(&self) -> &'static str;

    /// One sentence on what it holds and where it comes from.
    fn summary(&self) -> &'static str;

    /// Parameters of the reader.
    fn parameters(&self) -> Vec<ParameterDescription>;

    /// Reads it; `parameters` are complete and checked.
    fn load(&self, parameters: &Parameters) -> Result<RawData, PluginError>;
}

/// The data set that `source` names, with its complete parameters.
fn find(source: &DataSource) -> Result<(&'static dyn DataSet, Parameters), PluginError> {
    let id = source.id.as_str();
    let set = DATA_SETS.iter().find(|set| set.id() == id).ok_or_else(|| {
        let nearest = parameter::nearest(id, DATA_SETS.iter().map(|set| set.id()));
        let hint = nearest.map(|n| format!(" (did you mean `{n}`?)")).unwrap_or_default();
        let known: Vec<&str> = DATA_SETS.iter().map(|set| set.id()).collect();
        PluginError::not_found(format!("unknown data set `{id}`{hint}; known: {}", known.join(", ")))
    })?;
    let parameters = parameter::complete(&set.parameters(), &source.parameters)
        .map_err(|e| PluginError::invalid(format!("data set `{id}`: {e}")))?;
    Ok((*set, parameters))
}

/// Reads, checks, normalises and splits the data set that `source` names.
///
/// # Errors
/// An unknown name, a refused parameter, or a reader that breaks its own promises.
pub fn load(source: &DataSource) -> Result<Splits, PluginError> {
    let (set, parameters) = find(source)?;
    let raw = set.load(&parameters)?;
    raw.check().map_err(|why| PluginError::contract(format!("data set `{}`: {why}", source.id)))?;
    Ok(Splits::new(&raw))
}

/// Images of the training file that are used, for readers of files.
fn train_images() -> ParameterDescription {
    let help = "Use only the first images of the training files; 0 is all. Part of them validates.";
    ParameterDescription::integer("train_images", 0, i64::MAX, 0, help)
}

/// Share of the training files that guides the search, for readers of files that come in two parts.
fn validation_percent() -> ParameterDescription {
    let help = "Of every 100 training images of one class, how many validate; the same images always.";
    ParameterDescription::integer("validation_percent", 1, 90, 10, help)
}

/// The parameter `folder`.
fn folder_of(parameters: &Parameters) -> Result<PathBuf, PluginError> {
    Ok(PathBuf::from(text_of(parameters, "folder")?))
}

fn text_of<'a>(parameters: &'a Parameters, name: &str) -> Result<&'a str, PluginError> {
    parameters.get(name).and_then(|value| value.as_str()).ok_or_else(|| undeclared(name))
}

/// A parameter that is a whole number from 0.
fn count(parameters: &Parameters, name: &str) -> Result<usize, PluginError> {
    let value = parameters.get(name).and_then(|value| value.as_i64());
    value.and_then(|value| usize::try_from(value).ok()).ok_or_else(|| undeclared(name))
}

fn undeclared(name: &str) -> PluginError {
    PluginError::contract(format!("a reader asks for parameter `{name}`, which it does not declare"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_names_are_refused_with_the_nearest() {
        let source = |id: &str| DataSource { id: id.into(), parameters: Parameters::new() };
        assert_eq!(
            load(&source("digit")).unwrap_err().message,
            "unknown data set `digit` (did you mean `digits`?); known: digits, fashion-mnist, idx, cifar-10, cifar-100, image-folder"
        );
        let mut with = source("digits");
        with.parameters.insert("size".into(), codebench_sdk::model::ParameterValue::Integer(8));
        assert_eq!(
            load(&with).unwrap_err().message,
            "data set `digits`: unknown parameter `size`; it takes none"
        );
    }
}
