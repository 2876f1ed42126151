//! The native plugin boundary, for both of its sides; the only user of `abi_stable`.
//!
//! A plugin file exports a [`ManifestHeader`], plain C, which the host reads first: a file of another format or contract is
//! refused before anything else of it is touched. For each kind it exports a root module of `abi_stable`, whose layout is
//! compared type by type. A module is a list of plugins: a description and a function that makes instances. An
//! instance is an object: state and a table of functions.
//!
//! Everything crosses by adapter pairs. One side turns a maker of `codebench-api` into a plugin of the boundary, the other turns it
//! back: authors and callers see the traits only. The host hands the plugins that another one needs across in the
//! same way, in the other direction.
//!
//! What crosses how: descriptions, parameters and facts as types of `repr(C)`; rows, matrices and mini-batches as slices
//! into the caller's buffer, with the version of their layout as an argument; everything with structure as one JSON
//! document per call. A panic is caught where it happens and crosses as a [`PluginError`](codebench_api::PluginError).

#![allow(unsafe_code)]

mod answer;
mod crossing;
mod describe;
mod document;
mod export;
mod facts;
mod kinds;
#[cfg(all(test, target_pointer_width = "64", not(feature = "first-contract")))]
mod layout;
mod manifest;
mod module;
mod needs;
mod object;
mod version;

pub use crossing::foreign;
#[doc(hidden)]
pub use export::{manifest_text, silence_panics};
pub use manifest::{MANIFEST_SYMBOL, Manifest, ManifestError, ManifestHeader, ManifestPlugin};
pub use module::{OpenError, header, manifest_of, module, plugins_of, symbol_of};
pub use version::{ContractVersion, contract_version};

/// Re-exported so that the macro can name them.
#[doc(hidden)]
pub use abi_stable::library::{LibHeader, RootModuleResult};
#[doc(hidden)]
pub use codebench_api::Kind;
