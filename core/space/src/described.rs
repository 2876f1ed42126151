//! The choices of a table `[accelerator]` that names an accelerator of the user's.

use crate::SpaceError;
use crate::compile::{Builder, values};
use crate::description::AcceleratorValues;
use crate::table::unknown_key;
use codebench_model::{AcceleratorDescription, AcceleratorTemplate, Assignment, ParameterValue};

/// One choice for each list of `entries`, which are values of the `parameters` of `base`.
pub(crate) fn compile(
    base: &AcceleratorDescription,
    entries: &[(String, AcceleratorValues)],
    builder: &mut Builder,
) -> Result<AcceleratorTemplate, SpaceError> {
    let mut template = AcceleratorTemplate { assignments: Vec::new(), base: Some(Box::new(base.clone())) };
    let known: Vec<&str> = base.parameters.keys().map(String::as_str).collect();
    for (name, entry) in entries {
        let path = format!("accelerator.{name}");
        let Some(default) = base.parameters.get(name) else {
            let message = match known.is_empty() {
                true => format!(
                    "unknown key `{name}`: the accelerator has no parameters; give it a table `[parameters]` and refer to \
                     them as \"${name}\""
                ),
                false => unknown_key(name, &known),
            };
            return Err(SpaceError::at(path, message));
        };
        match entry {
            AcceleratorValues::SameAs { same_as } => check_link(&path, same_as, entries)?,
            AcceleratorValues::Kinds(_) => {
                return Err(SpaceError::at(
                    path,
                    "configurations by kind are for the paper's template: give a list",
                ));
            }
            AcceleratorValues::List(list) => {
                let values = values(&path, list)?;
                let values = values.iter().enumerate().map(|(i, value)| of_type(&path, i, value, default));
                let followers = entries
                    .iter()
                    .filter(|(_, e)| matches!(e, AcceleratorValues::SameAs { same_as } if same_as == name));
                let parameters: Vec<String> =
                    std::iter::once(name).chain(followers.map(|(n, _)| n)).cloned().collect();
                let ordered = !matches!(default, ParameterValue::Text(_));
                let values = values.collect::<Result<_, _>>()?;
                let choice = builder.add(parameters.join("+"), values, ordered, Vec::new());
                template.assignments.push(Assignment { choice, parameters });
            }
        }
    }
    Ok(template)
}

fn check_link(path: &str, same_as: &str, entries: &[(String, AcceleratorValues)]) -> Result<(), SpaceError> {
    match entries.iter().find(|(name, _)| name == same_as) {
        Some((_, AcceleratorValues::List(_))) => Ok(()),
        _ => Err(SpaceError::at(
            format!("{path}.same_as"),
            format!("`{same_as}` has no list in the table: name a parameter that has one"),
        )),
    }
}

/// The value in the type of the parameter's default.
fn of_type(
    path: &str,
    index: usize,
    value: &ParameterValue,
    default: &ParameterValue,
) -> Result<ParameterValue, SpaceError> {
    let (fits, allowed) = match default {
        ParameterValue::Integer(_) | ParameterValue::Float(_) => {
            let whole = value.as_i64().filter(|_| matches!(default, ParameterValue::Integer(_)));
            let number = || value.as_f64().map(ParameterValue::Float);
            (whole.map(ParameterValue::Integer).or_else(number), "a number")
        }
        ParameterValue::Boolean(_) => (value.as_bool().map(ParameterValue::Boolean), "true or false"),
        ParameterValue::Text(_) => {
            let text = value.as_str().filter(|text| !text.starts_with('$'));
            (text.map(|text| ParameterValue::Text(text.to_owned())), "a text that does not start with `$`")
        }
    };
    fits.ok_or_else(|| {
        SpaceError::at(
            format!("{path}[{index}]"),
            format!("{value} does not fit the accelerator's default {default}: give {allowed}"),
        )
    })
}
