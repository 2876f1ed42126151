//! From a core module, as compilers make it, to a component.

use super::contract::MANIFEST;
use wasmparser::{Parser, Payload};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// The contract that a module without a section of its own is taken to follow.
const VERSION: &str = "0.1.0";
const WIT: [&str; 4] = [
    include_str!("../../../../sdk/wit/0.1.0/types.wit"),
    include_str!("../../../../sdk/wit/0.1.0/hardware.wit"),
    include_str!("../../../../sdk/wit/0.1.0/search.wit"),
    include_str!("../../../../sdk/wit/0.1.0/evaluation.wit"),
];

/// The component of a core module whose exports have the names of the contract in `sdk/wit`. Generated bindings leave a section in
/// the module that says so; without one, as in plain C, the interfaces are told from the names of the exports.
///
/// # Errors
/// A module that exports no plugins, or other types than the contract's, or that imports what no plugin is given; the message says
/// what to do.
pub fn pack(module: &[u8]) -> Result<Vec<u8>, String> {
    match module.get(..8) {
        Some([0, b'a', b's', b'm', 1, 0, 0, 0]) => {}
        Some([0, b'a', b's', b'm', 0x0d, 0, 1, 0]) => {
            return Err("it is a component already: use it as it is".into());
        }
        _ => return Err("it is no WebAssembly module: build one for wasm32-unknown-unknown".into()),
    }
    let mut module = module.to_vec();
    let (described, exports) = read(&module)?;
    if !described {
        describe(&mut module, &exports)?;
    }
    let component = ComponentEncoder::default()
        .module(&module)
        .map(|encoder| encoder.validate(true))
        .and_then(|encoder| encoder.encode())
        .map_err(|e| format!("no component can be made of it: {e:#}"))?;
    let is_plugin = Parser::new(0).parse_all(&component).flatten().any(|p| exports_manifest(&p));
    is_plugin.then_some(component).ok_or_else(no_plugins)
}

fn no_plugins() -> String {
    "it exports no plugins: build it with `codebench_sdk::export!`, or with the bindings of sdk/wit or sdk/c"
        .into()
}

/// Whether bindings left their section in the module, and the names of its exports.
fn read(module: &[u8]) -> Result<(bool, Vec<String>), String> {
    let (mut described, mut names) = (false, Vec::new());
    for payload in Parser::new(0).parse_all(module) {
        let invalid = |e| format!("it is no valid module: {e}");
        match payload.map_err(invalid)? {
            Payload::CustomSection(section) => described |= section.name().starts_with("component-type"),
            Payload::ExportSection(exports) => {
                for export in exports {
                    names.push(export.map_err(invalid)?.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok((described, names))
}

/// Adds the section, for the interfaces whose names occur among the exports.
fn describe(module: &mut Vec<u8>, exports: &[String]) -> Result<(), String> {
    let mut interfaces: Vec<&str> = exports
        .iter()
        .filter_map(|name| name.strip_prefix("codebench:plugin/")?.split_once('#'))
        .filter_map(|(interface, _)| interface.strip_suffix(VERSION)?.strip_suffix('@'))
        .collect();
    interfaces.sort_unstable();
    interfaces.dedup();
    if !interfaces.contains(&"manifest") {
        return Err(no_plugins());
    }
    let lines: String = interfaces.iter().map(|i| format!("    export {i};\n")).collect();
    let text = format!("{}\nworld packed {{\n    import log;\n{lines}}}\n", WIT.concat());
    let failed = |e| format!("its exports do not follow contract {VERSION}: {e:#}");
    let mut resolve = Resolve::default();
    resolve
        .push_str("plugin.wit", &text)
        .and_then(|package| resolve.select_world(&[package], Some("packed")))
        .and_then(|world| embed_component_metadata(module, &resolve, world, StringEncoding::UTF8))
        .map_err(failed)
}

fn exports_manifest(payload: &Payload<'_>) -> bool {
    let Payload::ComponentExportSection(exports) = payload else { return false };
    exports.clone().into_iter().flatten().any(|e| e.name.name.starts_with(MANIFEST))
}
