//! From bytes to a compiled component, within limits.

use super::WasmLimits;
use super::cache::Cache;
use super::engine::{Metering, engine};
use crate::{FileFormat, ReadFile};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;
use wasmparser::{Parser, Payload};
use wasmtime::component::Component;

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
    check_functions(&file.bytes, limits)?;
    let component = compile(file.bytes.clone(), limits, metering)?;
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

/// Refuses functions that would keep the compiler busy beyond every deadline, because it stops between functions only.
fn check_functions(bytes: &[u8], limits: &WasmLimits) -> Result<(), String> {
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.map_err(|e| format!("it is no valid component: {e}"))?;
        if let Payload::CodeSectionEntry(body) = payload {
            let size = body.range().len() as u64;
            if size > limits.function_bytes {
                return Err(format!(
                    "one of its functions has {size} bytes, the limit is {}: raise `function_bytes` if you want to load it",
                    limits.function_bytes
                ));
            }
        }
    }
    Ok(())
}

/// Compiles on a thread of its own, for which the caller waits so long and no longer. The compiler cannot be interrupted: what it
/// has begun it finishes, in the background, bounded by the limits of size.
fn compile(bytes: Vec<u8>, limits: &WasmLimits, metering: Metering) -> Result<Component, String> {
    let engine = engine(metering)?;
    let (sender, receiver) = sync_channel(1);
    let work = move || {
        let compiled = Component::from_binary(engine, &bytes);
        // Nobody listens after the deadline.
        let _ = sender.send(compiled);
    };
    std::thread::Builder::new()
        .name("wasm compiler".into())
        .spawn(work)
        .map_err(|e| format!("the compiler cannot be started: {e}"))?;
    match receiver.recv_timeout(Duration::from_secs_f64(limits.compile_s)) {
        Ok(compiled) => compiled.map_err(|e| format!("it is no valid component: {}", e.root_cause())),
        Err(RecvTimeoutError::Timeout) => Err(format!(
            "compiling it took longer than {} s: raise `compile_s` if you want to wait",
            limits.compile_s
        )),
        Err(RecvTimeoutError::Disconnected) => Err("the compiler failed on it".into()),
    }
}
