//! Compiled code of components that were loaded before.
//!
//! A cached file is machine code, so whoever can write it can run anything: the folder belongs to the user alone, each file
//! carries the hash of its code, and nothing else is ever read as compiled code.

use super::engine::{Metering, parallel_compiler};
use crate::file::sha256_of;
use crate::folders::{make_private, write_whole};
use crate::kept::{Bound, prune, used_now};
use sha2::{Digest, Sha256};
use std::hash::{Hash, Hasher};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::time::SystemTime;
use wasmtime::Engine;
use wasmtime::component::Component;

/// First bytes of a cached file; the number grows when what is checked before compiling does.
const MAGIC: &[u8] = b"codebench compiled component 2\n";
/// Length of the hash behind them.
const HASH_BYTES: usize = 64;
/// How much the folder may hold.
const BOUND: Bound = Bound { files: 1024, bytes: 512 << 20 };

/// A folder of compiled code.
#[derive(Debug, Clone)]
pub(super) struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// The folder, made if need be. `None`, with a note, if it cannot be made or is not the user's alone: then everything is compiled
    /// anew.
    pub(super) fn open(folder: &Path) -> Option<Cache> {
        match make_private(folder) {
            Ok(()) => Some(Cache { folder: folder.to_owned() }),
            Err(e) => {
                note(folder, &e);
                None
            }
        }
    }

    /// The compiled form of the file with this hash.
    pub(super) fn get(&self, engine: &Engine, sha256: &str) -> Option<Component> {
        let path = self.path(engine, sha256);
        let bytes = std::fs::read(&path).ok()?;
        let rest = bytes.strip_prefix(MAGIC)?;
        let (hash, code) = rest.split_at_checked(HASH_BYTES)?;
        if sha256_of(code).as_bytes() != hash {
            return None;
        }
        used_now(&path);
        deserialize(engine, code).ok()
    }

    /// Stores the compiled form. A cache that cannot be written is no error, but worth a note.
    pub(super) fn put(&self, engine: &Engine, sha256: &str, component: &Component) {
        let Ok(code) = component.serialize() else { return };
        let bytes = [MAGIC, sha256_of(&code).as_bytes(), &code].concat();
        prune(&self.folder, BOUND.less(bytes.len() as u64), SystemTime::now());
        if let Err(e) = write_whole(&self.folder, &self.path(engine, sha256), &bytes) {
            note(&self.folder, &e);
        }
    }

    /// One file for each component, version and configuration of the compiler.
    fn path(&self, engine: &Engine, sha256: &str) -> PathBuf {
        let mut hasher = Sha256Hasher(Sha256::new());
        sha256.hash(&mut hasher);
        engine.precompile_compatibility_hash().hash(&mut hasher);
        let key: String = hasher.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        self.folder.join(key).with_extension("compiled")
    }
}

/// Says once, on standard error, that components are compiled at every start.
fn note(folder: &Path, error: &std::io::Error) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Nothing is left to do if standard error is closed.
        let _ = writeln!(
            std::io::stderr(),
            "note: compiled components cannot be kept in `{}`, so they are compiled at every start: {error}",
            folder.display()
        );
    });
}

/// Feeds SHA-256, because the standard hasher's 64 bits are too few for a key.
struct Sha256Hasher(Sha256);

impl Hasher for Sha256Hasher {
    fn finish(&self) -> u64 {
        0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }
}

/// The component in `bytes`, for `engine`, compiled on as many threads as there are processors. The threads, and the compiler with its
/// buffers for each of them, live as long as the compilation.
///
/// # Errors
/// Bytes that are no valid component; a system that gives no threads.
pub(super) fn compile_in_parallel(
    bytes: &[u8],
    metering: Metering,
    engine: &Engine,
) -> wasmtime::Result<Component> {
    let pool = rayon::ThreadPoolBuilder::new().thread_name(|i| format!("wasm compiler {i}")).build()?;
    let code = pool.install(|| parallel_compiler(metering)?.precompile_component(bytes))?;
    deserialize(engine, &code)
}

#[allow(unsafe_code)]
fn deserialize(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: the code must come from wasmtime's compiler. Either `compile_in_parallel` has just made it, or it was read from a folder that
    // only the user can write, under a name that only `Cache::put` gives, and has the hash that `put` wrote before it; wasmtime checks
    // that version and configuration of the compiler are its own.
    unsafe { Component::deserialize(engine, code) }
}
