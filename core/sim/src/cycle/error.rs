//! What can be wrong with an accelerator built of modules, or with a workload on it.

use super::remedy::{Holder, Remedy};
use codebench_api::PluginError;
use codebench_model::Workload;
use std::fmt;

/// A layer of the workload, by index and, where it is known, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerRef {
    /// Index in [`Workload::layers`].
    pub index: usize,
    /// Its operation.
    pub primitive: &'static str,
    /// Its name.
    pub name: Option<String>,
}

impl fmt::Display for LayerRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "layer `{name}` ({})", self.primitive),
            None => write!(f, "layer {} ({})", self.index, self.primitive),
        }
    }
}

/// Quotes the value, then the allowed range, then the remedy.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[allow(missing_docs)]
pub enum CycleError {
    #[error("{0}")]
    Description(String),
    #[error("module {module}: {source}")]
    Plugin { module: String, source: PluginError },
    #[error("module {module}: {name} = {value} is not allowed: {allowed}")]
    Facts { module: String, name: String, value: String, allowed: &'static str },
    #[error("{layer} on module {module}: {source}")]
    Cost { layer: LayerRef, module: String, source: PluginError },
    #[error(
        "{layer}: no module of role compute or vector accepts {what}: add one that does (`codebench plugin list --kind \
         accel-module`)"
    )]
    Unsupported { layer: LayerRef, what: String },
    #[error("{layer}: {message}")]
    Layer { layer: LayerRef, message: String },
    #[error("{0}")]
    Infeasible(Infeasible),
    #[error(
        "{quantity} is too large to be simulated: it must stay below {limit}; make the CNN, the image, the batch or the \
         accelerator's parameters smaller, or the tiles larger"
    )]
    TooLarge { quantity: String, limit: &'static str },
    #[error("the schedule cannot go on at cycle {cycle}: {waiting}")]
    Deadlock { cycle: u64, waiting: String },
}

/// Why an accelerator cannot run a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Infeasible {
    /// The layer that does not fit.
    pub layer: LayerRef,
    /// The buffer or memory that is too small.
    pub holder: Holder,
    /// Bytes that it would have to hold.
    pub needed_bytes: u64,
    /// Bytes that it holds.
    pub capacity_bytes: u64,
    /// Whether there is no smaller tile to try.
    pub at_smallest: bool,
    /// The nearest changes with which it fits, each by itself.
    pub remedies: Vec<Remedy>,
}

impl Infeasible {
    /// The same, where no smaller tile is left to try.
    #[must_use]
    pub(crate) fn at_smallest(self) -> Infeasible {
        Infeasible { at_smallest: true, ..self }
    }
}

impl fmt::Display for Infeasible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} does not fit the {}{}: it needs {} bytes, {} more than the {} that there are",
            self.layer,
            self.holder,
            if self.at_smallest { " even at the smallest tile" } else { "" },
            self.needed_bytes,
            self.needed_bytes.saturating_sub(self.capacity_bytes),
            self.capacity_bytes,
        )?;
        for (index, remedy) in self.remedies.iter().enumerate() {
            write!(f, "{} {remedy}", if index == 0 { ";" } else { ", or" })?;
        }
        Ok(())
    }
}

impl CycleError {
    /// A short stable name of the error, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            CycleError::Description(_) => "accelerator_description",
            CycleError::Plugin { .. } => "accelerator_module",
            CycleError::Facts { .. } => "accelerator_facts",
            CycleError::Cost { .. } => "accelerator_cost",
            CycleError::Unsupported { .. } => "unsupported_layer",
            CycleError::Layer { .. } => "invalid_layer",
            CycleError::Infeasible(_) => "infeasible_accelerator",
            CycleError::TooLarge { .. } => "too_large",
            CycleError::Deadlock { .. } => "deadlock",
        }
    }

    /// Whether another candidate could do better: a result of the search, not a mistake of the user.
    pub fn is_infeasible(&self) -> bool {
        matches!(
            self,
            CycleError::Infeasible(_) | CycleError::TooLarge { .. } | CycleError::Unsupported { .. }
        )
    }

    /// The same with the names of the layers.
    #[must_use]
    pub fn named(mut self, workload: &Workload) -> CycleError {
        let layer = match &mut self {
            CycleError::Cost { layer, .. }
            | CycleError::Unsupported { layer, .. }
            | CycleError::Layer { layer, .. }
            | CycleError::Infeasible(Infeasible { layer, .. }) => layer,
            _ => return self,
        };
        layer.name = workload.layers.get(layer.index).map(|l| l.name.clone());
        self
    }

    pub(crate) fn too_many_tasks() -> CycleError {
        CycleError::TooLarge {
            quantity: "the number of tasks that are followed one by one".into(),
            limit: "2^29",
        }
    }

    pub(crate) fn too_large(quantity: impl Into<String>) -> CycleError {
        CycleError::TooLarge { quantity: quantity.into(), limit: "2^64" }
    }
}
