//! The choices of the table `[accelerator]`, and the ranges of the template's parameters, which are those of any fidelity: what a
//! study's evaluators take of them is asked when it is set up.

use crate::SpaceError;
use crate::compile::{Builder, counts, values};
use crate::description::{AcceleratorDescription, AcceleratorValues, MemoryKinds};
use crate::table::{ValueList, unknown_key};
use codebench_model::accelerator::PUBLISHED_NAMES;
use codebench_model::{
    AcceleratorTemplate, Assignment, Condition, Domain, MemoryKind, ParameterDescription, ParameterValue,
};

/// The parameters of the paper's template in the published order, with the ranges that a space may draw on.
pub fn parameters() -> Vec<ParameterDescription> {
    let pe = |name, default, help| ParameterDescription::integer(name, 1, 1 << 16, default, help);
    let buffer = |name, default, help| {
        ParameterDescription::float(name, 0.0, f64::from(1 << 16), default, help).unit("MB")
    };
    vec![
        pe("pib", 2, "PEs along the batch."),
        pe(
            "pif",
            16,
            "Multipliers of a MAC lane along input channels; the fidelity `published` has 1 and 16.",
        ),
        pe("pix", 8, "PEs along the columns of a map."),
        pe("piy", 4, "PEs along the rows of a map."),
        pe("pof", 8, "MAC lanes along output channels."),
        pe("pkx", 3, "MAC lanes along the columns of a kernel."),
        pe("pky", 3, "MAC lanes along the rows of a kernel."),
        pe("batch", 1, "Images per inference."),
        buffer(
            "activation_buffer_mb",
            12.0,
            "Size of the activation buffer; whole for the fidelity `published`.",
        ),
        buffer("weight_buffer_mb", 24.0, "Size of the weight buffer; whole for the fidelity `published`."),
        buffer("mask_buffer_mb", 4.0, "Size of the mask buffer."),
        ParameterDescription::choice(
            "memory",
            &MemoryKind::ALL.map(|(_, name)| name),
            "rram",
            "Technology of the main memory.",
        ),
        ParameterDescription::integer(
            "memory_config",
            1,
            6,
            1,
            "Organisation of the main memory, counted from 1.",
        ),
    ]
}

pub(crate) fn compile(
    table: &AcceleratorDescription,
    builder: &mut Builder,
) -> Result<AcceleratorTemplate, SpaceError> {
    if let Some(base) = &table.base {
        return crate::described::compile(base, &table.values, builder);
    }
    if table.values.is_empty() {
        return Err(SpaceError::at(
            "accelerator",
            format!("the table is empty: give lists for some of {}", PUBLISHED_NAMES.join(", ")),
        ));
    }
    check_links(table)?;
    let mut template = AcceleratorTemplate::default();
    for (name, entry) in &table.values {
        let path = format!("accelerator.{name}");
        match entry {
            AcceleratorValues::SameAs { .. } => {}
            AcceleratorValues::Kinds(_) if get(table, "memory_config").is_some() => {
                return Err(SpaceError::at(
                    "accelerator.memory_config",
                    "the configurations are listed under `memory` already: keep one of the two",
                ));
            }
            AcceleratorValues::Kinds(kinds) => add_kinds(&path, kinds, builder, &mut template)?,
            AcceleratorValues::List(list) => {
                let values = checked(&path, name, list)?;
                let parameters: Vec<String> =
                    [name.clone()].into_iter().chain(followers(table, name)).collect();
                let ordered = !name.starts_with("memory");
                let choice = builder.add(parameters.join("+"), values, ordered, Vec::new());
                template.assignments.push(Assignment { choice, parameters });
            }
        }
    }
    check_memory_config(table)?;
    Ok(template)
}

fn get<'a>(table: &'a AcceleratorDescription, name: &str) -> Option<&'a AcceleratorValues> {
    table.values.iter().find(|(n, _)| n == name).map(|(_, entry)| entry)
}

/// Parameters that take the value of `name`.
fn followers<'a>(table: &'a AcceleratorDescription, name: &'a str) -> impl Iterator<Item = String> + 'a {
    table
        .values
        .iter()
        .filter(move |(_, e)| matches!(e, AcceleratorValues::SameAs { same_as } if same_as == name))
        .map(|(n, _)| n.clone())
}

fn check_links(table: &AcceleratorDescription) -> Result<(), SpaceError> {
    for (name, entry) in &table.values {
        let AcceleratorValues::SameAs { same_as } = entry else { continue };
        let path = format!("accelerator.{name}.same_as");
        if !PUBLISHED_NAMES.contains(&same_as.as_str()) {
            return Err(SpaceError::at(path, unknown_key(same_as, &PUBLISHED_NAMES)));
        }
        match get(table, same_as) {
            Some(AcceleratorValues::List(list)) => {
                let list_path = format!("accelerator.{same_as}");
                checked(&list_path, same_as, list)?;
                checked(&list_path, name, list)?;
            }
            Some(_) => {
                return Err(SpaceError::at(
                    path,
                    format!("`{same_as}` has no list of its own: name a parameter that has one"),
                ));
            }
            None => {
                return Err(SpaceError::at(path, format!("`{same_as}` is not in the table: give it a list")));
            }
        }
    }
    Ok(())
}

/// The values of the list at `path`, in the type and range of the parameter `name`.
fn checked(path: &str, name: &str, list: &ValueList) -> Result<Vec<ParameterValue>, SpaceError> {
    let Some(description) = parameters().into_iter().find(|p| p.name == name) else {
        return Err(SpaceError::at(path, unknown_key(name, &PUBLISHED_NAMES)));
    };
    let mut checked = Vec::new();
    for (i, value) in values(path, list)?.iter().enumerate() {
        let taken = description.check(value).map_err(|_| {
            let hint = match (&description.domain, value) {
                (Domain::Choice { values }, ParameterValue::Text(text)) => {
                    codebench_model::parameter::nearest(text, values.iter().map(String::as_str))
                        .map(|n| format!(" (did you mean {n:?}?)"))
                }
                _ => None,
            };
            let hint = hint.unwrap_or_default();
            let what = if path.ends_with(&format!(".{name}")) {
                ""
            } else {
                &format!(" of `{name}`, which shares the list")
            };
            let allowed = &description.domain;
            SpaceError::at(
                format!("{path}[{i}]"),
                format!("{value} is out of range{what}{hint}: give {allowed}"),
            )
        })?;
        checked.push(whole(taken));
    }
    Ok(checked)
}

/// A whole number is written and recorded as one, whatever the parameter's type.
fn whole(value: ParameterValue) -> ParameterValue {
    match value {
        ParameterValue::Float(_) => value.as_i64().map_or(value, ParameterValue::Integer),
        _ => value,
    }
}

/// One choice of the kind, and one of the configuration per kind.
fn add_kinds(
    path: &str,
    kinds: &MemoryKinds,
    builder: &mut Builder,
    template: &mut AcceleratorTemplate,
) -> Result<(), SpaceError> {
    if kinds.0.is_empty() {
        return Err(SpaceError::at(
            path,
            "the table is empty: give configurations such as { rram = [1, 2] }",
        ));
    }
    let names = kinds.0.iter().map(|(kind, _)| ParameterValue::Text(kind.name().to_owned())).collect();
    let memory = builder.add("memory", names, false, Vec::new());
    template.assignments.push(Assignment { choice: memory, parameters: vec!["memory".into()] });
    for (i, (kind, list)) in kinds.0.iter().enumerate() {
        let path = format!("{path}.{}", kind.name());
        let list = counts(&path, list, 1, kind.organisations() as i64)?;
        let values = list.into_iter().map(ParameterValue::Integer).collect();
        let when = match kinds.0.len() {
            1 => Vec::new(),
            _ => vec![Condition { choice: memory, is_in: vec![i as u32] }],
        };
        let choice = builder.add(format!("memory_config.{}", kind.name()), values, false, when);
        template.assignments.push(Assignment { choice, parameters: vec!["memory_config".into()] });
    }
    Ok(())
}

/// Every listed configuration exists for every listed kind.
fn check_memory_config(table: &AcceleratorDescription) -> Result<(), SpaceError> {
    let Some(AcceleratorValues::List(configs)) = get(table, "memory_config") else { return Ok(()) };
    let named = |name: &str| match get(table, "memory") {
        Some(AcceleratorValues::List(list)) => list.0.iter().any(|v| v.as_str() == Some(name)),
        _ => name == "rram",
    };
    for (kind, name) in MemoryKind::ALL.into_iter().filter(|(_, name)| named(name)) {
        let most = kind.organisations() as i64;
        if let Some(value) = configs.0.iter().find(|v| v.as_i64().is_some_and(|n| n > most)) {
            return Err(SpaceError::at(
                "accelerator.memory_config",
                format!(
                    "{value} is no configuration of {name}, which has 1 to {most}: list them by kind, such as \
                     memory = {{ {name} = {{ min = 1, max = {most} }} }}"
                ),
            ));
        }
    }
    Ok(())
}
