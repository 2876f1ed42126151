//! Files of data sets, plain or compressed by gzip.

use codebench_sdk::prelude::PluginError;
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

/// The bytes of a file, uncompressed if its name ends in `.gz`.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, PluginError> {
    let failed = |e: std::io::Error| PluginError::failed(format!("cannot read `{}`: {e}", path.display()));
    let file = File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    if path.extension().is_some_and(|e| e == "gz") {
        MultiGzDecoder::new(BufReader::new(file)).read_to_end(&mut bytes).map_err(failed)?;
    } else {
        BufReader::new(file).read_to_end(&mut bytes).map_err(failed)?;
    }
    Ok(bytes)
}

/// `folder/name`, or `folder/name.gz` if only that is there.
pub(super) fn plain_or_compressed(folder: &Path, name: &str) -> Result<PathBuf, PluginError> {
    let candidates = [folder.join(name), folder.join(format!("{name}.gz"))];
    let found = candidates.iter().find(|path| path.is_file());
    found.cloned().ok_or_else(|| {
        PluginError::failed(format!(
            "neither `{name}` nor `{name}.gz` is in `{}`: give the folder of the data set in `parameters.folder`",
            folder.display()
        ))
    })
}

/// A file that is not what it should be.
pub(super) fn corrupt(path: &Path, what: impl std::fmt::Display) -> PluginError {
    PluginError::failed(format!("`{}` is corrupt or of another format: {what}", path.display()))
}
