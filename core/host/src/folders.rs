//! Where codebench keeps files of its own.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Trusted files and installed plugins: `$XDG_DATA_HOME/codebench`, else `~/.local/share/codebench`; on Windows
/// `%APPDATA%\codebench`. `None` where the environment names no home.
pub fn data_folder() -> Option<PathBuf> {
    user_folder("XDG_DATA_HOME", "APPDATA", &[".local", "share"])
}

/// What can be made again, such as compiled code: `$XDG_CACHE_HOME/codebench`, else `~/.cache/codebench`; on Windows
/// `%LOCALAPPDATA%\codebench`. `None` where the environment names no home.
pub fn cache_folder() -> Option<PathBuf> {
    user_folder("XDG_CACHE_HOME", "LOCALAPPDATA", &[".cache"])
}

fn user_folder(xdg: &str, windows: &str, below_home: &[&str]) -> Option<PathBuf> {
    // The XDG standard says that relative paths are to be ignored.
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
    let home = || {
        let mut path = absolute("HOME")?;
        path.extend(below_home);
        Some(path)
    };
    let base = absolute(xdg);
    let base = if cfg!(windows) { base.or_else(|| absolute(windows)) } else { base.or_else(home) };
    Some(base?.join("codebench"))
}

/// Makes a folder that only the user can enter; one that is there is left as it is.
pub(crate) fn create_private(folder: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Makes `folder` for the user alone, or checks that it is: whoever else can write there can put code there.
///
/// # Errors
/// A folder that cannot be made, or that belongs to somebody else or can be entered by others.
#[cfg(unix)]
pub(crate) fn make_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    create_private(folder)?;
    let metadata = std::fs::symlink_metadata(folder)?;
    if !metadata.is_dir() {
        return Err(io::Error::other("it is no folder: remove it"));
    }
    if metadata.mode() & 0o077 != 0 {
        let mode = metadata.mode() & 0o777;
        return Err(io::Error::other(format!(
            "others may enter it (mode {mode:04o}), and what is in it may be theirs: remove it"
        )));
    }
    // A file that this process makes belongs to it: the owner of the folder must be the same.
    let probe = tempfile::NamedTempFile::new_in(folder)?;
    match probe.as_file().metadata()?.uid() == metadata.uid() {
        true => Ok(()),
        false => Err(io::Error::other("it belongs to somebody else: remove it")),
    }
}

/// Elsewhere the user's folders are private by the system's defaults.
#[cfg(not(unix))]
pub(crate) fn make_private(folder: &Path) -> io::Result<()> {
    create_private(folder)
}

/// Writes `path`, which lies in `folder`, whole or not at all, whoever else writes it.
pub(crate) fn write_whole(folder: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
    temporary.write_all(bytes)?;
    temporary.persist(path)?;
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_folder_that_others_may_enter_is_not_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("native");
        assert!(make_private(&path).is_ok() && make_private(&path).is_ok());
        for mode in [0o777, 0o755, 0o710] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let refused = make_private(&path).unwrap_err().to_string();
            assert_eq!(
                refused,
                format!("others may enter it (mode {mode:04o}), and what is in it may be theirs: remove it")
            );
        }
        let link = folder.path().join("link");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(make_private(&link).unwrap_err().to_string().contains("no folder"));
        assert_eq!(std::fs::read_dir(&path).unwrap().count(), 0);
    }
}
