//! Files that appear whole or not at all.

use codebench_sdk::prelude::PluginError;
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// Start and end of the names under which files are written, before they get their own.
const UNFINISHED: [&str; 2] = [".codebench-", ".part"];
/// An unfinished file that nobody has written to for so long is what a killed process left.
const LEFT: Duration = Duration::from_secs(24 * 60 * 60);

/// Puts `bytes` in the place of `path` at once, readable for whom the user's umask lets read; what stood there before still stands
/// there after an error. What killed processes left unfinished in the folder is removed, after a day.
///
/// # Errors
/// A folder that cannot be written, a full disk: with `what` the file is, and a remedy.
pub(crate) fn write_atomically(path: &Path, what: &str, bytes: &[u8]) -> Result<(), PluginError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    remove_left(folder, SystemTime::now());
    write(path, folder, bytes).map_err(|e| cannot_write(path, what, &e))
}

fn write(path: &Path, folder: &Path, bytes: &[u8]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(UNFINISHED[0]).suffix(UNFINISHED[1]);
    #[cfg(unix)]
    let everybody = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    #[cfg(unix)]
    builder.permissions(everybody);
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// Removes what was left unfinished in `folder` a day before `now`. What cannot be removed stays: it does no harm.
fn remove_left(folder: &Path, now: SystemTime) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if !name.starts_with(UNFINISHED[0]) || !name.ends_with(UNFINISHED[1]) {
            continue;
        }
        let written = entry.metadata().and_then(|metadata| metadata.modified());
        if written.is_ok_and(|at| now.duration_since(at).is_ok_and(|age| age > LEFT)) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn cannot_write(path: &Path, what: &str, error: &io::Error) -> PluginError {
    let remedy = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            ": free some space, or give a folder on another disk"
        }
        ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => ": give a folder that you can write",
        _ => "",
    };
    PluginError::failed(format!("cannot write {what} `{}`: {error}{remedy}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    #[test]
    fn what_kills_left_is_removed_after_a_day() {
        let folder = tempfile::tempdir().unwrap();
        let (path, now) = (folder.path().join("w"), SystemTime::now());
        let old = now - LEFT - Duration::from_secs(60);
        for (name, at) in [(".codebench-old.part", old), (".codebench-new.part", now), (".tmpold", old)] {
            let file = File::create(folder.path().join(name)).unwrap();
            file.set_modified(at).unwrap();
        }
        write_atomically(&path, "the file", b"one").unwrap();
        write_atomically(&path, "the file", b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        let entries = fs::read_dir(folder.path()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort_unstable();
        assert_eq!(names, [".codebench-new.part", ".tmpold", "w"]);
    }

    #[test]
    #[cfg(unix)]
    fn others_may_read_what_the_umask_lets_them() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let mode = |name: &str| fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
        File::create(folder.path().join("plain")).unwrap();
        write_atomically(&folder.path().join("whole"), "the file", b"one").unwrap();
        assert_eq!(mode("whole"), mode("plain"));
    }

    #[test]
    fn remedies_fit_the_error() {
        let said = |kind: ErrorKind| cannot_write(Path::new("w/x"), "the file", &kind.into()).message;
        assert_eq!(
            said(ErrorKind::QuotaExceeded),
            "cannot write the file `w/x`: quota exceeded: free some space, or give a folder on another disk"
        );
        assert_eq!(
            said(ErrorKind::PermissionDenied),
            "cannot write the file `w/x`: permission denied: give a folder that you can write"
        );
        assert_eq!(said(ErrorKind::NotADirectory), "cannot write the file `w/x`: not a directory");
    }
}
