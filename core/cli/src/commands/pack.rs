//! `codebench plugin pack`: from a core module to a component.

use crate::{Failure, target};
use codebench_host::wasm::{WasmLimits, load, pack};
use codebench_host::{HostError, ReadFile};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Arguments of `codebench plugin pack`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The WebAssembly module that the compiler made
    file: PathBuf,
    /// Where the component goes; FILE with .component.wasm at its end if not given
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    let usage = |e: HostError| Failure::of_usage(e.to_string());
    let file = ReadFile::read(&arguments.file, None).map_err(usage)?;
    let component = pack(&file.bytes).map_err(|reason| usage(file.refused(reason)))?;
    let path = arguments.output.clone().unwrap_or_else(|| arguments.file.with_extension("component.wasm"));
    let path = target::regular(&path, "give the name of the component's file with -o")?;
    let unwritable = |e: &std::io::Error| {
        Failure::of_usage(format!("{} cannot be written: {e}; give another place with -o", path.display()))
    };
    let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    let made = written(folder, &component).map_err(|e| unwritable(&e))?;
    // What was made is loaded at once, so that a mistake shows here and not in the first experiment; only what is good stays.
    let read = ReadFile { path: path.clone(), ..ReadFile::read(made.path(), None).map_err(usage)? };
    let entries = load(&read, &WasmLimits::default()).map_err(usage)?;
    made.persist(&path).map_err(|e| unwritable(&e.error))?;
    writeln!(out, "wrote {} ({} bytes)", path.display(), component.len())?;
    for entry in entries {
        writeln!(out, "  {} {} {}", entry.kind(), entry.info.id, entry.info.version)?;
    }
    Ok(())
}

/// A file in `folder` that is removed unless it is kept, with the rights that the user's files have.
fn written(folder: &Path, component: &[u8]) -> std::io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.prefix(".packed").tempfile_in(folder)?;
    file.write_all(component)?;
    file.flush()?;
    Ok(file)
}
