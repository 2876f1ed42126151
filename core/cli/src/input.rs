//! Reading the user's files.

use crate::{Failure, OrFail};
use anyhow::Context;
use std::io::Read;
use std::path::Path;

/// Files of codebench are descriptions, not data: a larger one is a mistake.
const LIMIT_BYTES: u64 = 8 << 20;

/// The text of the file `path`.
///
/// # Errors
/// A file that cannot be read, is larger than 8 MB or is not UTF-8.
pub fn read_text(path: &Path) -> Result<String, Failure> {
    let name = path.display();
    let mut bytes = Vec::new();
    let read = std::fs::File::open(path).and_then(|f| f.take(LIMIT_BYTES + 1).read_to_end(&mut bytes));
    read.with_context(|| format!("cannot read `{name}`")).usage()?;
    if bytes.len() as u64 > LIMIT_BYTES {
        return Err(Failure::of_usage(format!("`{name}` is larger than 8 MB: give a description, not data")));
    }
    String::from_utf8(bytes).map_err(|e| {
        let valid = e.utf8_error().valid_up_to();
        Failure::of_usage(format!("`{name}` is not UTF-8 text: the byte at offset {valid} is invalid"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_file() {
        let missing = read_text(Path::new("no/such.toml")).unwrap_err();
        assert!(missing.text().unwrap().contains("cannot read `no/such.toml`"), "{missing:?}");
        assert_eq!(missing.status(), crate::failure::USAGE);
        let path = std::env::temp_dir().join(format!("codebench-input-{}", std::process::id()));
        std::fs::write(&path, b"ab\xff").unwrap();
        let binary = read_text(&path).unwrap_err();
        std::fs::remove_file(&path).unwrap();
        assert!(binary.text().unwrap().contains("offset 2"), "{binary:?}");
    }
}
