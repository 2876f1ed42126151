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

/// Writes `path`, which lies in `folder`, whole or not at all, whoever else writes it.
pub(crate) fn write_whole(folder: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
    temporary.write_all(bytes)?;
    temporary.persist(path)?;
    Ok(())
}
