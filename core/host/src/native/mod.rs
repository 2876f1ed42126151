//! Native libraries: code of the user's own rights, loaded by consent.
//!
//! A file is copied from memory into a private folder, looked at once by a child process, opened, and asked for its
//! manifest; only then is anything of `abi_stable` touched. It is never unloaded.

#![allow(unsafe_code)]

mod checked;
mod parent;
mod private_copy;
mod process;
mod smoke;
mod watch;
mod watched;

pub use parent::{end_with_parent, ends_with_parent};
pub use process::kill_group;
pub use smoke::{Checker, check_in_this_process};
pub(crate) use watched::watched;

use crate::text::check_description;
use crate::{FileFormat, HostError, ReadFile};
use codebench_abi::{
    MANIFEST_SYMBOL, Manifest, ManifestHeader, OpenError, contract_version, plugins_of, symbol_of,
};
use codebench_api::{Entry, Form, Kind};
use libloading::Library;
use std::path::Path;
use std::time::Duration;
use watch::Watched;

/// The plugins of `file`, whose author the user trusts, loaded from a copy below [`cache_folder`](crate::cache_folder). On the first
/// load of a file by this version of codebench, `checker` looks at it in a process of its own. A call may take `wall_s` seconds; if
/// that is `None`, [`CALL_S`] for kinds whose calls are short, and for ever for the others.
///
/// # Errors
/// A file that is no plugin library, was built for another contract, or does not survive the look of the checker; a copy that cannot
/// be written.
pub fn load(file: &ReadFile, checker: &Checker, wall_s: Option<f64>) -> Result<Vec<Entry>, HostError> {
    load_with(file, checker, wall_s, &private_copy::users_folder()?)
}

/// [`load`] with the copy in the folder `copies`.
///
/// # Errors
/// As [`load`].
pub fn load_with(
    file: &ReadFile,
    checker: &Checker,
    wall_s: Option<f64>,
    copies: &Path,
) -> Result<Vec<Entry>, HostError> {
    look_like_a_library(file)?;
    let copy = private_copy::of(file, copies)?;
    if let Err(refused) = checker.check_once(file, &copy.path, copies) {
        copy.remove_unless_held();
        return Err(refused);
    }
    open(file, &copy.path, wall_s)
}

/// Seconds that a call of a cnn-op, an accel-module or a memory may take.
pub const CALL_S: f64 = 60.0;

/// How long a call of a plugin of `kind` may take.
fn call_limit(kind: Kind, wall_s: Option<f64>) -> Option<Duration> {
    let is_short = matches!(kind, Kind::CnnOp | Kind::AccelModule | Kind::Memory);
    wall_s.or(is_short.then_some(CALL_S)).and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
}

fn look_like_a_library(file: &ReadFile) -> Result<(), HostError> {
    match file.format {
        FileFormat::Native => Ok(()),
        FileFormat::Precompiled => Err(file.refused(
            "it is code that a WebAssembly runtime compiled earlier, which nobody can check: give the component itself",
        )),
        FileFormat::Wasm | FileFormat::Unknown => {
            Err(file.refused("it is no library of this platform: give a .so, .dylib or .dll file"))
        }
    }
}

/// The plugins of the library `copy`, which holds the bytes of `file`.
fn open(file: &ReadFile, copy: &Path, wall_s: Option<f64>) -> Result<Vec<Entry>, HostError> {
    // SAFETY: opening runs the library's initialisers; the user has consented to running its code.
    let library = unsafe { Library::new(copy) }.map_err(|e| {
        let said = without_path(&e, copy);
        // What the system says of a disk that is mounted `noexec`.
        match said.contains("failed to map segment") {
            true => file.refused(format!(
                "its private copy in the cache folder may not run ({said}): set XDG_CACHE_HOME to a folder on a disk from which programs run"
            )),
            false => file.refused(format!("it is no library of this platform: {said}")),
        }
    })?;
    // abi_stable keeps references into a library for ever, and so do we.
    let library: &'static Library = Box::leak(Box::new(library));
    // SAFETY: `read` checks what the symbol is before it uses it.
    let manifest = unsafe { Manifest::read(symbol::<ManifestHeader>(file, library, MANIFEST_SYMBOL)?) };
    let manifest = manifest.map_err(|e| file.refused(e.to_string()))?;
    check_manifest(file, &manifest)?;
    let mut entries = Vec::new();
    for (&kind, &version) in &manifest.contracts {
        let ours = contract_version(kind).ok_or_else(|| built_in_only(file, kind))?;
        if !ours.is_compatible(version) {
            return Err(file.refused(OpenError::Contract { kind, theirs: version, ours }.to_string()));
        }
        let name = symbol_of(kind).ok_or_else(|| built_in_only(file, kind))?;
        let header = symbol::<()>(file, library, name)?;
        // SAFETY: the manifest says that the file was made by the SDK, whose macro exports such a header by this name.
        let plugins =
            unsafe { plugins_of(kind, version, header) }.map_err(|e| file.refused(e.to_string()))?;
        for (info, maker) in plugins {
            check_description(&info).map_err(|reason| file.refused(reason))?;
            entries.push(Entry {
                maker: checked::maker(maker, Watched::new(&info.id, call_limit(kind, wall_s))),
                info,
                source: file.path.display().to_string(),
                form: Form::Native,
                sha256: Some(file.sha256.clone()),
            });
        }
    }
    same_as_manifest(file, &manifest, &entries)?;
    Ok(entries)
}

/// The address of a symbol.
fn symbol<T>(file: &ReadFile, library: &Library, name: &str) -> Result<*const T, HostError> {
    // SAFETY: the address is only taken here; whoever reads it says why it may.
    let address = unsafe { library.get::<*const T>(name.as_bytes()) };
    address.map(|found| (*found).cast()).map_err(|_| {
        file.refused(format!(
            "it has no symbol `{name}`: it is no codebench plugin; build it with the SDK's `export!` in a crate of type cdylib"
        ))
    })
}

fn check_manifest(file: &ReadFile, manifest: &Manifest) -> Result<(), HostError> {
    if manifest.panic != "unwind" {
        return Err(file.refused(format!(
            "it was built with `panic = \"{}\"`, so that a mistake in it would end the run: build it with `panic = \"unwind\"`",
            manifest.panic
        )));
    }
    if manifest.plugins.is_empty() {
        return Err(file.refused("it has no plugins: list them with the SDK's `plugins!`"));
    }
    for plugin in &manifest.plugins {
        if contract_version(plugin.kind).is_none() {
            return Err(built_in_only(file, plugin.kind));
        }
        if !manifest.contracts.contains_key(&plugin.kind) {
            return Err(file.refused(format!(
                "its manifest gives no contract version for kind {} of plugin `{}`: build it with the SDK's `export!`",
                plugin.kind, plugin.id
            )));
        }
    }
    Ok(())
}

fn built_in_only(file: &ReadFile, kind: Kind) -> HostError {
    file.refused(format!("it has a plugin of kind {kind}, which exists built in only: leave it out, or build it into a program of your own"))
}

/// What the manifest announced is what is there.
fn same_as_manifest(file: &ReadFile, manifest: &Manifest, entries: &[Entry]) -> Result<(), HostError> {
    let mut announced: Vec<(&str, Kind)> = manifest.plugins.iter().map(|p| (p.id.as_str(), p.kind)).collect();
    let mut found: Vec<(&str, Kind)> = entries.iter().map(|e| (e.info.id.as_str(), e.kind())).collect();
    announced.sort_unstable();
    found.sort_unstable();
    if announced == found {
        return Ok(());
    }
    let list = |plugins: &[(&str, Kind)]| {
        plugins.iter().map(|(id, kind)| format!("{id} ({kind})")).collect::<Vec<_>>().join(", ")
    };
    Err(file.refused(format!(
        "its manifest announces {}, but it has {}: build it with the SDK's `export!`",
        list(&announced),
        list(&found)
    )))
}

/// What the system's loader says, without the name of the private copy.
fn without_path(error: &libloading::Error, copy: &Path) -> String {
    let source = std::error::Error::source(error).map(ToString::to_string);
    let text = source.unwrap_or_else(|| error.to_string());
    text.replace(&format!("{}: ", copy.display()), "")
}
