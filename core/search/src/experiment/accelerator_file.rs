//! `[space.accelerator] file = "..."`: the user's own accelerator, and the values that its parameters may take.

use super::error::{ExperimentError, Source};
use super::read;
use codebench_api::{Catalog, Kind};
use codebench_model::hardware::{Count, DescribedModule};
use codebench_model::{AcceleratorDescription, ParameterValue, Parameters, Role};
use codebench_space::{AcceleratorValues, ValueList};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The key that names the file.
pub(super) const KEY: &str = "file";

/// The accelerator that the TOML `text` of `file` describes by its modules, each of which names a plugin of `catalog` that can be made
/// with its parameters.
///
/// # Errors
/// Text that is no such description, unknown plugins and parameters, values out of range; with line and column.
pub fn accelerator_description(
    file: &str,
    text: &str,
    catalog: &Catalog,
) -> Result<AcceleratorDescription, ExperimentError> {
    let source = Source { file, text };
    let parsed = read::parse(source)?;
    let base = AcceleratorDescription::deserialize(toml::Deserializer::from(parsed.clone()))
        .map_err(|e| source.toml(&e))?;
    let check = Check { base: &base, catalog };
    for (i, module) in base.module.iter().enumerate() {
        check.module(module).map_err(|message| source.error(place(parsed.get_ref(), i), message))?;
    }
    Ok(base)
}

/// The accelerator of the table `[accelerator]`, which has the key [`KEY`], and the values beside it. Every value is checked
/// against the description of the plugin that takes it.
pub(super) fn read(
    source: Source<'_>,
    table: &Spanned<DeValue<'_>>,
    folder: &Path,
    catalog: &Catalog,
) -> Result<codebench_space::AcceleratorDescription, ExperimentError> {
    let DeValue::Table(entries) = table.get_ref() else {
        return Err(source.error(table.span(), "`accelerator` is a table: write `[space.accelerator]`"));
    };
    let mut entries: DeTable<'_> = entries.clone();
    let Some(file) = entries.remove(KEY) else {
        return Err(source.error(table.span(), "missing key `file`"));
    };
    let Some(name) = file.get_ref().as_str() else {
        return Err(source.error(file.span(), "`accelerator.file` is a path, written as a text"));
    };
    let path = folder.join(name);
    let text = read::text_of(&path).map_err(|e| source.error(file.span(), e.to_string()))?;
    let base = accelerator_description(&path.display().to_string(), &text, catalog)?;
    let check = Check { base: &base, catalog };
    let spans: BTreeMap<String, _> =
        entries.iter().map(|(key, value)| (key.get_ref().to_string(), value.span())).collect();
    let values: BTreeMap<String, AcceleratorValues> =
        BTreeMap::deserialize(toml::Deserializer::from(Spanned::new(table.span(), entries)))
            .map_err(|e| source.toml(&e))?;
    for (name, taken) in check.taken(&values) {
        check.values(name, taken).map_err(|message| {
            source.error(spans.get(name).cloned().unwrap_or_else(|| table.span()), message)
        })?;
    }
    Ok(codebench_space::AcceleratorDescription::described(base, values))
}

/// Where module `index` of an accelerator file starts.
fn place(table: &DeTable<'_>, index: usize) -> std::ops::Range<usize> {
    let module = match table.get("module").map(Spanned::get_ref) {
        Some(DeValue::Array(modules)) => modules.get(index),
        _ => None,
    };
    let Some(module) = module else { return 0..0 };
    match module.get_ref() {
        DeValue::Table(table) => table.get("plugin").map_or(module.span(), Spanned::span),
        _ => module.span(),
    }
}

/// The kind of plugin that a role takes.
fn kind_of(role: Role) -> Kind {
    if role == Role::Memory { Kind::Memory } else { Kind::AccelModule }
}

/// The ids of the plugins that modules of `base` may name, with what they are for: the file's own, and those among `values`.
pub(crate) fn plugins(
    base: &AcceleratorDescription,
    values: impl Fn(&str) -> Vec<ParameterValue>,
) -> Vec<(String, String)> {
    let mut plugins = Vec::new();
    for (i, module) in base.module.iter().enumerate() {
        let role = format!("module {:02} {}", i + 1, module.role);
        let Some(name) = module.plugin.strip_prefix('$') else {
            plugins.push((role, module.plugin.clone()));
            continue;
        };
        let mut ids: Vec<ParameterValue> = values(name);
        ids.extend(base.parameters.get(name).cloned());
        let mut ids: Vec<&str> = ids.iter().filter_map(ParameterValue::as_str).collect();
        ids.sort_unstable();
        ids.dedup();
        match ids.as_slice() {
            [id] => plugins.push((role, (*id).to_owned())),
            ids => plugins.extend(ids.iter().map(|id| (format!("{role}: {id}"), (*id).to_owned()))),
        }
    }
    plugins
}

struct Check<'a> {
    base: &'a AcceleratorDescription,
    catalog: &'a Catalog,
}

impl Check<'_> {
    /// The lists by parameter: its own, or that of the parameter whose value it shares.
    fn taken<'v>(
        &self,
        values: &'v BTreeMap<String, AcceleratorValues>,
    ) -> impl Iterator<Item = (&'v str, &'v ValueList)> {
        values.iter().filter_map(|(name, entry)| {
            let list = match entry {
                AcceleratorValues::SameAs { same_as } => values.get(same_as)?,
                other => other,
            };
            match list {
                AcceleratorValues::List(list) => Some((name.as_str(), list)),
                _ => None,
            }
        })
    }

    /// Whether the module can be made with the defaults.
    fn module(&self, module: &DescribedModule) -> Result<(), String> {
        let id = match module.plugin.strip_prefix('$') {
            None => module.plugin.as_str(),
            Some(name) => {
                let default = self.base.parameters.get(name);
                default.and_then(ParameterValue::as_str).ok_or_else(|| {
                    format!(
                        "`${name}` names no plugin: give `[parameters]` a text `{name}` with the id of one"
                    )
                })?
            }
        };
        self.plugin(module.role, id)?;
        let parameters = self.resolved(module, &self.base.parameters)?;
        self.catalog.complete(id, &parameters).map(drop).map_err(|e| e.to_string())
    }

    fn plugin(&self, role: Role, id: &str) -> Result<(), String> {
        let (entry, kind) = (self.catalog.get(id).map_err(|e| e.to_string())?, kind_of(role));
        match entry.kind() == kind {
            true => Ok(()),
            false => Err(format!(
                "plugin `{id}` is of kind {}, but the role {role} needs kind {kind}: name another",
                entry.kind()
            )),
        }
    }

    /// The parameters of a module with its references replaced.
    fn resolved(&self, module: &DescribedModule, named: &Parameters) -> Result<Parameters, String> {
        let value = |value: &ParameterValue| match value.as_str().and_then(|text| text.strip_prefix('$')) {
            None => Ok(value.clone()),
            Some(name) => named.get(name).cloned().ok_or_else(|| {
                format!("`${name}` is no parameter of the accelerator: add it to `[parameters]`")
            }),
        };
        module.parameters.iter().map(|(name, given)| Ok((name.clone(), value(given)?))).collect()
    }

    /// Whether every module that reads parameter `name` takes each value of the list.
    fn values(&self, name: &str, list: &ValueList) -> Result<(), String> {
        let reference = format!("${name}");
        for value in &list.0 {
            if matches!(&self.base.batch, Count::Reference(r) if *r == reference)
                && value.as_i64().is_none_or(|n| n < 1)
            {
                return Err(format!("{value} images per inference: give a whole number from 1"));
            }
            let named = {
                let mut named = self.base.parameters.clone();
                named.insert(name.to_owned(), value.clone());
                named
            };
            for module in &self.base.module {
                let reads = module.parameters.values().any(|v| v.as_str() == Some(&reference));
                let id = match module.plugin.strip_prefix('$') {
                    // Checked with each plugin's own values: which goes with which, the file does not say.
                    Some(chosen) if chosen != name => continue,
                    Some(_) => value.as_str().unwrap_or_default(),
                    None if reads => module.plugin.as_str(),
                    None => continue,
                };
                self.plugin(module.role, id)?;
                let parameters = self.resolved(module, &named)?;
                self.catalog.complete(id, &parameters).map_err(|e| e.to_string())?;
            }
        }
        Ok(())
    }
}
