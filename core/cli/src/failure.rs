//! How a command ends when it does not end well.

use crate::readable::readable;
use std::io;

/// Exit status of a failure.
pub const FAILED: u8 = 1;
/// Exit status of a mistake in arguments or files.
pub const USAGE: u8 = 2;
/// Exit status after Ctrl-C.
pub const INTERRUPTED: u8 = 130;

/// Why a command did not end well.
#[derive(Debug)]
pub enum Failure {
    /// Arguments or files are wrong: the user can mend them.
    Usage(anyhow::Error),
    /// Something failed that was asked for rightly.
    Failed(anyhow::Error),
    /// Stopped by Ctrl-C.
    Interrupted,
    /// Whoever read our output has stopped reading; not an error of ours.
    OutputClosed,
    /// Already said on standard error.
    Reported,
}

impl Failure {
    /// A mistake of the user's, in one message.
    pub fn of_usage(message: impl Into<String>) -> Failure {
        Failure::Usage(anyhow::Error::msg(message.into()))
    }

    /// The exit status.
    pub fn status(&self) -> u8 {
        match self {
            Failure::Usage(_) => USAGE,
            Failure::Failed(_) | Failure::Reported => FAILED,
            Failure::Interrupted => INTERRUPTED,
            Failure::OutputClosed => 0,
        }
    }

    /// What to write on standard error, if anything.
    pub fn text(&self) -> Option<String> {
        match self {
            Failure::Usage(error) | Failure::Failed(error) => Some(readable(&block(error))),
            Failure::Interrupted | Failure::OutputClosed | Failure::Reported => None,
        }
    }
}

/// `error: ...`, then every cause that the lines before do not quote already.
fn block(error: &anyhow::Error) -> String {
    let mut text = String::from("error: ");
    for (i, cause) in error.chain().map(ToString::to_string).enumerate() {
        if i > 0 {
            if text.contains(cause.trim_end()) {
                continue;
            }
            text.push_str("  caused by: ");
        }
        text.push_str(cause.trim_end());
        text.push('\n');
    }
    text
}

/// Writing to standard output.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::OutputClosed,
            _ => Failure::Failed(anyhow::Error::new(error).context("cannot write to standard output")),
        }
    }
}

/// Says whose fault an error is.
pub trait OrFail<T> {
    /// The user can mend it: exit status 2.
    fn usage(self) -> Result<T, Failure>;
    /// It failed: exit status 1.
    fn failure(self) -> Result<T, Failure>;
}

impl<T, E: Into<anyhow::Error>> OrFail<T> for Result<T, E> {
    fn usage(self) -> Result<T, Failure> {
        self.map_err(|e| Failure::Usage(e.into()))
    }

    fn failure(self) -> Result<T, Failure> {
        self.map_err(|e| Failure::Failed(e.into()))
    }
}

/// A panic is a defect of codebench's: say so, with what a report needs, instead of a bare trace.
pub(crate) fn install_panic_hook() {
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if std::env::var_os("RUST_BACKTRACE").is_some_and(|v| v != "0") {
            default(info);
        }
        let place = info.location().map(|l| format!(" at {}:{}", l.file(), l.line())).unwrap_or_default();
        let message = info.payload_as_str().unwrap_or("no message");
        let text = format!(
            "error: internal error{place}: {message}\n  \
             This is a defect of codebench {}, not of your input. What is stored stays stored; `--resume` goes on.\n  \
             Please report it with this message and the command line; RUST_BACKTRACE=1 adds a trace.\n",
            env!("CARGO_PKG_VERSION")
        );
        // Nothing is left to do if standard error is closed.
        let _ = std::io::Write::write_all(&mut std::io::stderr(), text.as_bytes());
    }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    #[test]
    fn messages_are_fit_for_a_terminal() {
        let text = Failure::of_usage(format!("label `\u{1b}[31m{}` is unknown", "x".repeat(300_000)))
            .text()
            .unwrap();
        assert!(
            text.starts_with("error: label `\\u{1b}[31mxx") && text.ends_with("xx` is unknown\n"),
            "{text}"
        );
        assert!(text.contains(" ... (298131 characters) ... ") && text.len() < 2500, "{}", text.len());
    }

    #[test]
    fn causes_are_listed_once() {
        let inner = anyhow::anyhow!("line 3: bad label");
        let error = Err::<(), _>(inner).context("cannot read `x.toml`").usage().unwrap_err();
        assert_eq!(error.text().unwrap(), "error: cannot read `x.toml`\n  caused by: line 3: bad label\n");
        let quoted = anyhow::anyhow!("disk full").context("cannot write: disk full");
        assert_eq!(Failure::Failed(quoted).text().unwrap(), "error: cannot write: disk full\n");
    }

    #[test]
    fn a_closed_pipe_is_quiet() {
        let failure = Failure::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!((failure.status(), failure.text()), (0, None));
        assert_eq!(Failure::from(io::Error::other("disk full")).status(), FAILED);
    }
}
