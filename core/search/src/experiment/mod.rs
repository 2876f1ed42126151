//! The experiment: everything that a study is a function of.

mod accelerator_file;
pub(crate) mod document;
mod error;
pub(crate) mod parameters;
mod places;
pub(crate) mod plugin_limits;
pub(crate) mod read;
mod space_table;

pub use accelerator_file::accelerator_description;
pub(crate) use accelerator_file::plugins as accelerator_plugins;
pub use error::{ExperimentError, Located};
pub(crate) use error::{Source, hint};
pub(crate) use places::Places;
pub use space_table::read_space;

use crate::canonical;
use crate::objective::{Goal, Objective};
use codebench_api::Catalog;
use codebench_model::{DataSource, Parameters, Recipe, Space, TensorShape};
use serde::Serialize;
use std::path::Path;

/// A plugin with its complete parameters.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PluginUse {
    /// Id of the plugin.
    pub plugin: String,
    /// Complete and checked.
    pub parameters: Parameters,
}

/// An evaluator of the experiment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EvaluatorUse {
    /// Name within the experiment, by which its metrics are called.
    pub id: String,
    /// Id of the plugin.
    pub plugin: String,
    /// Complete and checked.
    pub parameters: Parameters,
}

/// How much is evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Budget {
    /// Trials in all.
    pub trials: u64,
    /// Trials that are asked together; part of the result, unlike the number of threads.
    pub batch: u64,
}

/// Images where no evaluator reads data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ImageShape {
    /// One image.
    pub input: TensorShape,
    /// Number of classes.
    pub classes: u64,
}

/// An experiment, read, checked and complete.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Experiment {
    /// Name for reports.
    pub name: String,
    /// The only source of randomness.
    pub seed: u64,
    /// The space.
    pub space: Space,
    /// Images, where there is no data set.
    pub image: Option<ImageShape>,
    /// The data set.
    pub data: Option<DataSource>,
    /// How CNNs are trained; present whenever there is a data set.
    pub recipe: Option<Recipe>,
    /// What proposes candidates.
    pub strategy: PluginUse,
    /// How much.
    pub budget: Budget,
    /// What measures candidates, in order.
    pub evaluators: Vec<EvaluatorUse>,
    /// What is maximised.
    pub objective: Objective,
    /// Where evaluations run; never changes a result.
    pub executor: PluginUse,
    /// The file as it was written.
    #[serde(skip)]
    pub text: String,
    /// Where its parts stand in it.
    #[serde(skip)]
    pub(crate) places: Places,
}

impl Experiment {
    /// Reads the file `path`.
    ///
    /// # Errors
    /// A file that cannot be read, or the first mistake in it with its line and column.
    pub fn read(path: &Path, catalog: &Catalog) -> Result<Experiment, ExperimentError> {
        let text = read::text_of(path)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        read::experiment(&text, &path.display().to_string(), folder, catalog)
    }

    /// Reads a text; `file` is its name in errors, and files that it names are relative to `folder`.
    ///
    /// # Errors
    /// The first mistake with its line and column.
    pub fn parse(
        text: &str,
        file: &str,
        folder: &Path,
        catalog: &Catalog,
    ) -> Result<Experiment, ExperimentError> {
        read::experiment(text, file, folder, catalog)
    }

    /// A complaint about the part of the file at `path`.
    pub(crate) fn complain(&self, path: &str, message: impl Into<String>) -> ExperimentError {
        self.places.complain(&self.text, path, message)
    }

    /// The whole experiment as canonical JSON.
    pub fn canonical(&self) -> String {
        canonical::to_text(&canonical::to_value(self))
    }

    /// What the results are a function of, as canonical JSON: the whole experiment but the executor, which never
    /// changes a result, and `budget.trials`, which may grow, and the limits of its plugin files.
    pub fn identity(&self) -> String {
        let mut value = canonical::to_value(self);
        if let Some(map) = value.as_object_mut() {
            map.remove("executor");
            if let Some(budget) = map.get_mut("budget").and_then(|b| b.as_object_mut()) {
                budget.remove("trials");
            }
            plugin_limits::add(map, &self.text);
        }
        canonical::to_text(&value)
    }

    /// SHA-256 of [`Experiment::identity`].
    pub fn sha256(&self) -> String {
        canonical::sha256(&self.identity())
    }
}
