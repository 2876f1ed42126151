//! One writer at a time: a lock that the system releases when its process ends, however it ends.

use super::StoreError;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

/// Locks the file `path`, which is created if need be and holds the id of the process.
pub(super) fn acquire(path: &Path) -> Result<File, StoreError> {
    let refuse = |e: std::io::Error| StoreError::Write { path: path.to_owned(), reason: e.to_string() };
    let mut file =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(refuse)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            // The text is a courtesy; a lock without one is as good.
            let _ = file.read_to_string(&mut holder);
            let holder = holder.trim();
            let holder =
                if holder.is_empty() { "another process".into() } else { format!("process {holder}") };
            return Err(StoreError::Locked { path: path.to_owned(), holder });
        }
        Err(TryLockError::Error(e)) => return Err(refuse(e)),
    }
    // The text is a courtesy here too: a full disk must not keep a finished study from being read.
    let _ = file
        .set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| file.write_all(std::process::id().to_string().as_bytes()));
    Ok(file)
}
