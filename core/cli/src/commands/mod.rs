//! The subcommands, one file each: its arguments with their help, and what it does.

pub mod cnn;
pub mod compare;
pub mod completions;
pub mod distance;
mod generated;
pub mod pack;
pub mod plugin;
pub mod plugin_check;
mod plugin_new;
mod plugin_trust;
pub mod run;
pub mod simulate;
pub mod space;
pub mod train;
pub mod tune;

use crate::Failure;
use crate::plugins::PluginArguments;
use clap::{Parser, Subcommand};
use std::io::Write;

/// Finds the best convolutional network and the best accelerator to run it on, together.
#[derive(Debug, Parser)]
#[command(name = "codebench", bin_name = "codebench", version, max_term_width = 100, after_help = EXAMPLES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Which plugins there are.
    #[command(flatten)]
    pub plugins: PluginArguments,
}

const EXAMPLES: &str = "\
Examples:
  codebench run examples/quickstart.toml
  codebench compare examples/table.toml --strategies random,tpe,local-search
  codebench simulate --cnn published/resnet18 --accelerator 2,16,8,4,8,3,3,1,12,24,4,1,1
  codebench train --cnn examples/cnns/three-convolutions.toml --data fashion-mnist --recipe epochs=5
  codebench tune examples/tune.toml
  codebench cnn show published/resnet18
  codebench space count examples/spaces/accelbench.toml
  codebench plugin list
  codebench completions bash > ~/.local/share/bash-completion/completions/codebench

`codebench COMMAND --help` shows the options and examples of a command.
Exit status: 0 ok, 1 failure, 2 wrong arguments or files, 130 stopped by Ctrl-C.";

/// A subcommand.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Search for the best pair of CNN and accelerator, as an experiment file says
    Run(run::Arguments),
    /// Compare strategies on one experiment: same seeds, same budgets, with tests and plots
    Compare(compare::Arguments),
    /// Simulate a CNN on an accelerator: cycles, latency, energy, area
    Simulate(simulate::Arguments),
    /// Train one CNN on one data set and write its weights
    Train(train::Arguments),
    /// Find the best recipe for training a CNN, by successive halving or random search
    Tune(tune::Arguments),
    /// Networks and CNN files: list, show, hash, count
    #[command(subcommand)]
    Cnn(cnn::Command),
    /// Search spaces: count, sample, show
    #[command(subcommand)]
    Space(space::Command),
    /// List and describe plugins
    #[command(subcommand)]
    Plugin(plugin::Command),
    /// Print a completion script for a shell
    Completions(completions::Arguments),
}

/// Runs one command; what it answers goes to `out`.
pub(crate) fn run(command: &Command, out: &mut dyn Write) -> Result<(), Failure> {
    match command {
        Command::Run(arguments) => run::run(arguments, out),
        Command::Compare(arguments) => compare::run(arguments, out),
        Command::Simulate(arguments) => simulate::run(arguments, out),
        Command::Train(arguments) => train::run(arguments, out),
        Command::Tune(arguments) => tune::run(arguments, out),
        Command::Cnn(command) => cnn::run(command, out),
        Command::Space(command) => space::run(command, out),
        Command::Plugin(command) => plugin::run(command, out),
        Command::Completions(arguments) => completions::run(arguments, out),
    }
}
