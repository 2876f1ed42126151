//! Why a plugin file or a catalogue is refused.

use codebench_api::CatalogError;
use std::path::{Path, PathBuf};

/// Why no catalogue could be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// Two plugins contradict each other.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// A crate was linked, but a plugin of it did not register.
    #[error(
        "plugin `{id}` is linked but not registered: build its crate with `codebench_sdk::plugins!`, which submits it"
    )]
    NotRegistered {
        /// Id of the plugin.
        id: String,
    },
    /// A file cannot be read.
    #[error("plugin file `{}` cannot be read: {reason}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says, or a limit.
        reason: String,
    },
    /// A pin is no SHA-256.
    #[error("`sha256` = \"{pin}\" of plugin file `{}` is malformed: write 64 hexadecimal digits", .path.display())]
    MalformedPin {
        /// The file.
        path: PathBuf,
        /// What was given.
        pin: String,
    },
    /// The file is not the pinned one.
    #[error(
        "plugin file `{}` is not the pinned one: it has SHA-256 {actual}, the pin says {pinned}; \
         get the pinned file, or look at what changed and renew the pin",
        .path.display()
    )]
    PinMismatch {
        /// The file.
        path: PathBuf,
        /// What was asked for.
        pinned: String,
        /// What the file has.
        actual: String,
    },
    /// A native library without consent.
    #[error(
        "plugin file `{}` is a native library, which runs with all your rights: if you trust its author, give \
         --allow-native, write `allow-native = true` under [plugins], or run `codebench plugin trust {}`",
        .path.display(), .path.display()
    )]
    NotTrusted {
        /// The file.
        path: PathBuf,
    },
    /// A file that is no usable plugin.
    #[error("plugin file `{}` is refused: {reason}", .path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what helps.
        reason: String,
    },
    /// A limit of the file's plugins that cannot be, or that cannot bind them.
    #[error("plugin file `{}` is refused: {reason}", .path.display())]
    Limits {
        /// The file.
        path: PathBuf,
        /// Which limit, and what helps.
        reason: String,
    },
    /// A file of codebench's own, such as the list of trusted files, cannot be used.
    #[error("`{}`: {reason}", .path.display())]
    OwnFile {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

impl HostError {
    /// Whether nothing that the user gave is wrong: what codebench keeps for itself cannot be written or read, on a full disk for example.
    pub fn is_of_own_files(&self) -> bool {
        matches!(self, HostError::OwnFile { .. })
    }

    /// The plugin file that it is about; `None` if it is about none, or about two.
    pub fn plugin_file(&self) -> Option<&Path> {
        match self {
            HostError::Read { path, .. }
            | HostError::MalformedPin { path, .. }
            | HostError::PinMismatch { path, .. }
            | HostError::NotTrusted { path }
            | HostError::Limits { path, .. }
            | HostError::Refused { path, .. } => Some(path),
            HostError::Catalog(_) | HostError::NotRegistered { .. } | HostError::OwnFile { .. } => None,
        }
    }
}
