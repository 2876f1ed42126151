//! `codebench completions`.

use crate::Failure;
use crate::commands::Cli;
use clap::{Args, CommandFactory};
use clap_complete::Shell;
use std::io::Write;

/// Arguments of `codebench completions`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  codebench completions bash > ~/.local/share/bash-completion/completions/codebench
  codebench completions zsh > ~/.zfunc/_codebench
  codebench completions fish > ~/.config/fish/completions/codebench.fish")]
pub struct Arguments {
    /// The shell
    pub shell: Shell,
}

pub(super) fn run(arguments: &Arguments, out: &mut dyn Write) -> Result<(), Failure> {
    // The generator panics when its writer fails; a buffer does not.
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "codebench", &mut script);
    Ok(out.write_all(&script)?)
}
