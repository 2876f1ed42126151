//! CNN files: a CNN as JSON or TOML, version 1. `docs/src/cnn-files.md` describes the format for users.
//!
//! Every error says where: line and column, counted from 1, the column in characters.

mod node;
mod read;
mod write;

use crate::CnnError;
use codebench_model::CnnGraph;

/// The version of the format.
pub const VERSION: u64 = 1;

/// The notation of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JSON.
    Json,
    /// TOML.
    Toml,
}

impl Format {
    /// The notation of a file by its extension: `json` or `toml`.
    pub fn of_extension(extension: &str) -> Option<Format> {
        match extension.to_ascii_lowercase().as_str() {
            "json" => Some(Format::Json),
            "toml" => Some(Format::Toml),
            _ => None,
        }
    }
}

/// What a CNN file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CnnFile {
    /// What the CNN is called.
    pub name: Option<String>,
    /// The side of the square images it is meant for.
    pub image: Option<u64>,
    /// The channels of the images.
    pub channels: Option<u64>,
    /// The classes it is meant for.
    pub classes: Option<u64>,
    /// The CNN.
    pub graph: CnnGraph,
}

impl From<CnnGraph> for CnnFile {
    fn from(graph: CnnGraph) -> Self {
        CnnFile { name: None, image: None, channels: None, classes: None, graph }
    }
}

impl CnnFile {
    /// The file as text.
    pub fn write(&self, format: Format) -> String {
        write::write(self, format)
    }
}

/// Where the parts of a CNN stand in its file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Places {
    text: String,
    /// First byte of each module.
    modules: Vec<usize>,
    /// First byte of each vertex of each module.
    vertices: Vec<Vec<usize>>,
}

impl Places {
    /// A refusal of the file's CNN as an error of the file, with the place that it is about.
    ///
    /// An error without a place in the CNN is returned as it is.
    pub fn locate(&self, error: CnnError) -> CnnError {
        let location = match &error {
            CnnError::Malformed { location, .. } | CnnError::Infeasible { location, .. } => location,
            _ => return error,
        };
        let vertex = location.vertex.as_ref().map(|(vertex, _)| *vertex);
        if location.module >= self.modules.len() {
            return error;
        }
        self.error(location.module, vertex, error.to_string()).into()
    }

    /// `message` about a module, or a vertex of it, as an error of the file.
    pub fn error(
        &self,
        module: usize,
        vertex: impl Into<Option<usize>>,
        message: impl Into<String>,
    ) -> FileError {
        let vertices = self.vertices.get(module);
        let vertex = vertex.into().and_then(|vertex| vertices?.get(vertex));
        let offset = vertex.or(self.modules.get(module)).copied().unwrap_or_default();
        FileError::at(&self.text, offset, message.into())
    }
}

/// Why a CNN file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", place(file.as_deref(), *line, *column))]
pub struct FileError {
    /// The file, where it is known.
    pub file: Option<String>,
    /// Line, counted from 1.
    pub line: usize,
    /// Column in characters, counted from 1.
    pub column: usize,
    /// What is wrong, and the remedy.
    pub message: String,
}

fn place(file: Option<&str>, line: usize, column: usize) -> String {
    match file {
        Some(file) => format!("{file}:{line}:{column}"),
        None => format!("line {line}, column {column}"),
    }
}

impl FileError {
    pub(crate) fn at(text: &str, offset: usize, message: String) -> FileError {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        FileError { file: None, line: before.matches('\n').count() + 1, column, message }
    }

    /// The same error of the file called `name`.
    pub fn in_file(self, name: impl Into<String>) -> FileError {
        FileError { file: Some(name.into()), ..self }
    }
}

/// Reads a CNN file, or the released form `[[adjacency, labels], ...]`.
///
/// ```
/// use codebench_cnn::file::{Format, parse};
/// let cnn = parse(r#"
///     v = 1
///     [[modules]]
///     vertices = ["input", "conv3x3-c16-p1-bn-relu", "maxpool2x2-s2", "output"]
///     repeat = 2
///     [[modules]]
///     vertices = ["input", "global-avg-pool", "dense_classes", "output"]
/// "#, Format::Toml).unwrap();
/// assert_eq!(cnn.modules.len(), 3);
/// ```
pub fn parse(text: &str, format: Format) -> Result<CnnGraph, FileError> {
    Ok(parse_located(text, format)?.0.graph)
}

/// Reads a CNN file with all it says, and where its vertices stand.
pub fn parse_located(text: &str, format: Format) -> Result<(CnnFile, Places), FileError> {
    read::document(text, &node::parse(text, format)?)
}

/// Writes a CNN; [`parse`] reads it back.
pub fn write(graph: &CnnGraph, format: Format) -> String {
    CnnFile::from(graph.clone()).write(format)
}
