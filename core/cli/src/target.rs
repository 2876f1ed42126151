//! Files that a command is told to write.

use crate::failure::Failure;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The file that is written: that of a link, and nothing that is there and no regular file. `remedy` says what to give instead.
pub(crate) fn regular(path: &Path, remedy: &str) -> Result<PathBuf, Failure> {
    match path.canonicalize() {
        Ok(path) if path.is_file() => Ok(path),
        Ok(_) => Err(Failure::of_usage(format!("{} is no regular file: {remedy}", path.display()))),
        // It is not there yet, or writing to it will say what is wrong.
        Err(_) => Ok(path.to_owned()),
    }
}

/// The same, where a file that is there is replaced only if it is of the same `kind`, as `is_kind` tells from its first bytes (nine at most).
pub(crate) fn of_kind(
    path: &Path,
    kind: &str,
    is_kind: impl Fn(&[u8]) -> bool,
    remedy: &str,
) -> Result<PathBuf, Failure> {
    let path = regular(path, remedy)?;
    let mut start = Vec::new();
    match File::open(&path).and_then(|file| file.take(9).read_to_end(&mut start)) {
        Ok(_) if start.is_empty() || is_kind(&start) => Ok(path),
        // Writing to it will say what is wrong.
        Err(_) if !path.exists() => Ok(path),
        Ok(_) => Err(Failure::of_usage(format!(
            "{} is there already and is no {kind}: it is not replaced; {remedy}, or remove it",
            path.display()
        ))),
        Err(e) => Err(Failure::of_usage(format!(
            "cannot read {}, which is there already: {e}; {remedy}",
            path.display()
        ))),
    }
}

/// Whether a file of safetensors begins so: the length of its header, and the header's brace.
pub(crate) fn is_safetensors(start: &[u8]) -> bool {
    start.len() == 9 && start[8] == b'{' && start[4..8] == [0; 4]
}

/// Whether an archive of NumPy arrays begins so: it is one of the ZIP format.
pub(crate) fn is_npz(start: &[u8]) -> bool {
    start.starts_with(b"PK")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused<T>(result: Result<T, Failure>) -> String {
        match result {
            Err(Failure::Usage(error)) => error.to_string(),
            _ => panic!("not refused"),
        }
    }

    #[test]
    fn only_files_of_the_kind_are_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let target = |name: &str| of_kind(&at(name), "checkpoint", is_safetensors, "give another name");
        std::fs::write(at("cnn.toml"), "modules = [\"conv3x3\"]").unwrap();
        std::fs::write(at("weights"), b"\x02\0\0\0\0\0\0\0{}").unwrap();
        std::fs::write(at("empty"), b"").unwrap();
        for name in ["weights", "empty", "new"] {
            assert!(target(name).is_ok_and(|path| path.ends_with(name)), "{name}");
        }
        let refused = |name: &str| refused(target(name));
        assert!(refused("cnn.toml").ends_with(
            "cnn.toml is there already and is no checkpoint: it is not replaced; give another name, or remove it"
        ));
        assert!(refused(".").ends_with(" is no regular file: give another name"), "{}", refused("."));
        assert!(is_npz(b"PK\x03\x04") && !is_npz(b"\x93NUMPY"));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_and_its_file_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        std::fs::write(&file, b"").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert_eq!(regular(&link, "").unwrap(), file.canonicalize().unwrap());
        assert_eq!(
            refused(regular(Path::new("/dev/null"), "give a file")),
            "/dev/null is no regular file: give a file"
        );
    }
}
