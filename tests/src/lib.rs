//! End-to-end tests live in `tests/`; this library holds their helpers.

use std::path::{Path, PathBuf};

/// The root of the repository.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// Compares `actual` with the file `tests/golden/NAME`; with `BLESS=1` in the environment, writes the file instead.
///
/// # Panics
/// If they differ, showing the first line that does.
#[allow(clippy::panic)]
pub fn assert_golden(name: &str, actual: &str) {
    assert_file(&Path::new("tests/golden").join(name), actual);
}

/// [`assert_golden`] for any file of the repository, its path relative to the root.
///
/// # Panics
/// If they differ, showing the first line that does.
#[allow(clippy::panic)]
pub fn assert_file(relative: &Path, actual: &str) {
    let path = root().join(relative);
    if std::env::var_os("BLESS").is_some() {
        let written = path.parent().map_or(Ok(()), std::fs::create_dir_all);
        if let Err(e) = written.and_then(|()| std::fs::write(&path, actual)) {
            panic!("cannot write {}: {e}", path.display());
        }
        return;
    }
    let name = relative.display();
    let expected = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(e) => panic!("cannot read {name}: {e}; BLESS=1 writes it"),
    };
    if expected == actual {
        return;
    }
    let line = expected.lines().zip(actual.lines()).take_while(|(e, a)| e == a).count();
    panic!(
        "{name} differs from line {} on (BLESS=1 accepts the actual text)\n  expected: {}\n  actual:   {}\n\nactual text:\n{actual}",
        line + 1,
        expected.lines().nth(line).unwrap_or("<end>"),
        actual.lines().nth(line).unwrap_or("<end>"),
    );
}
