//! The paper's accelerator, module by module, from its vector or named values.

use super::error::CycleError;
use codebench_model::accelerator::PUBLISHED_NAMES;
use codebench_model::{
    AcceleratorDescription, AcceleratorInput, MemoryKind, ParameterValue, Parameters, parameter,
};
use std::sync::LazyLock;

/// The paper's template, which is also an example for users.
const PAPER: &str = include_str!("../../../../examples/accelerators/paper.toml");

/// It, read.
static TEMPLATE: LazyLock<Result<AcceleratorDescription, String>> =
    LazyLock::new(|| toml::from_str(PAPER).map_err(|e| format!("the paper's template: {e}")));

/// The description of an accelerator in any of its forms: vectors and named values are put into the paper's template.
///
/// Names are those of the published vector and of the template's `[parameters]`; `memory` is a published code, a published
/// name (`rram`, `dram`, `hbm`) or a plugin's id.
///
/// # Errors
/// A vector of another length, an unknown name, an unknown memory.
///
/// ```
/// use codebench_model::AcceleratorInput;
/// let named = serde_json::from_str::<AcceleratorInput>(r#"{"pib": 4, "memory": "hbm"}"#).unwrap();
/// let description = codebench_sim::cycle::describe(&named)?;
/// assert_eq!(description.parameters["memory"].as_str(), Some("codebench/hbm"));
/// # Ok::<(), codebench_sim::cycle::CycleError>(())
/// ```
pub fn describe(input: &AcceleratorInput) -> Result<AcceleratorDescription, CycleError> {
    match input {
        AcceleratorInput::Described(description) => Ok((**description).clone()),
        AcceleratorInput::Named(named) => with(named),
        AcceleratorInput::Vector(values) if values.len() == PUBLISHED_NAMES.len() => {
            let names = PUBLISHED_NAMES.iter().map(|name| (*name).to_owned());
            with(&names.zip(values.iter().map(|value| ParameterValue::Float(*value))).collect())
        }
        AcceleratorInput::Vector(values) => Err(CycleError::Description(format!(
            "the accelerator vector has {} entries: give 13 numbers ({})",
            values.len(),
            PUBLISHED_NAMES.join(", ")
        ))),
    }
}

fn with(named: &Parameters) -> Result<AcceleratorDescription, CycleError> {
    let mut description = TEMPLATE.clone().map_err(CycleError::Description)?;
    for (name, value) in named {
        let Some(known) = description.parameters.get_mut(name) else {
            return Err(unknown(name, &description.parameters));
        };
        *known = if name == "memory" { memory(value)? } else { whole(value) };
    }
    Ok(description)
}

/// A whole number written as a float is a whole number, so that one accelerator has one description.
fn whole(value: &ParameterValue) -> ParameterValue {
    match value {
        ParameterValue::Float(_) => value.as_i64().map_or_else(|| value.clone(), ParameterValue::Integer),
        _ => value.clone(),
    }
}

fn memory(value: &ParameterValue) -> Result<ParameterValue, CycleError> {
    let by_code = value.as_i64().and_then(|code| usize::try_from(code - 1).ok());
    let known = match value.as_str() {
        Some(id) if id.contains('/') => return Ok(value.clone()),
        Some(text) => MemoryKind::ALL.iter().find(|(_, name)| *name == text),
        None => by_code.and_then(|code| MemoryKind::ALL.get(code)),
    };
    let (_, name) = known.ok_or_else(|| {
        CycleError::Description(format!(
            "accelerator parameter `memory` = {value} is out of range: give 1 (rram), 2 (dram), 3 (hbm), or a plugin's id such as \
             \"codebench/rram-off-chip\""
        ))
    })?;
    Ok(ParameterValue::Text(format!("codebench/{name}")))
}

fn unknown(name: &str, known: &Parameters) -> CycleError {
    let hint = parameter::nearest(name, known.keys().map(String::as_str))
        .map(|n| format!(" (did you mean `{n}`?)"))
        .unwrap_or_default();
    let names: Vec<&str> = known.keys().map(String::as_str).collect();
    CycleError::Description(format!(
        "unknown accelerator parameter `{name}`{hint}; known: {}",
        names.join(", ")
    ))
}
