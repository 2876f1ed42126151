//! A library is loaded from a copy of the bytes that were hashed, in a folder that only the user can write.

use crate::{HostError, ReadFile, cache_folder};
use std::fs::{File, read_dir, remove_file};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// A copy, or a note on one, that nobody used for so long is removed.
const UNUSED: Duration = Duration::from_secs(30 * 24 * 3600);

/// Where copies live; it is made, for the user alone, if it is not there, and is not used if others may enter it: they could put
/// other bytes under the name of a copy that was just compared.
pub(super) fn folder() -> Result<PathBuf, HostError> {
    let folder = cache_folder().ok_or_else(|| HostError::OwnFile {
        path: PathBuf::from("~/.cache/codebench"),
        reason: "there is no home folder to keep copies of native libraries in: set HOME or XDG_CACHE_HOME"
            .into(),
    })?;
    let folder = folder.join("native");
    crate::folders::make_private(&folder)
        .map_err(|e| HostError::OwnFile { path: folder.clone(), reason: e.to_string() })?;
    Ok(folder)
}

/// The copy of `file`, named by its hash. One that is there is compared byte for byte.
pub(super) fn of(file: &ReadFile) -> Result<PathBuf, HostError> {
    let folder = folder()?;
    let copy = folder.join(format!("{}{}", file.sha256, std::env::consts::DLL_SUFFIX));
    match holds(&copy, &file.bytes) {
        Ok(true) => used_now(&copy),
        _ => {
            crate::folders::write_whole(&folder, &copy, &file.bytes)
                .map_err(|e| HostError::OwnFile { path: copy.clone(), reason: e.to_string() })?;
            prune(&folder, SystemTime::now());
        }
    }
    used_now(&folder.join(format!("{}.checked", file.sha256)));
    Ok(copy)
}

/// Whether the file at `path` holds these bytes and no others. It is read in pieces that stay in the processor's cache.
fn holds(path: &Path, bytes: &[u8]) -> std::io::Result<bool> {
    const PIECE_BYTES: usize = 64 << 10;
    let mut file = File::open(path)?;
    let mut piece = vec![0; PIECE_BYTES];
    let mut rest = bytes;
    loop {
        let read = match file.read(&mut piece) {
            Err(e) if e.kind() == ErrorKind::Interrupted => continue,
            read => read?,
        };
        if read == 0 {
            return Ok(rest.is_empty());
        }
        match rest.strip_prefix(&piece[..read]) {
            Some(left) => rest = left,
            None => return Ok(false),
        }
    }
}

/// Notes that a file was used. One that cannot be noted is removed too early, and made again.
fn used_now(path: &Path) {
    let _ = File::options().append(true).open(path).and_then(|file| file.set_modified(SystemTime::now()));
}

/// Removes what was not used for long. What cannot be removed stays.
fn prune(folder: &Path, now: SystemTime) {
    for entry in read_dir(folder).into_iter().flatten().flatten() {
        let used = entry.metadata().and_then(|metadata| metadata.modified());
        if used.is_ok_and(|used| now.duration_since(used).is_ok_and(|since| since > UNUSED)) {
            let _ = remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_the_same_to_the_last_byte() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("copy");
        let bytes: Vec<u8> = (0..200_000u32).map(|i| (i % 251) as u8).collect();
        std::fs::write(&path, &bytes).unwrap();
        assert!(holds(&path, &bytes).unwrap());
        assert!(!holds(&path, &bytes[..bytes.len() - 1]).unwrap());
        assert!(!holds(&path, &[&bytes[..], b"x"].concat()).unwrap());
        for place in [0, 70_000, bytes.len() - 1] {
            let mut other = bytes.clone();
            other[place] ^= 1;
            assert!(!holds(&path, &other).unwrap(), "byte {place}");
        }
        assert!(!holds(&path, b"").unwrap());
        std::fs::write(&path, b"").unwrap();
        assert!(holds(&path, b"").unwrap());
        assert!(holds(&folder.path().join("none"), b"").is_err());
    }

    #[test]
    fn what_was_not_used_for_long_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = (folder.path().join("old.so"), folder.path().join("new.so"));
        for path in [&old, &new] {
            std::fs::write(path, "x").unwrap();
        }
        let then = SystemTime::now() - 2 * UNUSED;
        File::options().append(true).open(&old).unwrap().set_modified(then).unwrap();
        prune(folder.path(), then + UNUSED / 2);
        assert!(old.exists());
        prune(folder.path(), SystemTime::now());
        assert!(!old.exists() && new.exists());
        File::options().append(true).open(&new).unwrap().set_modified(then).unwrap();
        used_now(&new);
        prune(folder.path(), SystemTime::now());
        assert!(new.exists());
    }
}
