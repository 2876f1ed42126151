//! The command as the end-to-end tests run it: Cargo tells a test the paths of its own package's binaries only.

use std::process::ExitCode;

fn main() -> ExitCode {
    codebench::main(std::env::args_os())
}
