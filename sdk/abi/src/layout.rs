//! The layouts of everything that crosses, as text, against a golden file for each kind: a published layout does not change by
//! accident. It is what `abi_stable` knows, which does not depend on the compiler; sizes are those of 64-bit platforms.

use crate::crossing::by_kind;
use crate::module::ModuleOf;
use abi_stable::StableAbi;
use abi_stable::type_layout::{TLData, TLField, TypeLayout};
use codebench_api::Kind;
use std::collections::BTreeSet;
use std::path::Path;

/// The module of a kind and every type of this crate that can be reached from it, in the order in which they are met.
fn text(root: &'static TypeLayout) -> String {
    let (mut text, mut next) = (String::new(), vec![root]);
    let mut seen = BTreeSet::new();
    while let Some(layout) = next.pop() {
        if !seen.insert(layout.get_utypeid()) {
            continue;
        }
        let mut used = Vec::new();
        if is_ours(layout) {
            text += &described(layout, &mut used);
        } else {
            used.extend(fields(layout).iter().map(TLField::layout));
        }
        used.extend(layout.generics().type_params().iter().map(|of| of()));
        next.extend(used.into_iter().rev());
    }
    text
}

/// The name of a type with the types that it holds, as far as its own name does not tell them.
fn name(layout: &TypeLayout) -> String {
    name_to(layout, 3)
}

fn name_to(layout: &TypeLayout, depth: usize) -> String {
    if depth == 0 {
        return layout.name().to_owned();
    }
    let is_pointer = |layout: &&TypeLayout| layout.name().starts_with('*') || layout.name().starts_with('&');
    let mut held: Vec<&TypeLayout> = layout.generics().type_params().iter().map(|of| of()).collect();
    if held.is_empty() && !is_ours(layout) {
        let fields = fields(layout).into_iter().map(|field| field.layout());
        held = match layout.data() {
            TLData::Enum(_) => fields.collect(),
            _ => fields.filter(is_pointer).collect(),
        };
    }
    let names: Vec<String> = held.iter().map(|of| name_to(of, depth - 1)).collect();
    match names.as_slice() {
        [] => layout.name().to_owned(),
        names => format!("{}<{}>", layout.name(), names.join(", ")),
    }
}

/// Of the types of `abi_stable`, whose insides are its own, the size is all that is compared.
fn is_ours(layout: &TypeLayout) -> bool {
    layout.package().as_str() == env!("CARGO_PKG_NAME")
}

fn fields(layout: &TypeLayout) -> Vec<TLField> {
    layout.get_fields().map(|fields| fields.to_vec()).unwrap_or_default()
}

fn described(layout: &'static TypeLayout, used: &mut Vec<&'static TypeLayout>) -> String {
    let mut text = format!("{}: {}\n", name(layout), size(layout));
    match layout.data() {
        TLData::Enum(of) => {
            let (names, fields) = (of.variant_names, &of.field_count);
            text += &format!("  variants {names} as {:?}, of {fields:?} fields\n", of.discriminants);
        }
        TLData::PrefixType(of) => {
            text += &format!("  {} fields are always there\n", of.first_suffix_field);
        }
        _ => {}
    }
    for field in fields(layout) {
        used.push(field.layout());
        text += &format!("  {}: {}, {}\n", field.name(), name(field.layout()), size(field.layout()));
        for function in field.function_range().iter() {
            let parameters: Vec<&TypeLayout> = function.param_type_layouts.iter().map(|of| of()).collect();
            let result = function.return_type_layout().map(|of| of());
            let names: Vec<String> = parameters.iter().map(|of| name(of)).collect();
            let result_name = result.map(|of| format!(" -> {}", name(of))).unwrap_or_default();
            text += &format!("    ({}){result_name}\n", names.join(", "));
            used.extend(parameters);
            used.extend(result);
        }
    }
    text
}

fn size(layout: &TypeLayout) -> String {
    format!("{} bytes, aligned to {}", layout.size(), layout.alignment())
}

#[test]
fn published_layouts_are_those_of_the_golden_files() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/native");
    for kind in Kind::ALL {
        let Some(actual) = by_kind!(kind, K => text(<ModuleOf<K> as StableAbi>::LAYOUT)) else { continue };
        assert!(actual.lines().count() > 20, "{kind}: {actual}");
        let path = folder.join(format!("layout-{kind}.txt"));
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&path, &actual).unwrap();
        }
        let expected = std::fs::read_to_string(&path).unwrap_or_default();
        for (expected, actual) in expected.lines().zip(actual.lines()) {
            assert_eq!(
                expected, actual,
                "kind {kind}: if it is published, undo the change, or add at the end and grow the version as \
                 docs/src/stability.md says; BLESS=1 accepts it"
            );
        }
        assert_eq!(expected, actual, "kind {kind}; BLESS=1 writes the file");
    }
}
