//! The CNN label language: from a graph of labelled vertices to a workload of primitives.
//!
//! [`Language`] holds the operations of a catalogue and lowers CNNs; a module follows either the published semantics or,
//! when one of its vertices names a join, the explicit ones (see `docs/src/language.md`).

mod builder;
mod channels;
mod error;
mod explicit;
pub mod file;
pub mod generate;
pub mod hash;
mod keyword;
mod language;
mod module;
pub mod named;
mod ops;
mod released;
mod structure;
mod zoo;

pub use builder::{MAX_MACS, MAX_PARAMETERS, MAX_TENSOR_ELEMENTS, MAX_VERTICES};
pub use error::{CnnError, Location};
pub use language::{Language, Lowered};
