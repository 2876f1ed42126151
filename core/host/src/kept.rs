//! Folders of files that can be made again: what was used last stays, within a bound.

use crate::HostError;
use std::fs::{File, Metadata, TryLockError, read_dir, remove_file};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// A file that nobody used for so long is removed.
pub(crate) const UNUSED: Duration = Duration::from_secs(30 * 24 * 3600);

/// A file that was made or used so recently is not removed: somebody may be about to open it.
pub(crate) const IN_USE: Duration = Duration::from_secs(60);

/// What a process that was killed left half-written is removed after this time.
pub(crate) const UNFINISHED: Duration = Duration::from_secs(3600);

/// How much a folder may hold. Files in use and half-written ones may exceed it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bound {
    /// Number of files.
    pub files: usize,
    /// Bytes of them together.
    pub bytes: u64,
}

impl Bound {
    /// Room for one more file of `bytes` bytes.
    pub(crate) fn less(self, bytes: u64) -> Bound {
        Bound { files: self.files.saturating_sub(1), bytes: self.bytes.saturating_sub(bytes) }
    }
}

/// Notes that a file was used, for [`prune`]. One that cannot be noted is removed too early, and made again.
pub(crate) fn used_now(path: &Path) {
    let _ = File::options().append(true).open(path).and_then(|file| file.set_modified(SystemTime::now()));
}

/// Removes what was not used for long, then the files that were used least recently until the rest is within `bound`. A file
/// that a process holds ([`hold`]) stays. What cannot be removed stays.
pub(crate) fn prune(folder: &Path, bound: Bound, now: SystemTime) {
    let mut files: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
    for entry in read_dir(folder).into_iter().flatten().flatten() {
        let (path, metadata) = (entry.path(), entry.metadata());
        let Some((used, bytes)) =
            metadata.ok().filter(Metadata::is_file).and_then(|m| Some((m.modified().ok()?, m.len())))
        else {
            continue;
        };
        let is_unfinished = is_unfinished(&path);
        let patience = if is_unfinished { UNFINISHED } else { UNUSED };
        match now.duration_since(used).is_ok_and(|since| since > patience) {
            true => drop(remove_unheld(&path)),
            false if is_unfinished => {}
            false => files.push((used, bytes, path)),
        }
    }
    files.sort();
    let mut left = files.len();
    let mut total: u64 = files.iter().map(|(_, bytes, _)| bytes).sum();
    for (used, bytes, path) in files {
        let in_use = now.duration_since(used).map_or(true, |since| since < IN_USE);
        if (left <= bound.files && total <= bound.bytes) || in_use {
            return;
        }
        if remove_unheld(&path) {
            left -= 1;
            total -= bytes;
        }
    }
}

/// What is written under a temporary name, by this version or an older one.
fn is_unfinished(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with(".tmp") || name.ends_with(".tmp")
}

/// Whether the file was removed: nobody holds it, and the system lets it go.
pub(crate) fn remove_unheld(path: &Path) -> bool {
    let Ok(file) = File::open(path) else { return false };
    match file.try_lock() {
        // Where the file system knows no locks, the time of use is all there is.
        Ok(()) | Err(TryLockError::Error(_)) => remove_file(path).is_ok(),
        Err(TryLockError::WouldBlock) => false,
    }
}

/// Keeps the file from being removed, in this process or another, until the answer is dropped. `None` if it is not there, or was
/// removed meanwhile.
pub(crate) fn hold(path: &Path) -> Option<File> {
    let file = File::open(path).ok()?;
    // A file system without locks is no reason not to go on: `IN_USE` holds there.
    let _ = file.lock_shared();
    path.exists().then_some(file)
}

/// The refusal when `path`, in a folder of files that can be made again, cannot be written. A full disk has a remedy.
pub(crate) fn cannot_write(folder: &Path, path: &Path, error: &io::Error) -> HostError {
    let remedy = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => format!(
            ": free some space, remove `{}`, which is made again when it is needed, or set XDG_CACHE_HOME to a folder on another disk",
            folder.display()
        ),
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
            ": set XDG_CACHE_HOME to a folder that you can write".to_owned()
        }
        _ => String::new(),
    };
    HostError::OwnFile { path: path.to_owned(), reason: format!("it cannot be written: {error}{remedy}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AMPLE: Bound = Bound { files: 100, bytes: 1 << 20 };

    /// A folder with these files of ten bytes, used so many minutes ago.
    fn folder(files: &[(&str, u64)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, minutes) in files {
            let path = folder.path().join(name);
            std::fs::write(&path, "0123456789").unwrap();
            used_before(&path, Duration::from_secs(60 * minutes));
        }
        folder
    }

    fn used_before(path: &Path, ago: Duration) {
        let file = File::options().append(true).open(path).unwrap();
        file.set_modified(SystemTime::now() - ago).unwrap();
    }

    fn left(folder: &tempfile::TempDir) -> Vec<String> {
        let names = read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    #[test]
    fn what_was_not_used_for_long_is_removed() {
        let minutes = UNUSED.as_secs() / 60;
        let folder = folder(&[("old.so", minutes + 1), ("new.so", minutes - 1)]);
        prune(folder.path(), AMPLE, SystemTime::now());
        assert_eq!(left(&folder), ["new.so"]);
        used_now(&folder.path().join("new.so"));
        prune(folder.path(), AMPLE, SystemTime::now() + UNUSED / 2);
        assert_eq!(left(&folder), ["new.so"]);
    }

    #[test]
    fn the_least_recently_used_go_until_the_rest_is_within_the_bound() {
        let files = [("a", 50), ("b", 40), ("c", 30), ("d", 20)];
        let by_number = folder(&files);
        prune(by_number.path(), Bound { files: 3, ..AMPLE }, SystemTime::now());
        assert_eq!(left(&by_number), ["b", "c", "d"]);
        let by_bytes = folder(&files);
        prune(by_bytes.path(), Bound { bytes: 29, ..AMPLE }, SystemTime::now());
        assert_eq!(left(&by_bytes), ["c", "d"]);
        let with_room = folder(&files);
        used_now(&with_room.path().join("a"));
        prune(with_room.path(), Bound { files: 4, bytes: 40 }.less(10), SystemTime::now());
        assert_eq!(left(&with_room), ["a", "c", "d"]);
    }

    #[test]
    fn what_somebody_is_about_to_open_stays() {
        let none = Bound { files: 0, bytes: 0 };
        let folder = folder(&[("free", 50), ("held", 40), ("just made", 0)]);
        let held = hold(&folder.path().join("held")).unwrap();
        prune(folder.path(), none, SystemTime::now());
        assert_eq!(left(&folder), ["held", "just made"]);
        drop(held);
        prune(folder.path(), none, SystemTime::now());
        assert_eq!(left(&folder), ["just made"]);
        prune(folder.path(), none, SystemTime::now() + 2 * IN_USE);
        assert!(left(&folder).is_empty());
        assert!(hold(&folder.path().join("held")).is_none());
    }

    #[test]
    fn what_was_left_half_written_is_removed_after_an_hour() {
        let folder = folder(&[(".tmpAbCd", 61), ("code.7.tmp", 61), (".tmpEfGh", 59)]);
        prune(folder.path(), Bound { files: 0, bytes: 0 }, SystemTime::now());
        assert_eq!(left(&folder), [".tmpEfGh"]);
    }

    #[test]
    fn a_full_disk_has_a_remedy() {
        let folder = Path::new("/cache/native");
        let said = cannot_write(folder, &folder.join("a.so"), &io::Error::from(io::ErrorKind::StorageFull))
            .to_string();
        assert!(
            said.starts_with("`/cache/native/a.so`: it cannot be written: no storage space: free some space"),
            "{said}"
        );
        assert!(said.contains("remove `/cache/native`") && said.contains("XDG_CACHE_HOME"), "{said}");
        let other = cannot_write(folder, folder, &io::Error::other("broken")).to_string();
        assert_eq!(other, "`/cache/native`: it cannot be written: broken");
    }
}
