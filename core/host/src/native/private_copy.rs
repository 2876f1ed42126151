//! A library is loaded from a copy of the bytes that were hashed, in a folder that only the user can write.

use crate::kept::{Bound, cannot_write, hold, prune, remove_unheld, used_now};
use crate::{HostError, ReadFile, cache_folder};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// How much the folder may hold: copies, and a note on each that was looked at.
const BOUND: Bound = Bound { files: 256, bytes: 512 << 20 };

/// Room for the note on a copy.
const NOTE_BYTES: u64 = 64;

/// A copy that nobody removes while this is there.
pub(super) struct Copy {
    pub(super) path: PathBuf,
    _held: Option<File>,
}

impl Copy {
    /// Removes a copy that this process will not load, unless another process holds it.
    pub(super) fn remove_unless_held(self) {
        let path = self.path.clone();
        drop(self);
        remove_unheld(&path);
    }
}

/// The folder of copies of the user who runs this.
pub(super) fn users_folder() -> Result<PathBuf, HostError> {
    let folder = cache_folder().ok_or_else(|| HostError::OwnFile {
        path: PathBuf::from("~/.cache/codebench"),
        reason: "there is no home folder to keep copies of native libraries in: set HOME or XDG_CACHE_HOME"
            .into(),
    })?;
    Ok(folder.join("native"))
}

/// The copy of `file` in `folder`, named by its hash. One that is there is compared byte for byte. The folder is made, for the user
/// alone, if it is not there, and is not used if others may enter it: they could put other bytes under the name of a copy that was
/// just compared.
pub(super) fn of(file: &ReadFile, folder: &Path) -> Result<Copy, HostError> {
    crate::folders::make_private(folder).map_err(|e| match e.kind() {
        ErrorKind::Other => HostError::OwnFile { path: folder.to_owned(), reason: e.to_string() },
        _ => cannot_write(folder, folder, &e),
    })?;
    let path = folder.join(format!("{}{}", file.sha256, std::env::consts::DLL_SUFFIX));
    let mut held = hold(&path);
    if !holds(&path, &file.bytes).is_ok_and(|same| same) {
        prune(folder, BOUND.less(file.bytes.len() as u64).less(NOTE_BYTES), SystemTime::now());
        crate::folders::write_whole(folder, &path, &file.bytes)
            .map_err(|e| cannot_write(folder, &path, &e))?;
        held = hold(&path);
    }
    used_now(&path);
    used_now(&note(folder, &file.sha256));
    Ok(Copy { path, _held: held })
}

/// The file that says which version of codebench has looked at a copy.
pub(super) fn note(folder: &Path, sha256: &str) -> PathBuf {
    folder.join(format!("{sha256}.checked"))
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
    fn a_folder_of_copies_stays_within_its_bound() {
        let folder = tempfile::tempdir().unwrap();
        let library = |i: u32| {
            let path = folder.path().join("library.so");
            std::fs::write(&path, format!("\x7fELF\u{2}\u{1}\u{1}\0 {i}")).unwrap();
            ReadFile::read(&path, None).unwrap()
        };
        let copies = folder.path().join("native");
        let first = of(&library(0), &copies).unwrap();
        for i in 1..=BOUND.files as u32 + 20 {
            let copy = of(&library(i), &copies).unwrap();
            let then =
                SystemTime::now() - crate::kept::IN_USE - std::time::Duration::from_secs(3600 - u64::from(i));
            File::options().append(true).open(&copy.path).unwrap().set_modified(then).unwrap();
        }
        // The first was used last, and is held besides.
        assert!(first.path.exists());
        // Room is kept for one note.
        assert_eq!(std::fs::read_dir(&copies).unwrap().count(), BOUND.files - 1);
    }
}
