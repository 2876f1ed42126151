//! Why a CNN cannot be read, found or lowered.

use codebench_api::{ErrorKind, PluginError};
use std::fmt;

/// A place in a CNN: a module, and a vertex of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// Index of the module, from 0.
    pub module: usize,
    /// Index of the vertex within the module and its label, when the error is about one vertex.
    pub vertex: Option<(usize, String)>,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "module {}", self.module)?;
        match &self.vertex {
            Some((vertex, label)) => write!(f, ", vertex {vertex} `{label}`"),
            None => Ok(()),
        }
    }
}

/// Why a CNN is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CnnError {
    /// The CNN is malformed: a wrong label, a wrong edge.
    #[error("{location}: {message}")]
    Malformed {
        /// Where.
        location: Location,
        /// What is wrong, and what is allowed.
        message: String,
    },
    /// The CNN is well formed, but its shapes do not fit: a result of a search, not a mistake.
    #[error("{location}: {message}")]
    Infeasible {
        /// Where.
        location: Location,
        /// What does not fit, and a remedy.
        message: String,
    },
    /// The CNN or its image as a whole is refused.
    #[error("{0}")]
    Cnn(String),
    /// A CNN file cannot be read.
    #[error("{0}")]
    File(#[from] crate::file::FileError),
    /// No network has this name.
    #[error("{0}")]
    Network(#[from] crate::named::UnknownNetwork),
    /// A plugin could not be made.
    #[error("{0}")]
    Plugin(#[from] PluginError),
}

impl CnnError {
    /// The place, if the error has one; a reader of files turns it into line and column.
    pub fn location(&self) -> Option<&Location> {
        match self {
            CnnError::Malformed { location, .. } | CnnError::Infeasible { location, .. } => Some(location),
            _ => None,
        }
    }

    /// True for a CNN that is well formed but cannot be built.
    pub fn is_infeasible(&self) -> bool {
        matches!(self, CnnError::Infeasible { .. })
            || matches!(self, CnnError::Plugin(e) if e.kind == ErrorKind::Infeasible)
    }
}

/// What is wrong at a vertex, before its place is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) infeasible: bool,
    pub(crate) message: String,
}

impl Fault {
    pub(crate) fn malformed(message: impl Into<String>) -> Self {
        Fault { infeasible: false, message: message.into() }
    }

    pub(crate) fn infeasible(message: impl Into<String>) -> Self {
        Fault { infeasible: true, message: message.into() }
    }

    pub(crate) fn at(self, location: Location) -> CnnError {
        let Fault { infeasible, message } = self;
        if infeasible {
            CnnError::Infeasible { location, message }
        } else {
            CnnError::Malformed { location, message }
        }
    }
}

impl From<PluginError> for Fault {
    fn from(error: PluginError) -> Self {
        Fault { infeasible: error.kind == ErrorKind::Infeasible, message: error.message }
    }
}
