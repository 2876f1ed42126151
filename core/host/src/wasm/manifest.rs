//! What a component says that it holds.

use super::bindings::codebench::plugin::types;
use super::bindings::exports::codebench::plugin::manifest as wit;
use super::failure;
use super::sandbox::Sandbox;
use codebench_api::Example;
use codebench_api::{Kind, PluginInfo};
use codebench_model::{Domain, ParameterDescription, ParameterValue};

/// Bytes of a manifest.
const MANIFEST_BYTES: usize = 1 << 20;

/// Kinds that make sense in a sandbox.
const KINDS: [Kind; 6] =
    [Kind::CnnOp, Kind::AccelModule, Kind::Memory, Kind::Surrogate, Kind::Strategy, Kind::Evaluator];

/// The plugins of the component.
pub(super) fn read(sandbox: &Sandbox) -> Result<Vec<(Kind, PluginInfo)>, String> {
    let (mut store, instance) =
        sandbox.instantiate().map_err(|e| format!("it cannot be started: {}", e.message))?;
    let listed = wit::GuestIndices::new(&sandbox.pre)
        .and_then(|indices| indices.load(&mut store, &instance))
        .and_then(|manifest| {
            sandbox.begin(&mut store, MANIFEST_BYTES)?;
            manifest.call_plugins(&mut store)
        })
        .map_err(|e| {
            let error = failure::of_call(&e, store.data(), &sandbox.limits, MANIFEST_BYTES);
            format!("its manifest cannot be read: {}", error.message)
        })?;
    if listed.is_empty() {
        return Err("its manifest lists no plugin: build it with `codebench_sdk::export!`".into());
    }
    listed.into_iter().map(plugin).collect()
}

fn plugin(plugin: wit::Plugin) -> Result<(Kind, PluginInfo), String> {
    let wit::Plugin { id, kind, description } = plugin;
    let known = KINDS.into_iter().find(|k| k.name() == kind).ok_or_else(|| {
        let kinds = KINDS.map(Kind::name).join(", ");
        format!("its plugin `{id}` is of kind `{kind}`, which is not for a sandbox: leave it out, or make a native library of it; kinds are {kinds}")
    })?;
    let wit::Description { version, summary, parameters, keywords, metrics, examples } = description;
    let parameters: Vec<ParameterDescription> = parameters.into_iter().map(parameter).collect();
    for p in &parameters {
        if let Some(default) = &p.default {
            p.check(default)
                .map_err(|e| format!("its plugin `{id}` has a default that it does not allow: {e}"))?;
        }
    }
    let examples = examples.into_iter().map(|e| Example { title: e.title, text: e.text }).collect();
    let info =
        PluginInfo { id, version, summary, parameters, keywords, needs: Vec::new(), metrics, examples };
    Ok((known, info))
}

fn parameter(description: wit::ParameterDescription) -> ParameterDescription {
    let wit::ParameterDescription { name, unit, domain, default, help } = description;
    let domain = match domain {
        wit::Domain::Integer(range) => Domain::Integer { min: range.min, max: range.max },
        wit::Domain::Float(range) => Domain::Float { min: range.min, max: range.max },
        wit::Domain::Choice(values) => Domain::Choice { values },
        wit::Domain::Boolean => Domain::Boolean,
        wit::Domain::Text => Domain::Text,
    };
    ParameterDescription { name, unit, domain, default: default.map(value), help }
}

fn value(value: types::Value) -> ParameterValue {
    match value {
        types::Value::Boolean(b) => ParameterValue::Boolean(b),
        types::Value::Integer(i) => ParameterValue::Integer(i),
        types::Value::Float(x) => ParameterValue::Float(x),
        types::Value::Text(s) => ParameterValue::Text(s),
    }
}
