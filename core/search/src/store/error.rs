//! What can go wrong with a store.

use rusqlite::ErrorCode;
use std::path::{Path, PathBuf};

/// Why a store cannot be opened, read or written. What was stored before stays stored.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum StoreError {
    #[error("{path} holds a study: give --resume to go on with it, or another --out for a new one")]
    Exists { path: PathBuf },
    #[error("cannot create the folder {path}: {reason}; give --out a folder that can be written")]
    Folder { path: PathBuf, reason: String },
    #[error("cannot write {path}: {reason}; what is in the store stays, and --resume goes on")]
    Write { path: PathBuf, reason: String },
    #[error("{path} is in use by {holder}: wait for it to end, or give another --out")]
    Locked { path: PathBuf, holder: String },
    #[error("{path} is damaged ({reason}): nothing in it was changed; restore a copy, or give another --out")]
    Corrupt { path: PathBuf, reason: String },
    #[error("{path} is a database, but not a codebench store: give another --out")]
    Foreign { path: PathBuf },
    #[error(
        "{path} was written by a newer codebench (store version {found}, this one reads up to {known}): use that version"
    )]
    Newer { path: PathBuf, found: i64, known: i64 },
    #[error("no room on the disk for {path}: free some space; what is stored stays, and --resume goes on")]
    Full { path: PathBuf },
    #[error("{path}: {reason}")]
    Sqlite { path: PathBuf, reason: String },
}

impl StoreError {
    pub(super) fn of(path: &Path, error: rusqlite::Error) -> StoreError {
        let path = path.to_owned();
        let reason = error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => StoreError::Full { path },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                StoreError::Locked { path, holder: "another program".into() }
            }
            Some(
                ErrorCode::ReadOnly
                | ErrorCode::CannotOpen
                | ErrorCode::PermissionDenied
                | ErrorCode::SystemIoFailure,
            ) => StoreError::Write { path, reason },
            // `Unknown` is SQLite's general error, such as for a table that is not there: no statement of this crate has
            // one on a store that is as it was written.
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::Unknown) => {
                StoreError::Corrupt { path, reason }
            }
            None if is_of_content(&error) => StoreError::Corrupt { path, reason },
            _ => StoreError::Sqlite { path, reason },
        }
    }
}

/// Whether a value is not as this crate wrote it.
fn is_of_content(error: &rusqlite::Error) -> bool {
    matches!(
        error,
        rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
    )
}
