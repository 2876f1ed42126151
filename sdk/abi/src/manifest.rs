//! The manifest of a plugin file: plain C, read before anything of `abi_stable`.

use crate::version::ContractVersion;
use codebench_api::Kind;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Name of the symbol of a file's [`ManifestHeader`].
pub const MANIFEST_SYMBOL: &str = "codebench_plugin_manifest";

const MAGIC: [u8; 16] = *b"codebench-plugin";

/// Version of the header and of the meaning of its text.
const FORMAT: u32 = 1;

/// Largest text that is read.
const MAX_BYTES: usize = 1 << 20;

/// What the symbol [`MANIFEST_SYMBOL`] is. In C:
///
/// ```c
/// struct codebench_plugin_manifest {
///     char magic[16];                          /* "codebench-plugin", without a zero at the end */
///     uint32_t format;                         /* 1 */
///     const char *(*text)(size_t *length);     /* a JSON document in UTF-8, alive as long as the file is loaded */
/// };
/// ```
#[repr(C)]
#[derive(Debug)]
pub struct ManifestHeader {
    magic: [u8; 16],
    format: u32,
    text: extern "C" fn(length: *mut usize) -> *const u8,
}

impl ManifestHeader {
    /// The header of a file whose manifest `text` gives.
    pub const fn new(text: extern "C" fn(length: *mut usize) -> *const u8) -> Self {
        ManifestHeader { magic: MAGIC, format: FORMAT, text }
    }
}

/// The document that the header leads to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the SDK that the file was built with, for messages.
    pub sdk: String,
    /// How a panic ends in the file: `unwind` or `abort`.
    pub panic: String,
    /// Version of the contract of each kind that the file has plugins of.
    pub contracts: BTreeMap<Kind, ContractVersion>,
    /// The plugins.
    pub plugins: Vec<ManifestPlugin>,
}

/// A plugin in a manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestPlugin {
    /// Its id.
    pub id: String,
    /// Its kind.
    pub kind: Kind,
}

/// The document instead, where a description panics.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct NoManifest {
    /// What the panic said.
    pub(crate) failed: String,
}

/// Why a manifest cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// The symbol is something else.
    #[error("its symbol `{MANIFEST_SYMBOL}` is not codebench's: it is a library of another program")]
    Foreign,
    /// A format of a later codebench.
    #[error(
        "its manifest has format {0}, but this codebench reads format {FORMAT}: build it with this codebench's SDK"
    )]
    Format(u32),
    /// The text breaks the format.
    #[error("its manifest is malformed ({0}): build it with the SDK's `export!`")]
    Malformed(String),
    /// The description of a plugin panics.
    #[error("its plugins cannot be described: {0}; mend `info` of the plugin that says so")]
    Failed(String),
}

impl Manifest {
    /// The manifest behind the symbol [`MANIFEST_SYMBOL`] of a loaded file.
    ///
    /// # Errors
    /// [`ManifestError`], in the order of its variants.
    ///
    /// # Safety
    /// `header` points to at least `size_of::<ManifestHeader>()` readable bytes that stay as they are; if they begin as
    /// those of codebench do, the function in them keeps its promise.
    pub unsafe fn read(header: *const ManifestHeader) -> Result<Manifest, ManifestError> {
        // SAFETY: the caller's contract; the fields are read one by one, so that a function pointer that is none is not
        // touched.
        let (magic, format) = unsafe {
            ((&raw const (*header).magic).read_unaligned(), (&raw const (*header).format).read_unaligned())
        };
        if magic != MAGIC {
            return Err(ManifestError::Foreign);
        }
        if format != FORMAT {
            return Err(ManifestError::Format(format));
        }
        let mut length = 0;
        // SAFETY: a header of this format holds such a function.
        let text = unsafe { ((*header).text)(&raw mut length) };
        if text.is_null() || length > MAX_BYTES {
            return Err(ManifestError::Malformed(format!("a text of {length} bytes")));
        }
        // SAFETY: the function promises `length` bytes that live as long as the file is loaded.
        let text = unsafe { std::slice::from_raw_parts(text, length) };
        serde_json::from_slice(text).map_err(|e| match serde_json::from_slice::<NoManifest>(text) {
            Ok(no) => ManifestError::Failed(no.failed),
            Err(_) => ManifestError::Malformed(e.to_string()),
        })
    }
}
