//! Errors of the experiment reader: where, what, and what to write instead.

use codebench_model::parameter;
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
        let message = match self.text.get(span.clone()) {
            Some(key) if error.message().trim_end() == "duplicate key" && !key.is_empty() => {
                format!("key `{key}` occurs twice: leave one of the two out")
            }
            _ => reworded(error.message()),
        };
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

/// "unknown field `x`, expected ..." with the nearest known name.
fn reworded(message: &str) -> String {
    let first = message.lines().next().unwrap_or_default();
    let (what, rest) = match (first.strip_prefix("unknown field "), first.strip_prefix("unknown variant ")) {
        (Some(rest), _) => ("key", rest),
        (None, Some(rest)) => ("name", rest),
        (None, None) => return plain(message),
    };
    let mut quoted = rest.split('`').skip(1).step_by(2);
    let Some(name) = quoted.next() else { return message.to_owned() };
    let known: Vec<&str> = quoted.collect();
    format!("unknown {what} `{name}`{}", hint(name, &known))
}

/// The types of the file in place of those of the program.
fn plain(message: &str) -> String {
    message
        .trim_end()
        .replace("` as i128, expected", "`, expected")
        .replace("missing field", "missing key")
        .replace("expected u64", "expected a whole number, 0 or more")
        .replace("expected f64", "expected a number")
        .replace("expected struct", "expected a table like")
}

/// ` (did you mean `x`?); known: ...`
pub(crate) fn hint(name: &str, known: &[&str]) -> String {
    let nearest = parameter::nearest(name, known.iter().copied());
    let meant = nearest.map(|n| format!(" (did you mean `{n}`?)")).unwrap_or_default();
    if known.is_empty() { meant } else { format!("{meant}; known: {}", known.join(", ")) }
}
