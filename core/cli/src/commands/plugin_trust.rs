//! `codebench plugin trust` and `untrust`: the user's consent to native libraries, by hash.

use crate::{Failure, OrFail};
use clap::Args;
use codebench_host::{FileFormat, ReadFile, Trust, is_sha256};
use std::io::Write;
use std::path::PathBuf;

/// Arguments of both.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  codebench plugin trust target/release/libmy_plugin.so
  codebench plugin untrust target/release/libmy_plugin.so

Trust is in the bytes of the file, by their SHA-256: a file that changes is asked about again. The hashes are kept in
the file `trusted` of the user's data folder; `untrust` takes a hash too.")]
pub struct Arguments {
    /// The library, or for untrust its SHA-256
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

pub(super) fn trust(arguments: &Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    let file = ReadFile::read(&arguments.file, None).usage()?;
    let path = file.path.display();
    match file.format {
        FileFormat::Native => {}
        FileFormat::Wasm => {
            return Err(Failure::of_usage(format!(
                "`{path}` is a WebAssembly plugin, which runs in a sandbox and needs no trust"
            )));
        }
        _ => {
            return Err(Failure::of_usage(format!(
                "`{path}` is no native library: there is nothing to trust"
            )));
        }
    }
    let new = Trust::read().and_then(|mut trust| trust.add(&file)).failure()?;
    let already = if new { "" } else { "already " };
    Ok(writeln!(out, "{already}trusted: {}  {path}", file.sha256)?)
}

pub(super) fn untrust(arguments: &Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    let sha256 = match arguments.file.to_str() {
        Some(text) if is_sha256(&text.to_lowercase()) => text.to_lowercase(),
        _ => ReadFile::read(&arguments.file, None).usage()?.sha256,
    };
    let was = Trust::read().and_then(|mut trust| trust.remove(&sha256)).failure()?;
    let never = if was { "no longer" } else { "was not" };
    Ok(writeln!(out, "{never} trusted: {sha256}  {}", arguments.file.display())?)
}
