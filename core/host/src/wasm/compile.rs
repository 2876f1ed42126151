//! From bytes to a compiled component, within limits.

use super::WasmLimits;
use super::background::{Background, NoAnswer};
use super::cache::{Cache, compile_in_parallel};
use super::engine::{Metering, engine};
use crate::{FileFormat, ReadFile};
use std::time::Duration;
use wasmparser::{Parser, Payload};
use wasmtime::component::Component;

/// Globals and functions of one file, over all its modules: an instance holds some bytes for each of them.
const MOST_GLOBALS: u64 = 10_000;
const MOST_FUNCTIONS: u64 = 100_000;

/// Components of functions up to so many bytes are compiled on all processors, others on one: the system's allocator keeps, for each
/// thread, about as much as the largest function needed, and threads gain nothing where one function is most of the work.
const PARALLEL_FUNCTION_BYTES: u64 = 64 << 10;

/// The component in `file`, compiled now or earlier.
pub(super) fn component(
    file: &ReadFile,
    limits: &WasmLimits,
    metering: Metering,
    cache: Option<&Cache>,
) -> Result<Component, String> {
    check_format(file)?;
    let size = file.bytes.len() as u64;
    if size > limits.module_bytes {
        return Err(format!(
            "it has {size} bytes, the limit is {}: raise `module_bytes` if you want to load it",
            limits.module_bytes
        ));
    }
    let engine = engine(metering)?;
    if let Some(component) = cache.and_then(|c| c.get(engine, &file.sha256)) {
        return Ok(component);
    }
    let largest_function = check_parts(&file.bytes, limits)?;
    let in_parallel = largest_function <= PARALLEL_FUNCTION_BYTES;
    let component = compile(file.bytes.clone(), limits, metering, in_parallel)?;
    if let Some(cache) = cache {
        cache.put(engine, &file.sha256, &component);
    }
    Ok(component)
}

fn check_format(file: &ReadFile) -> Result<(), String> {
    const COMPONENT: [u8; 4] = [0x0d, 0x00, 0x01, 0x00];
    const MODULE: [u8; 4] = [0x01, 0x00, 0x00, 0x00];
    match (file.format, file.bytes.get(4..8)) {
        (FileFormat::Precompiled, _) => {
            Err("it holds machine code that a WebAssembly runtime compiled earlier, which no \
             sandbox can contain: get the component that it was made from"
                .into())
        }
        (FileFormat::Wasm, Some(version)) if version == COMPONENT => Ok(()),
        (FileFormat::Wasm, Some(version)) if version == MODULE => Err(format!(
            "it is a core module: make a component of it with `codebench plugin pack {}`",
            file.path.display()
        )),
        (FileFormat::Wasm, _) => {
            Err("it is WebAssembly of an unknown version, or cut short: build it again".into())
        }
        _ => Err("it is no WebAssembly: give a component".into()),
    }
}

/// Refuses functions that would keep the compiler busy beyond every deadline, because it stops between functions only; and
/// what every instance holds outside of its memory. The bytes of the largest function.
fn check_parts(bytes: &[u8], limits: &WasmLimits) -> Result<u64, String> {
    let (mut globals, mut functions, mut largest) = (0u64, 0u64, 0u64);
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(|e| format!("it is no valid component: {e}"))? {
            Payload::CodeSectionEntry(body) => {
                let size = body.range().len() as u64;
                if size > limits.function_bytes {
                    return Err(format!(
                        "one of its functions has {size} bytes, the limit is {}: raise `function_bytes` if you want to load it",
                        limits.function_bytes
                    ));
                }
                largest = largest.max(size);
            }
            Payload::GlobalSection(section) => globals += u64::from(section.count()),
            Payload::FunctionSection(section) => functions += u64::from(section.count()),
            _ => {}
        }
    }
    at_most("globals", globals, MOST_GLOBALS)?;
    at_most("functions", functions, MOST_FUNCTIONS)?;
    Ok(largest)
}

fn at_most(what: &str, count: u64, most: u64) -> Result<(), String> {
    match count <= most {
        true => Ok(()),
        false => {
            Err(format!("it has {count} {what}, the sandbox takes {most}, which is fixed: build it smaller"))
        }
    }
}

/// Compilers that nobody waits for any more.
static COMPILERS: Background = Background::new(4);

/// Compiles on a thread of its own, for which the caller waits so long and no longer. The compiler cannot be interrupted: what it
/// has begun it finishes, in the background, bounded by the limits of size.
fn compile(
    bytes: Vec<u8>,
    limits: &WasmLimits,
    metering: Metering,
    in_parallel: bool,
) -> Result<Component, String> {
    let engine = engine(metering)?;
    let work = move || match in_parallel {
        true => compile_in_parallel(&bytes, metering, engine),
        false => Component::from_binary(engine, &bytes),
    };
    let patience = Duration::from_secs_f64(limits.compile_s);
    match COMPILERS.run("wasm compiler", patience, work) {
        Ok(compiled) => {
            compiled.map_err(|e| format!("it is no valid component: {}; build it again", e.root_cause()))
        }
        Err(NoAnswer::TooLong) => Err(format!(
            "compiling it took longer than {} s: raise `compile_s` if you want to wait",
            limits.compile_s
        )),
        Err(NoAnswer::TooManyLeft(count)) => Err(format!(
            "{count} files that took too long are still being compiled: load it when they are done"
        )),
        Err(NoAnswer::NoThread(e)) => Err(format!("the compiler cannot be started: {e}")),
        Err(NoAnswer::Panicked) => {
            Err("the compiler failed on it: build it with another compiler or optimisation".into())
        }
    }
}
