//! What can be wrong with a description, a space or a point.

/// Why a space or a point is refused. Every message quotes the value, then what is allowed, then the remedy.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[allow(missing_docs)]
pub enum SpaceError {
    /// The description is wrong at `path`, such as `cnn.ops[2]`.
    #[error("`{path}`: {message}")]
    Description { path: String, message: String },
    /// A document of a space that no description makes.
    #[error("malformed space: {message}")]
    Malformed { message: String },
    #[error(
        "the space document has version {v}, but this program reads version {known}: write it again with this \
         program, or use a newer one"
    )]
    Version { v: u32, known: u32 },
    #[error("the space has no valid point: {message}")]
    Empty { message: String },
    #[error(
        "a genotype of {length} indices does not fit a space of {choices} choices: give one index per choice"
    )]
    Length { length: usize, choices: usize },
    #[error("choice `{choice}`: index {index} is out of range: give 0 to {last} ({values})")]
    Index { choice: String, index: u32, last: usize, values: String },
    #[error("choice `{choice}` is inactive here, but its index is {index}: give 0 (`repair` does)")]
    Inactive { choice: String, index: u32 },
    #[error("choices `{choices}`: {message} (`repair` mends it)")]
    Module { choices: String, message: String },
    #[error("choice `{choice}` = {value} leaves no valid point: {message} (`repair` mends it)")]
    DeadEnd { choice: String, value: String, message: String },
    #[error("coordinate {index} is {value}: give a number from 0 (included) to 1 (excluded)")]
    Coordinate { index: usize, value: f64 },
    #[error("{given} coordinates do not fit a space of {choices} choices: give one per choice")]
    Coordinates { given: usize, choices: usize },
    #[error("unknown name `{name}`{hint}; known: {known}")]
    UnknownName { name: String, hint: String, known: String },
    #[error("`{name}` = {value} is not in its list: give one of {values}")]
    NotInList { name: String, value: String, values: String },
    #[error("`{name}` is not given: it is active here, give one of {values}")]
    Missing { name: String, values: String },
    #[error(
        "no way leads from the cell's input to its output, so the CNN would answer the same for every image: give an edge \
         another operation"
    )]
    Unconnected,
    #[error("`{name}` = {value} is given, but it is inactive here: leave it out")]
    NotActive { name: String, value: String },
}

impl SpaceError {
    /// An error at `path` of the description.
    pub(crate) fn at(path: impl Into<String>, message: impl Into<String>) -> Self {
        SpaceError::Description { path: path.into(), message: message.into() }
    }

    /// An error in a space document.
    pub(crate) fn malformed(message: impl Into<String>) -> Self {
        SpaceError::Malformed { message: message.into() }
    }

    /// Where in the description the fault is, such as `cnn.ops[2]`; readers of files turn it into line and column.
    pub fn path(&self) -> Option<&str> {
        match self {
            SpaceError::Description { path, .. } => Some(path),
            _ => None,
        }
    }
}
