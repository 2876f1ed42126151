//! Which plugins there are: the built-in ones, and those of files that the command line, the experiment or the user's folder
//! names.

use crate::{Failure, OrFail};
use clap::Args;
use codebench_api::Catalog;
use codebench_host::native::Checker;
use codebench_host::{HostError, LoadRequest, Loaded, NamedFile, PluginFile, PluginsTable};
use codebench_search::ExperimentError;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The hidden subcommand with which this program looks at native libraries, in a process of its own.
pub const LOOK: [&str; 2] = ["plugin", "look-at"];

/// Options of every command that reads the catalogue.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Plugins")]
pub struct PluginArguments {
    /// Load the plugins of this file, or of the files in this folder; may be given several times
    #[arg(long = "plugin", value_name = "PATH", global = true)]
    pub plugin_files: Vec<PathBuf>,
    /// Load native libraries without asking: they run with all your rights
    #[arg(long, global = true)]
    pub allow_native: bool,
}

/// What the command line said; nothing where this crate is used as a library.
static ARGUMENTS: OnceLock<PluginArguments> = OnceLock::new();

/// Says once, before any command runs, what the command line said.
pub(crate) fn set(arguments: &PluginArguments) {
    // A second command line in one process changes nothing.
    let _ = ARGUMENTS.set(arguments.clone());
}

/// The built-in plugins and those that the command line and the user's folder name. A file of the folder that is refused
/// is left out with a note on standard error.
///
/// # Errors
/// A file that the command line names and that is refused; two plugins that contradict each other.
pub(crate) fn catalog(built_in: Catalog) -> Result<Catalog, Failure> {
    let loaded = load(built_in, PluginsTable::default())?;
    note(&loaded);
    Ok(loaded.catalog)
}

/// [`catalog`], and the plugins that the table `[plugins]` of an experiment names, relative to its folder.
///
/// # Errors
/// As [`catalog`], and a table that is malformed or names a file that is refused, each at its place. A file that cannot be read or
/// is no TOML is left to whoever reads it.
pub(crate) fn catalog_for(built_in: Catalog, experiment: &Path) -> Result<Catalog, Failure> {
    let (name, text) = (experiment.display().to_string(), text_of(experiment));
    let mut table =
        PluginsTable::of_experiment(&text).map_err(|e| ExperimentError::of_toml(&name, &text, &e)).usage()?;
    let folder = experiment.parent().unwrap_or(Path::new(""));
    table.file.iter_mut().for_each(|file| file.path = folder.join(&file.path));
    let loaded = match loaded(built_in, table.clone())? {
        Ok(loaded) => loaded,
        Err(error) => {
            // A folder stands for the files in it.
            let refused = error.plugin_file().unwrap_or(Path::new(""));
            return match table.file.iter().find(|file| refused.starts_with(&file.path)) {
                Some(file) => {
                    Err(ExperimentError::at(&name, &text, file.place_of(&error), error.to_string())).usage()
                }
                None => Err(failure_of(error)),
            };
        }
    };
    note(&loaded);
    Ok(loaded.catalog)
}

/// [`catalog`], and the plugins of `file`, as if an experiment named it.
///
/// # Errors
/// As [`catalog`], and a file that is refused.
pub(crate) fn catalog_and(built_in: Catalog, file: PluginFile) -> Result<Catalog, Failure> {
    let table = PluginsTable { file: vec![file], ..PluginsTable::default() };
    let loaded = load(built_in, table)?;
    note(&loaded);
    Ok(loaded.catalog)
}

/// The built-in plugins and those of every file.
pub(crate) fn load(built_in: Catalog, table: PluginsTable) -> Result<Loaded, Failure> {
    loaded(built_in, table)?.map_err(failure_of)
}

/// A full disk is no mistake of the user's.
fn failure_of(error: HostError) -> Failure {
    match error.is_of_own_files() {
        true => Failure::Failed(error.into()),
        false => Failure::Usage(error.into()),
    }
}

/// What came of it, apart from what keeps this program from trying.
fn loaded(built_in: Catalog, table: PluginsTable) -> Result<Result<Loaded, HostError>, Failure> {
    let Some(arguments) = ARGUMENTS.get() else {
        return Ok(Ok(Loaded { catalog: built_in, refused: Vec::new() }));
    };
    let of_table = table.file.into_iter().map(|file| NamedFile { file, allow_native: table.allow_native });
    let of_arguments = arguments
        .plugin_files
        .iter()
        .map(|path| NamedFile { file: PluginFile::at(path), allow_native: false });
    let request = LoadRequest {
        named: of_table.chain(of_arguments).collect(),
        discover: true,
        allow_native: arguments.allow_native,
        checker: Checker::this_program(&LOOK).failure()?,
    };
    Ok(codebench_host::load(built_in, &request))
}

fn note(loaded: &Loaded) {
    for refused in &loaded.refused {
        // Nothing is left to do if standard error is closed.
        let _ = writeln!(std::io::stderr(), "note: {}; it is left out", refused.error);
    }
}

/// The experiment's text; empty if it cannot be read or is longer than an experiment may be.
fn text_of(experiment: &Path) -> String {
    const MAX_BYTES: u64 = 16 << 20;
    let small = std::fs::metadata(experiment).is_ok_and(|m| m.is_file() && m.len() <= MAX_BYTES);
    if small { std::fs::read_to_string(experiment).unwrap_or_default() } else { String::new() }
}
