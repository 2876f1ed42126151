//! The files that the user trusts, by hash.

use crate::native::Checker;
use crate::{HostError, ReadFile, data_folder};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;

/// Hashes of trusted files with the paths under which they were trusted: the file `trusted` in
/// [`data_folder`], lines as `sha256sum` writes them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trust {
    files: BTreeMap<String, String>,
}

impl Trust {
    /// What is stored; nothing if there is no such file or no home.
    ///
    /// # Errors
    /// A file that cannot be read or has a malformed line.
    pub fn read() -> Result<Trust, HostError> {
        let Some(path) = data_folder().map(|folder| folder.join("trusted")) else {
            return Ok(Trust::default());
        };
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Trust::default()),
            Err(e) => return Err(HostError::OwnFile { path, reason: e.to_string() }),
        };
        let line = |(number, line): (usize, &str)| match line.split_once("  ") {
            Some((sha256, file)) if is_sha256(sha256) => Ok((sha256.to_owned(), file.to_owned())),
            _ => Err(HostError::OwnFile {
                path: path.clone(),
                reason: format!("line {} is malformed: write `SHA256  FILE`, or remove it", number + 1),
            }),
        };
        let files = text.lines().enumerate().map(line).collect::<Result<_, _>>()?;
        Ok(Trust { files })
    }

    /// Whether a file with this hash is trusted.
    pub fn has(&self, sha256: &str) -> bool {
        self.files.contains_key(sha256)
    }

    /// Trusts `file` and stores it. Answers whether it was not trusted before.
    ///
    /// # Errors
    /// A data folder that cannot be written, or an environment that names none.
    pub fn add(&mut self, file: &ReadFile) -> Result<bool, HostError> {
        let path = std::path::absolute(&file.path).unwrap_or_else(|_| file.path.clone());
        // A line break would end the line.
        let path = path.display().to_string().replace('\n', " ");
        self.change(|files| files.insert(file.sha256.clone(), path).is_none())
    }

    /// Trusts the file with this hash no longer. Answers whether it was trusted before.
    ///
    /// # Errors
    /// As [`Trust::add`].
    pub fn remove(&mut self, sha256: &str) -> Result<bool, HostError> {
        let was = self.change(|files| files.remove(sha256).is_some())?;
        if was {
            Checker::forget(sha256);
        }
        Ok(was)
    }

    /// Changes what is stored, whoever else has changed it meanwhile, while nobody else does.
    fn change<T>(&mut self, change: impl FnOnce(&mut BTreeMap<String, String>) -> T) -> Result<T, HostError> {
        let folder = data_folder().ok_or_else(|| HostError::OwnFile {
            path: PathBuf::from("~/.local/share/codebench/trusted"),
            reason: "there is no home folder to remember trusted files in: set HOME or XDG_DATA_HOME".into(),
        })?;
        let path = folder.join("trusted");
        let failed = |e: std::io::Error| HostError::OwnFile { path: path.clone(), reason: e.to_string() };
        crate::folders::create_private(&folder).map_err(failed)?;
        // Held until it is closed.
        let lock = File::create(folder.join("trusted.lock")).map_err(failed)?;
        lock.lock().map_err(failed)?;
        *self = Trust::read()?;
        let changed = change(&mut self.files);
        let text: String = self.files.iter().map(|(sha256, file)| format!("{sha256}  {file}\n")).collect();
        crate::folders::write_whole(&folder, &path, text.as_bytes()).map_err(failed)?;
        Ok(changed)
    }
}

/// 64 lower-case hexadecimal digits.
pub fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}
