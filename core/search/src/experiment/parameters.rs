//! Plugin ids and parameters checked against the catalogue, each at its place.

use super::document::RawParameters;
use super::error::{ExperimentError, Source, hint};
use codebench_api::{Catalog, Entry, Kind};
use codebench_model::{ParameterValue, Parameters};
use toml::Spanned;

/// The plugin `id`, which must be of `kind`, and its complete parameters.
pub(crate) fn plugin<'c>(
    source: Source<'_>,
    catalog: &'c Catalog,
    kind: Kind,
    id: &Spanned<String>,
    raw: &RawParameters,
) -> Result<(&'c Entry, Parameters), ExperimentError> {
    let name = id.get_ref();
    let entry = find(catalog, kind, name).map_err(|message| source.error(id.span(), message))?;
    let given = check_each(source, catalog, entry, raw)?;
    let complete = catalog.complete(name, &given).map_err(|e| source.error(id.span(), e.to_string()))?;
    Ok((entry, complete))
}

/// The plugin `name` of `kind`, or why there is none.
fn find<'c>(catalog: &'c Catalog, kind: Kind, name: &str) -> Result<&'c Entry, String> {
    let entry = catalog.entries().find(|e| e.info.id == name).ok_or_else(|| {
        let known: Vec<&str> =
            catalog.entries().filter(|e| e.kind() == kind).map(|e| e.info.id.as_str()).collect();
        format!("unknown plugin `{name}`{}", hint(name, &known))
    })?;
    if entry.kind() == kind {
        return Ok(entry);
    }
    Err(format!("plugin `{name}` is of kind {}, but kind {kind} is needed here", entry.kind()))
}

fn check_each(
    source: Source<'_>,
    catalog: &Catalog,
    entry: &Entry,
    raw: &RawParameters,
) -> Result<Parameters, ExperimentError> {
    let mut given = Parameters::new();
    for (key, value) in raw {
        let (name, id) = (key.get_ref(), &entry.info.id);
        let Some(description) = entry.info.parameters.iter().find(|d| d.name == *name) else {
            let known: Vec<&str> = entry.info.parameters.iter().map(|d| d.name.as_str()).collect();
            let hint = if known.is_empty() { "; it has none".to_owned() } else { hint(name, &known) };
            return Err(source.error(key.span(), format!("plugin `{id}` has no parameter `{name}`{hint}")));
        };
        let value_given = scalar(source, value)?;
        description
            .check(&value_given)
            .map_err(|e| source.error(value.span(), format!("plugin `{id}`: {e}")))?;
        // A parameter that is called as a needed kind names a plugin of that kind.
        let needed = entry.info.needs.iter().find(|kind| kind.name() == name);
        if let (Some(kind), Some(id)) = (needed, value_given.as_str()) {
            find(catalog, *kind, id).map_err(|message| source.error(value.span(), message))?;
        }
        given.insert(name.clone(), value_given);
    }
    Ok(given)
}

/// Parameters that nobody describes, such as those of a data set's reader.
pub(crate) fn free(source: Source<'_>, raw: &RawParameters) -> Result<Parameters, ExperimentError> {
    raw.iter().map(|(key, value)| Ok((key.get_ref().clone(), scalar(source, value)?))).collect()
}

fn scalar(source: Source<'_>, value: &Spanned<toml::Value>) -> Result<ParameterValue, ExperimentError> {
    match value.get_ref() {
        toml::Value::Boolean(b) => Ok(ParameterValue::Boolean(*b)),
        toml::Value::Integer(i) => Ok(ParameterValue::Integer(*i)),
        toml::Value::Float(x) => Ok(ParameterValue::Float(*x)),
        toml::Value::String(s) => Ok(ParameterValue::Text(s.clone())),
        other => {
            let message = format!(
                "a parameter is a number, a text, true or false; this is of type {}",
                other.type_str()
            );
            Err(source.error(value.span(), message))
        }
    }
}
