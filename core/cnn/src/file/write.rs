//! CNN files, one module a line or table; the inverse of reading.

use super::{CnnFile, Format, VERSION};
use codebench_model::{CnnModule, Join, Vertex};
use std::fmt::Write;

pub(super) fn write(file: &CnnFile, format: Format) -> String {
    let mut fields = vec![("v", VERSION.to_string())];
    fields.extend(file.name.as_deref().map(|name| ("name", quoted(name, format))));
    let sizes = [("image", file.image), ("channels", file.channels), ("classes", file.classes)];
    fields.extend(sizes.into_iter().filter_map(|(key, size)| Some((key, size?.to_string()))));
    fields.push(("default_channels", file.graph.default_channels.to_string()));
    match format {
        Format::Json => write_json(&fields, &file.graph.modules),
        Format::Toml => write_toml(&fields, &file.graph.modules),
    }
}

fn write_json(fields: &[(&str, String)], modules: &[CnnModule]) -> String {
    let mut out = String::from("{\n");
    for (key, value) in fields {
        _ = writeln!(out, "  \"{key}\": {value},");
    }
    out.push_str("  \"modules\": [\n");
    let lines: Vec<String> = (runs(modules))
        .map(|(module, repeat)| {
            let fields = module_fields(module, repeat, Format::Json);
            let pairs: Vec<String> =
                fields.iter().map(|(key, value)| format!("\"{key}\": {value}")).collect();
            format!("    {{{}}}", pairs.join(", "))
        })
        .collect();
    out.push_str(&lines.join(",\n"));
    out.push_str("\n  ]\n}\n");
    out
}

fn write_toml(fields: &[(&str, String)], modules: &[CnnModule]) -> String {
    let mut out = String::new();
    for (key, value) in fields {
        _ = writeln!(out, "{key} = {value}");
    }
    for (module, repeat) in runs(modules) {
        out.push_str("\n[[modules]]\n");
        for (key, value) in module_fields(module, repeat, Format::Toml) {
            _ = writeln!(out, "{key} = {value}");
        }
    }
    out
}

/// Modules with the number of times each stands in a row.
fn runs(modules: &[CnnModule]) -> impl Iterator<Item = (&CnnModule, usize)> {
    modules.chunk_by(|a, b| a == b).filter_map(|run| Some((run.first()?, run.len())))
}

fn module_fields(module: &CnnModule, repeat: usize, format: Format) -> Vec<(&'static str, String)> {
    let vertices: Vec<String> = module.vertices.iter().map(|v| vertex(v, format)).collect();
    let mut fields = vec![("vertices", format!("[{}]", vertices.join(", ")))];
    let chain = (1..module.vertices.len()).map(|to| [to - 1, to]);
    if !chain.eq(module.edges.iter().copied()) {
        let edges: Vec<String> = module.edges.iter().map(|[from, to]| format!("[{from}, {to}]")).collect();
        fields.push(("edges", format!("[{}]", edges.join(", "))));
    }
    if repeat > 1 {
        fields.push(("repeat", repeat.to_string()));
    }
    fields
}

fn vertex(vertex: &Vertex, format: Format) -> String {
    let label = quoted(&vertex.label, format);
    let Some(join) = vertex.join.map(Join::name) else { return label };
    match format {
        Format::Json => format!("{{\"label\": {label}, \"join\": \"{join}\"}}"),
        Format::Toml => format!("{{ label = {label}, join = \"{join}\" }}"),
    }
}

fn quoted(text: &str, format: Format) -> String {
    match format {
        Format::Json => serde_json::Value::from(text).to_string(),
        Format::Toml => toml::Value::from(text).to_string(),
    }
}
