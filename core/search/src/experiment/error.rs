//! Errors of the experiment reader: where, what, and what to write instead.

use codebench_model::wording;
pub(crate) use codebench_model::wording::hint;
use std::fmt;
use std::ops::Range;

/// Why an experiment cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExperimentError {
    /// A file that cannot be read.
    #[error("cannot read `{file}`: {reason}")]
    Read {
        /// Path as given.
        file: String,
        /// What the system says.
        reason: String,
    },
    /// Text that is not an experiment.
    #[error("{0}")]
    Invalid(Box<Located>),
}

impl ExperimentError {
    /// A complaint about the bytes `span` of `text`, an experiment that was read from `file`. For whoever reads a part of it.
    pub fn at(file: &str, text: &str, span: Range<usize>, message: impl Into<String>) -> ExperimentError {
        Source { file, text }.error(span, message)
    }

    /// The complaint of a reader of TOML about `text`, with the nearest known name where it is about a name.
    pub fn of_toml(file: &str, text: &str, error: &toml::de::Error) -> ExperimentError {
        Source { file, text }.toml(error)
    }
}

/// A complaint about one place of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// File as given.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong and what to do.
    pub message: String,
    /// The line itself.
    pub excerpt: String,
    /// Characters of the line that are meant.
    pub width: usize,
}

impl fmt::Display for Located {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)?;
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        writeln!(f, "{margin} |")?;
        writeln!(f, "{number} | {}", self.excerpt)?;
        write!(f, "{margin} | {}{}", " ".repeat(self.column - 1), "^".repeat(self.width.max(1)))
    }
}

/// A text with its name, to which spans refer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) file: &'a str,
    pub(crate) text: &'a str,
}

impl Source<'_> {
    /// A complaint about the bytes `span`.
    pub(crate) fn error(&self, span: Range<usize>, message: impl Into<String>) -> ExperimentError {
        let start = floor_boundary(self.text, span.start);
        let end = floor_boundary(self.text, span.end.max(start));
        let before = &self.text[..start];
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        let line_end = self.text[start..].find('\n').map_or(self.text.len(), |i| start + i);
        let excerpt: String = self.text[line_start..line_end].chars().map(printable).collect();
        ExperimentError::Invalid(Box::new(Located {
            file: self.file.to_owned(),
            line: before.matches('\n').count() + 1,
            column: self.text[line_start..start].chars().count() + 1,
            message: message.into(),
            excerpt,
            width: self.text[start..end.min(line_end).max(start)].chars().count(),
        }))
    }

    /// The reader's own complaint, with the nearest known name where it is about a name.
    pub(crate) fn toml(&self, error: &toml::de::Error) -> ExperimentError {
        let span = error.span().unwrap_or(0..0);
        let message = wording::of_reader(error.message(), self.text.get(span.clone()));
        self.error(span, message)
    }
}

/// Control characters would tear the caret from its place.
fn printable(c: char) -> char {
    if c.is_control() { ' ' } else { c }
}

fn floor_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
