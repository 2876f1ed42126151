//! `codebench plugin pack`: from a core module to a component.

use crate::Failure;
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
    write(&path, &component)?;
    // What was made is loaded at once, so that a mistake shows here and not in the first experiment.
    let made = ReadFile::read(&path, None).map_err(usage)?;
    let entries = load(&made, &WasmLimits::default()).map_err(usage)?;
    writeln!(out, "wrote {} ({} bytes)", path.display(), component.len())?;
    for entry in entries {
        writeln!(out, "  {} {} {}", entry.kind(), entry.info.id, entry.info.version)?;
    }
    Ok(())
}

fn write(path: &Path, component: &[u8]) -> Result<(), Failure> {
    std::fs::write(path, component).map_err(|e| {
        Failure::of_usage(format!("{} cannot be written: {e}; give another place with -o", path.display()))
    })
}
