//! The command `codebench`.

use std::process::ExitCode;

fn main() -> ExitCode {
    codebench::main(std::env::args_os())
}
