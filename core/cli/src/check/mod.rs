//! Checks in a process of their own: the command starts itself as a worker, which says before each check that it begins
//! and after it what came of it; the command outlives whatever the plugin does to the worker.

mod watch;

pub(crate) use watch::{Watch, own_worker};

use crate::{Failure, OrFail, built_in, catalog, plugins};
use codebench_api::Catalog;
use codebench_conformance::{Check, Options, Outcome, Report, checks, run_check};
use codebench_host::wasm::WasmLimits;
use codebench_host::{PluginFile, ReadFile};
use codebench_model::parameter::nearest;
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::path::Path;

/// What is to be checked, with everything loaded: only a worker has this.
pub(crate) struct Plan {
    catalog: Catalog,
    reports: Vec<Report>,
    /// By report.
    options: Vec<Options>,
}

impl Plan {
    /// The checks of the plugin `target`, or of every plugin of the file `target`.
    /// Parameters are given as `NAME` or `ID.NAME`, with a value, to the plugins that have them.
    pub(crate) fn new(
        target: &str,
        limits: WasmLimits,
        options: &Options,
        given: &[(String, String)],
    ) -> Result<Plan, Failure> {
        let path = Path::new(target);
        // No id has a dot.
        let (catalog, reports) = if path.is_file() || target.contains('.') {
            let sha256 = Some(ReadFile::read(path, None).usage()?.sha256);
            let catalog = plugins::catalog_and(built_in()?, PluginFile { limits, ..PluginFile::at(path) })?;
            let of_file = catalog.entries().filter(|e| e.sha256 == sha256);
            let reports: Vec<Report> = of_file.map(|e| Report::new(e, options.seed)).collect();
            if reports.is_empty() {
                return Err(Failure::of_usage(format!("`{target}` holds no plugin that is not built in")));
            }
            (catalog, reports)
        } else {
            if limits != WasmLimits::default() {
                return Err(Failure::of_usage(format!(
                    "--limit with `{target}`: limits are those of a file; give the file instead of the id"
                )));
            }
            let catalog = catalog()?;
            let reports = vec![Report::new(catalog.get(target).usage()?, options.seed)];
            (catalog, reports)
        };
        let options = with_parameters(&catalog, &reports, options, given)?;
        Ok(Plan { catalog, reports, options })
    }
}

/// The options of each report, with the parameters that its plugin has among those that are given.
fn with_parameters(
    catalog: &Catalog,
    reports: &[Report],
    options: &Options,
    given: &[(String, String)],
) -> Result<Vec<Options>, Failure> {
    let mut all = vec![options.clone(); reports.len()];
    for (place, word) in given {
        // No id has a dot, no name a slash.
        let (id, name) = match place.split_once('.') {
            Some((id, name)) if id.contains('/') => (Some(id), name),
            _ => (None, place.as_str()),
        };
        let mut known: Vec<String> = Vec::new();
        let mut found = false;
        for (report, options) in reports.iter().zip(&mut all) {
            if id.is_some_and(|id| id != report.id) {
                continue;
            }
            let described = &catalog.get(&report.id).usage()?.info.parameters;
            known.extend(described.iter().map(|parameter| parameter.name.clone()));
            let Some(parameter) = described.iter().find(|parameter| parameter.name == name) else { continue };
            let value = parameter.check(&parameter.read(word));
            let value = value.map_err(|error| Failure::of_usage(format!("--set {place}: {error}")))?;
            options.parameters.insert(name.to_owned(), value);
            found = true;
        }
        if !found {
            let near = nearest(name, known.iter().map(String::as_str));
            let near = near.map(|near| format!(" (did you mean `{near}`?)")).unwrap_or_default();
            return Err(Failure::of_usage(format!(
                "--set {place}: no plugin that is checked has a parameter `{name}`{near}; known: {}",
                if known.is_empty() { "none".to_owned() } else { known.join(", ") }
            )));
        }
    }
    Ok(all)
}

/// All checks of these plugins, in order: the index of the report, and the check.
fn all_checks(reports: &[Report]) -> Vec<(usize, Check)> {
    let of = |(i, report): (usize, &Report)| checks(report.kind).into_iter().map(move |check| (i, check));
    reports.iter().enumerate().flat_map(of).collect()
}

/// A line from the worker.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Message {
    /// What will be checked: reports without outcomes. The first message.
    Plan(Vec<Report>),
    /// The check of this number begins.
    Begin(usize),
    /// It has ended.
    End(usize, Outcome),
}

/// Before every message, so that what a plugin prints is told apart.
const MARK: &str = "codebench-check ";

/// Says the plan, runs its checks from number `from` on and streams their outcomes.
pub(crate) fn worker(plan: &Plan, from: usize, out: &mut dyn Write) -> Result<(), Failure> {
    // A panic is an outcome; the report quotes it.
    std::panic::set_hook(Box::new(|_| {}));
    let mut say = |message: Message| -> Result<(), Failure> {
        // A line of its own, whatever the plugin has printed before it.
        writeln!(out, "\n{MARK}{}", serde_json::to_string(&message).failure()?)?;
        Ok(out.flush()?)
    };
    say(Message::Plan(plan.reports.clone()))?;
    for (number, (report, check)) in all_checks(&plan.reports).into_iter().enumerate().skip(from) {
        say(Message::Begin(number))?;
        let outcome =
            run_check(&plan.catalog, &plan.reports[report].id, check, &plan.options[report]).failure()?;
        say(Message::End(number, outcome))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_go_to_the_plugins_that_have_them() {
        let plan = |place: &str, word: &str| {
            let given = [(place.to_owned(), word.to_owned())];
            Plan::new("codebench/mac-lanes", WasmLimits::default(), &Options::default(), &given)
        };
        let refused = |place: &str, word: &str| plan(place, word).err().and_then(|e| e.text()).unwrap();
        let options = &plan("activation_set", "relu").unwrap().options[0];
        assert_eq!(options.parameters["activation_set"].as_str(), Some("relu"));
        assert!(plan("codebench/mac-lanes.pib", "4").is_ok());
        assert!(refused("pib", "0").contains("--set pib: parameter `pib` = 0 is out of range"));
        assert!(refused("pibb", "1").contains("(did you mean `pib`?)"));
        assert!(refused("codebench/dma.pib", "4").contains("no plugin that is checked has"));
    }
}
