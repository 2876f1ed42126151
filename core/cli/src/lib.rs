//! The command `codebench`: parses arguments, calls the crates that do the work, and says what came of it.
//!
//! Exit status: 0 ok, 1 a failure, 2 a mistake of the user's (arguments or files), 130 stopped by Ctrl-C.

pub mod accelerator_input;
mod check;
pub mod cnn_input;
pub mod commands;
mod distinct;
pub mod failure;
pub mod input;
pub mod interrupt;
pub mod jobs;
mod numbers;
pub mod plugins;
pub mod progress;
mod readable;
pub mod simulators;
pub mod summary;
pub mod table;
mod target;

pub use failure::{Failure, OrFail};

use clap::Parser;
use codebench_api::Catalog;
use codebench_host::Host;
use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

/// Every plugin that the command may use: the built-in ones, and those of files that the command line and the user's folder
/// name.
///
/// # Errors
/// As [`built_in`], and a file that the command line names and that is refused.
pub fn catalog() -> Result<Catalog, Failure> {
    plugins::catalog(built_in()?)
}

/// Every plugin of this program: those of the built-in crates and those of core.
///
/// # Errors
/// Two plugins that contradict each other, or one that is linked but not registered.
pub fn built_in() -> Result<Catalog, Failure> {
    let mut crates = codebench_builtin::crates();
    crates.extend([codebench_search::PLUGINS, codebench_sim::PLUGINS]);
    Host::linked(&crates).failure()
}

/// Parses `arguments` (the program's name first), runs the command and says on standard error what went wrong.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    failure::install_panic_hook();
    let cli = match commands::Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            let printed = error.print().and_then(|()| std::io::stdout().flush());
            if error.use_stderr() {
                return ExitCode::from(failure::USAGE);
            }
            return end(printed.map_err(Failure::from));
        }
    };
    plugins::set(&cli.plugins);
    let run = std::panic::catch_unwind(|| {
        let mut out = std::io::BufWriter::new(std::io::stdout().lock());
        commands::run(&cli.command, &mut out).and_then(|()| Ok(out.flush()?))
    });
    // A panic has been reported by the hook.
    end(run.unwrap_or(Err(Failure::Reported)))
}

/// Says what went wrong, if anything did, and ends with its status.
fn end(result: Result<(), Failure>) -> ExitCode {
    if let Err(failure) = &result
        && let Some(text) = failure.text()
    {
        // Nothing is left to do if standard error is closed.
        let _ = std::io::stderr().write_all(text.as_bytes());
    }
    ExitCode::from(result.map_or_else(|f| f.status(), |()| 0))
}
