//! A library is loaded from a copy of the bytes that were hashed, in a folder that only the user can write.

use crate::{HostError, ReadFile, cache_folder};
use std::path::PathBuf;

/// Where copies live; it is made, for the user alone, if it is not there.
pub(super) fn folder() -> Result<PathBuf, HostError> {
    let folder = cache_folder().ok_or_else(|| HostError::OwnFile {
        path: PathBuf::from("~/.cache/codebench"),
        reason: "there is no home folder to keep copies of native libraries in: set HOME or XDG_CACHE_HOME"
            .into(),
    })?;
    let folder = folder.join("native");
    crate::folders::create_private(&folder)
        .map_err(|e| HostError::OwnFile { path: folder.clone(), reason: e.to_string() })?;
    Ok(folder)
}

/// The copy of `file`, named by its hash. One that is there is compared byte for byte.
pub(super) fn of(file: &ReadFile) -> Result<PathBuf, HostError> {
    let folder = folder()?;
    let copy = folder.join(format!("{}{}", file.sha256, std::env::consts::DLL_SUFFIX));
    if !std::fs::read(&copy).is_ok_and(|bytes| bytes == file.bytes) {
        crate::folders::write_whole(&folder, &copy, &file.bytes)
            .map_err(|e| HostError::OwnFile { path: copy.clone(), reason: e.to_string() })?;
    }
    Ok(copy)
}
