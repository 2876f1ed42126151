//! Every plugin that a result depends on, with the version and the hash that memo keys and the store hold.

use crate::experiment::{EvaluatorUse, Experiment, accelerator_plugins};
use crate::store::PluginRow;
use codebench_api::{Catalog, Entry, Reads};
use codebench_cnn::Language;
use codebench_model::{CnnTemplate, ParameterValue, Parameters, Space};
use std::collections::{BTreeMap, BTreeSet};

/// What an evaluator's answer depends on beside its own plugin: the plugins that it needs, and the modules of a described
/// accelerator if it reads that; versions with the hashes of files, by id.
pub(super) fn behind(
    used: &EvaluatorUse,
    reads: &Reads,
    experiment: &Experiment,
    catalog: &Catalog,
) -> BTreeMap<String, String> {
    let modules = if reads.accelerator { modules(&experiment.space) } else { Vec::new() };
    let modules = modules.iter().filter_map(|(_, id)| catalog.get(id).ok());
    needed(&used.plugin, &used.parameters, catalog).chain(modules).map(versioned).collect()
}

/// Id of a plugin, and its version with the hash of its file.
pub(crate) fn versioned(entry: &Entry) -> (String, String) {
    let hash = entry.sha256.as_ref().map(|hash| format!(" {hash}")).unwrap_or_default();
    (entry.info.id.clone(), entry.info.version.clone() + &hash)
}

/// The row of a plugin in a store.
pub(crate) fn row(role: String, entry: &Entry) -> PluginRow {
    let (id, version) = (entry.info.id.clone(), entry.info.version.clone());
    PluginRow {
        role,
        id,
        version,
        source: entry.source.clone(),
        form: entry.form,
        sha256: entry.sha256.clone(),
    }
}

/// The plugins that a plugin's parameters, which are complete, name, of the kinds that it needs.
pub(crate) fn needed<'a>(
    plugin: &str,
    parameters: &'a Parameters,
    catalog: &'a Catalog,
) -> impl Iterator<Item = &'a Entry> {
    let kinds = catalog.get(plugin).map(|entry| entry.info.needs.clone()).unwrap_or_default();
    let named = parameters.values().filter_map(ParameterValue::as_str);
    named.filter_map(|id| catalog.get(id).ok()).filter(move |entry| kinds.contains(&entry.kind()))
}

/// The modules of a described accelerator by role; none for the paper's template, which is part of the program.
fn modules(space: &Space) -> Vec<(String, String)> {
    let Some(template) = &space.accelerator else { return Vec::new() };
    let Some(base) = &template.base else { return Vec::new() };
    accelerator_plugins(base, |parameter| {
        let chosen = template.assignments.iter().filter(|a| a.parameters.iter().any(|p| p == parameter));
        chosen.filter_map(|a| space.choices.get(a.choice)).flat_map(|c| c.values.clone()).collect()
    })
}

/// The ids of the operations that the CNNs of a space may have.
fn operations(space: &Space, language: &Language) -> BTreeSet<String> {
    let mut labels: Vec<&str> = Vec::new();
    let of_cells;
    match &space.cnn {
        None => {}
        Some(CnnTemplate::Networks { graphs, .. }) => {
            let vertices = graphs.iter().flat_map(|g| &g.modules).flat_map(|m| &m.vertices);
            labels.extend(vertices.map(|vertex| vertex.label.as_str()));
        }
        Some(CnnTemplate::Modules { stem, between, modules, head, .. }) => {
            let choices = modules.iter().flat_map(|m| &m.ops).chain([&head.flatten]).chain(&head.dense);
            let values = choices.filter_map(|c| space.choices.get(*c)).flat_map(|c| &c.values);
            labels.extend(values.filter_map(ParameterValue::as_str));
            labels.extend(stem.iter().chain(between).map(String::as_str));
            labels.push("dense_classes");
        }
        Some(CnnTemplate::Cells(cells)) => {
            of_cells = cells.labels();
            labels.extend(of_cells.iter().map(String::as_str));
        }
    }
    labels.into_iter().filter_map(|label| language.plugin(label)).map(str::to_owned).collect()
}

/// The plugins of the experiment by role.
pub(super) fn rows(experiment: &Experiment, language: &Language, catalog: &Catalog) -> Vec<PluginRow> {
    let strategy = &experiment.strategy;
    let mut used = vec![("strategy".to_owned(), &strategy.plugin, &strategy.parameters)];
    used.extend(
        experiment.evaluators.iter().map(|e| (format!("evaluator {}", e.id), &e.plugin, &e.parameters)),
    );
    let mut roles = Vec::new();
    for (role, plugin, parameters) in used {
        let needed = needed(plugin, parameters, catalog).map(|entry| entry.info.id.clone());
        roles.extend(needed.map(|id| (format!("{role}: {id}"), id)));
        roles.push((role, plugin.clone()));
    }
    roles.extend(modules(&experiment.space));
    roles.extend(
        operations(&experiment.space, language).into_iter().map(|id| (format!("operation {id}"), id)),
    );
    let known = |(role, id): (String, String)| Some(row(role, catalog.get(&id).ok()?));
    let mut rows: Vec<PluginRow> = roles.into_iter().filter_map(known).collect();
    rows.sort_by(|a, b| a.role.cmp(&b.role));
    rows.dedup_by(|a, b| a.role == b.role);
    rows
}
