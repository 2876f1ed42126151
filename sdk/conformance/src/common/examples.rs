use crate::check::{Verdict, ensure, failed};
use crate::subject::Subject;
use codebench_api::{Kind, PluginInfo};
use codebench_model::{ParameterValue, Parameters, parameter};
use codebench_space::Rng;
use toml::{Table, Value};

pub(super) fn check(subject: &Subject<'_>, _: &mut Rng) -> Verdict {
    let info = &subject.entry.info;
    for example in &info.examples {
        ensure(!example.title.trim().is_empty(), || format!("example {:?} has no title", example.text))?;
        match subject.entry.kind() {
            Kind::CnnOp => label(info, &example.text)?,
            _ => document(subject, &example.title, &example.text)?,
        }
    }
    Ok(())
}

fn label(info: &PluginInfo, text: &str) -> Verdict {
    ensure(keyword_of(info, text).is_some(), || {
        format!("example `{text}` starts with none of the keywords {}", info.keywords.join(", "))
    })
}

/// The keyword that the label matches, and the arguments behind it: up to the first digit or `-`, a whole keyword.
pub(crate) fn keyword_of<'a>(info: &'a PluginInfo, label: &'a str) -> Option<(&'a str, &'a str)> {
    let at = label.find(|c: char| c.is_ascii_digit() || c == '-').unwrap_or(label.len());
    let (word, arguments) = label.split_at(at);
    let word = word.rsplit('/').next().unwrap_or(word);
    // Published spellings contain hyphens, so a label may also be a keyword with `_` written `-`.
    let whole = label.replace('-', "_");
    let exact = info.keywords.iter().find(|k| *k == word).map(|k| (k.as_str(), arguments));
    exact.or_else(|| {
        let spelled =
            info.keywords.iter().filter(|k| whole.starts_with(k.as_str())).max_by_key(|k| k.len())?;
        Some((spelled.as_str(), &label[spelled.len()..]))
    })
}

fn document(subject: &Subject<'_>, title: &str, text: &str) -> Verdict {
    let id = subject.id();
    let table = match toml::from_str::<Table>(text) {
        Ok(table) => table,
        Err(e) => return failed(format!("example {title:?} is no TOML: {}", e.to_string().trim_end())),
    };
    let mut uses = Vec::new();
    collect(&Value::Table(table), id, &mut uses);
    ensure(!uses.is_empty(), || format!("example {title:?} names `{id}` nowhere: write plugin = \"{id}\""))?;
    for given in uses {
        if let Err(e) = parameter::complete(subject.descriptions(), &given) {
            return failed(format!("example {title:?}: {e}"));
        }
    }
    Ok(())
}

/// The parameters with which each table under `value` uses the plugin: `plugin = id` with its parameters, references (`"$name"`)
/// left out, or a parameter of another plugin that names it.
fn collect(value: &Value, id: &str, found: &mut Vec<Parameters>) {
    match value {
        Value::Table(table) => {
            if table.get("plugin").and_then(Value::as_str) == Some(id) {
                let given = table.get("parameters").and_then(Value::as_table);
                found.push(
                    given.into_iter().flatten().filter_map(|(k, v)| Some((k.clone(), scalar(v)?))).collect(),
                );
            }
            // What another plugin needs is named by one of its parameters.
            let named = |(name, value): (&String, &Value)| name != "plugin" && value.as_str() == Some(id);
            if table.iter().any(named) {
                found.push(Parameters::new());
            }
            table.values().for_each(|v| collect(v, id, found));
        }
        Value::Array(values) => values.iter().for_each(|v| collect(v, id, found)),
        _ => {}
    }
}

fn scalar(value: &Value) -> Option<ParameterValue> {
    match value {
        Value::Boolean(b) => Some(ParameterValue::Boolean(*b)),
        Value::Integer(i) => Some(ParameterValue::Integer(*i)),
        Value::Float(x) => Some(ParameterValue::Float(*x)),
        Value::String(s) if s.starts_with('$') => None,
        Value::String(s) => Some(ParameterValue::Text(s.clone())),
        // Nothing that a parameter can be: refused by every description.
        other => Some(ParameterValue::Text(other.to_string())),
    }
}

/// Parameters that the examples show, the first of each name.
pub(crate) fn parameters(info: &PluginInfo) -> Parameters {
    let mut shown = Parameters::new();
    for example in &info.examples {
        let Ok(table) = toml::from_str::<Table>(&example.text) else { continue };
        let mut uses = Vec::new();
        collect(&Value::Table(table), &info.id, &mut uses);
        for (name, value) in uses.into_iter().flatten() {
            shown.entry(name).or_insert(value);
        }
    }
    shown
}
