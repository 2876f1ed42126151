//! A plugin file, read once: what is hashed is what is used.

use crate::HostError;
use crate::text::printable;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Largest file that is read at all.
const MAX_BYTES: u64 = 1 << 30;

/// What a file holds, by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileFormat {
    /// A shared library of some platform.
    Native,
    /// WebAssembly: a component or a core module.
    Wasm,
    /// Code that a WebAssembly runtime compiled earlier.
    Precompiled,
    /// Nothing that is known.
    Unknown,
}

impl FileFormat {
    fn of(bytes: &[u8]) -> FileFormat {
        /// The ABI byte with which wasmtime marks its ELF files.
        const WASMTIME: u8 = 200;
        const MACH_O: [[u8; 4]; 3] =
            [[0xcf, 0xfa, 0xed, 0xfe], [0xce, 0xfa, 0xed, 0xfe], [0xca, 0xfe, 0xba, 0xbe]];
        match bytes {
            [b'\0', b'a', b's', b'm', ..] => FileFormat::Wasm,
            [0x7f, b'E', b'L', b'F', _, _, _, WASMTIME, ..] => FileFormat::Precompiled,
            [0x7f, b'E', b'L', b'F', ..] | [b'M', b'Z', ..] => FileFormat::Native,
            _ if MACH_O.iter().any(|magic| bytes.starts_with(magic)) => FileFormat::Native,
            _ => FileFormat::Unknown,
        }
    }
}

/// A plugin file in memory. Whoever loads it uses these bytes and never the path again, so that a file swapped after its
/// pin was checked is not used.
#[derive(Debug, Clone)]
pub struct ReadFile {
    /// Where it was read from, as the user wrote it.
    pub path: PathBuf,
    /// All of it.
    pub bytes: Vec<u8>,
    /// SHA-256 of the bytes, 64 lower-case hexadecimal digits.
    pub sha256: String,
    /// What it holds.
    pub format: FileFormat,
}

impl ReadFile {
    /// Reads `path` and checks `pin`, a SHA-256 in hexadecimal digits.
    ///
    /// # Errors
    /// A file that cannot be read, is no regular file or is larger than 1 GiB; a malformed pin or one of another file.
    pub fn read(path: &Path, pin: Option<&str>) -> Result<ReadFile, HostError> {
        let bytes = bytes_of(path).map_err(|reason| HostError::Read { path: path.to_owned(), reason })?;
        let sha256 = sha256_of(&bytes);
        if let Some(pin) = pin {
            check(path, pin, &sha256)?;
        }
        Ok(ReadFile { path: path.to_owned(), format: FileFormat::of(&bytes), bytes, sha256 })
    }

    /// The refusal of this file.
    pub fn refused(&self, reason: impl Into<String>) -> HostError {
        // It may quote what the file says.
        HostError::Refused { path: self.path.clone(), reason: printable(&reason.into()) }
    }
}

fn bytes_of(path: &Path) -> Result<Vec<u8>, String> {
    // Before opening: a pipe would block.
    let metadata = std::fs::metadata(path).map_err(|e| e.to_string())?;
    if !metadata.is_file() {
        return Err("it is no regular file: give the library or the component itself".into());
    }
    let too_large = || format!("it has more than {MAX_BYTES} bytes, which is fixed: build it smaller");
    if metadata.len() > MAX_BYTES {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default());
    let file = File::open(path).map_err(|e| e.to_string())?;
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|e| e.to_string())?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(too_large());
    }
    Ok(bytes)
}

/// SHA-256 in lower-case hexadecimal digits.
pub(crate) fn sha256_of(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn check(path: &Path, pin: &str, actual: &str) -> Result<(), HostError> {
    let pinned = pin.to_ascii_lowercase();
    if pinned.len() != 64 || !pinned.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(HostError::MalformedPin { path: path.to_owned(), pin: pin.to_owned() });
    }
    if pinned != actual {
        return Err(HostError::PinMismatch { path: path.to_owned(), pinned, actual: actual.to_owned() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_the_bytes_and_pins_are_checked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("abc");
        std::fs::write(&path, "abc").unwrap();
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(ReadFile::read(&path, None).unwrap().sha256, sha256);
        assert!(ReadFile::read(&path, Some(&sha256.to_uppercase())).is_ok());
        let error = |pin| ReadFile::read(&path, Some(pin)).unwrap_err();
        assert!(matches!(error("12"), HostError::MalformedPin { .. }));
        assert!(matches!(error(&"0".repeat(64)), HostError::PinMismatch { .. }));
    }

    #[test]
    fn what_is_no_regular_file_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let error = |path: &Path| ReadFile::read(path, None).unwrap_err().to_string();
        assert!(error(folder.path()).ends_with("give the library or the component itself"));
        assert!(error(&folder.path().join("none")).contains("cannot be read"));
    }

    #[test]
    fn formats_are_told_by_their_first_bytes() {
        assert_eq!(FileFormat::of(b"\0asm\x0d\0\x01\0"), FileFormat::Wasm);
        assert_eq!(FileFormat::of(b"\x7fELF\x02\x01\x01\0"), FileFormat::Native);
        assert_eq!(FileFormat::of(b"\x7fELF\x02\x01\x01\xc8"), FileFormat::Precompiled);
        assert_eq!(FileFormat::of(b"#!/bin/sh"), FileFormat::Unknown);
        assert_eq!(FileFormat::of(b""), FileFormat::Unknown);
    }
}
