//! The header for plugins in C, which is written by hand, says what the model says.

use codebench_model::{
    Activation, Cause, PrimitiveKind, Role, TileCost, TileWork, TransferCost, TransferProfile,
};
use serde::Serialize;
use std::path::Path;

fn header() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    std::fs::read_to_string(root.join("sdk/c/codebench.h")).unwrap()
}

/// The names in the first enumeration that has a name with this prefix, in lower case and without it, in order.
fn enumeration(header: &str, prefix: &str) -> Vec<String> {
    let body = header.split("enum {").find(|body| body.trim_start().starts_with(prefix)).unwrap();
    let names = body.split('}').next().unwrap().split(',').map(str::trim).filter(|name| !name.is_empty());
    names
        .map(|name| name.split('=').next().unwrap().trim().strip_prefix(prefix).unwrap().to_lowercase())
        .collect()
}

/// The names of numbers in a structure's first definition after `from`, in order; `events[8]` counts as one.
fn fields(header: &str, from: &str, name: &str) -> Vec<String> {
    let text = &header[header.find(from).unwrap()..];
    let body = &text[..text.find(&format!("}} {name};")).unwrap()];
    let body = &body[body.rfind("typedef struct {").unwrap()..];
    let lines = body.lines().filter_map(|line| line.trim().strip_prefix("uint64_t ")?.strip_suffix(';'));
    lines.flat_map(|line| line.split(", ").map(str::to_owned)).collect()
}

/// The names of a row's numbers, in order.
fn row(row: &impl Serialize) -> Vec<String> {
    let text = serde_json::to_string(row).unwrap();
    let names = text.split('"').skip(1).step_by(2);
    names.map(|name| if name == "events" { "events[8]" } else { name }.to_owned()).collect()
}

fn names<T: Serialize>(all: impl IntoIterator<Item = T>) -> Vec<String> {
    all.into_iter()
        .map(|one| serde_json::to_value(one).unwrap().as_str().unwrap().replace('-', "_"))
        .collect()
}

#[test]
fn codes_are_those_of_the_model() {
    let header = header();
    assert_eq!(enumeration(&header, "CB_ROLE_"), names(Role::ALL));
    assert_eq!(enumeration(&header, "CB_PRIMITIVE_"), names(PrimitiveKind::ALL));
    assert_eq!(enumeration(&header, "CB_ACTIVATION_"), names(Activation::ALL.map(|(one, _)| one)));
    assert_eq!(enumeration(&header, "CB_CAUSE_"), names(Cause::ALL.map(|(one, _)| one)));
}

#[test]
fn rows_are_those_of_the_model() {
    let header = header();
    let (module, memory) = ("#define CB_KIND \"accel-module\"", "#define CB_KIND \"memory\"");
    assert_eq!(fields(&header, module, "cb_work"), row(&TileWork::default()));
    assert_eq!(fields(&header, module, "cb_cost"), row(&TileCost::default()));
    assert_eq!(fields(&header, memory, "cb_work"), row(&TransferProfile::default()));
    assert_eq!(fields(&header, memory, "cb_cost"), row(&TransferCost::default()));
}
