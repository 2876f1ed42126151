//! Files that appear whole or not at all.

use super::StoreError;
use std::fs::File;
use std::io::Write;
use std::path::Path;

/// Writes `bytes` beside `path` and puts them in its place at once.
///
/// # Errors
/// [`StoreError::Write`] or [`StoreError::Full`]; what stood at `path` before still stands there.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let part = path.with_file_name(name);
    let write = || {
        let mut file = File::create(&part)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&part, path)
    };
    write().map_err(|e| {
        // What is left of a failed attempt is of no use to anybody; failing to remove it changes nothing.
        let _ = std::fs::remove_file(&part);
        match e.kind() {
            std::io::ErrorKind::StorageFull => StoreError::Full { path: path.to_owned() },
            _ => StoreError::Write { path: path.to_owned(), reason: e.to_string() },
        }
    })
}
