//! From a core module, as compilers make it, to a component.

use wit_component::ComponentEncoder;

/// The component of a core module that was built with bindings of `sdk/wit`: the bindings leave a section in it that says what
/// it imports and exports.
///
/// # Errors
/// A module without that section, or with imports that it does not name; the message says what to do.
pub fn pack(module: &[u8]) -> Result<Vec<u8>, String> {
    match module.get(..8) {
        Some([0, b'a', b's', b'm', 1, 0, 0, 0]) => {}
        Some([0, b'a', b's', b'm', 0x0d, 0, 1, 0]) => {
            return Err("it is a component already: use it as it is".into());
        }
        _ => return Err("it is no WebAssembly module: build one for wasm32-unknown-unknown".into()),
    }
    let component = ComponentEncoder::default()
        .module(module)
        .map(|encoder| encoder.validate(true))
        .and_then(|encoder| encoder.encode())
        .map_err(|e| format!("no component can be made of it: {e:#}"))?;
    let is_plugin = wasmparser::Parser::new(0).parse_all(&component).flatten().any(|p| exports_manifest(&p));
    is_plugin.then_some(component).ok_or_else(|| {
        "it exports no plugins: build it with `codebench_sdk::export!`, or with the bindings of sdk/wit linked in".into()
    })
}

fn exports_manifest(payload: &wasmparser::Payload<'_>) -> bool {
    let wasmparser::Payload::ComponentExportSection(exports) = payload else { return false };
    exports.clone().into_iter().flatten().any(|e| e.name.name.starts_with("codebench:plugin/manifest@"))
}
