//! What a tuning comes to, and its files.

use super::file::Tuning;
use super::space::RecipeSpace;
use crate::error::SearchError;
use crate::objective::Goal;
use crate::store::{self, Store};
use crate::{Outcome, canonical, csv_text, wall_csv};
use codebench_model::{Recipe, Status};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// One configuration at one rung.
#[derive(Debug, Clone, PartialEq)]
pub struct RungRecord {
    /// In order of starting, from 0.
    pub number: u64,
    /// The configuration, from 0.
    pub configuration: u64,
    /// The rung, from 0.
    pub rung: usize,
    /// Epochs that the configuration has been trained for in all.
    pub epochs: u64,
    /// Epochs that were trained for this record.
    pub trained_epochs: u64,
    /// When it started in virtual time, epochs.
    pub start: u64,
    /// How it ended.
    pub status: Status,
    /// Why it is not `ok`.
    pub reason: Option<String>,
    /// The metric by which recipes are told.
    pub value: Option<f64>,
    /// The fields of the space that the recipe reads.
    pub values: BTreeMap<String, Value>,
    /// The recipe of this rung.
    pub recipe: Recipe,
    /// All that the evaluator gave.
    pub metrics: BTreeMap<String, f64>,
}

/// All results of one rung.
#[derive(Debug, Clone, PartialEq)]
pub struct Rung {
    /// Epochs at which it lies.
    pub epochs: u64,
    /// Configurations that reached it.
    pub reached: u64,
    /// Those of them without a result.
    pub failed: u64,
    /// Those that went on to the next rung.
    pub promoted: u64,
    /// The best record.
    pub best: Option<RungRecord>,
}

/// What a tuning comes to.
#[derive(Debug, Clone, PartialEq)]
pub struct TuneSummary {
    /// Name of the tuning.
    pub name: String,
    /// Why it ended.
    pub outcome: Outcome,
    /// The metric by which recipes are told.
    pub metric: String,
    /// Every rung, ascending.
    pub rungs: Vec<Rung>,
    /// Epochs trained in all.
    pub epochs: u64,
    /// The best record of the highest rung that has a result.
    pub best: Option<RungRecord>,
    /// Its metrics once more, with those of the test split.
    pub measured: BTreeMap<String, f64>,
    /// Why that measurement failed, if it did.
    pub final_failure: Option<String>,
    /// Every record in order of starting.
    pub records: Vec<RungRecord>,
    /// Files written.
    pub files: Vec<PathBuf>,
}

impl TuneSummary {
    /// The best recipe as the table `[recipe]` of an experiment.
    pub fn recipe_table(&self) -> Option<String> {
        self.best.as_ref().map(recipe_table)
    }
}

/// `[recipe]` with the fields that were looked for, the number of epochs, and every other field that is not the default.
fn recipe_table(record: &RungRecord) -> String {
    let defaults = RecipeSpace::fields();
    let mut text = String::from("[recipe]\n");
    if let Value::Object(fields) = canonical::to_value(&record.recipe) {
        for (name, value) in fields {
            if name == "epochs" || record.values.contains_key(&name) || defaults.get(&name) != Some(&value) {
                text += &format!("{name} = {value}\n");
            }
        }
    }
    text
}

/// The better of two records with results; the earlier configuration of equals.
fn better<'r>(goal: Goal, a: &'r RungRecord, b: &'r RungRecord) -> &'r RungRecord {
    let score = |record: &RungRecord| match goal {
        Goal::Maximise => record.value.unwrap_or(f64::NEG_INFINITY),
        Goal::Minimise => -record.value.unwrap_or(f64::INFINITY),
    };
    let order = score(a).total_cmp(&score(b)).then(b.configuration.cmp(&a.configuration));
    if order.is_lt() { b } else { a }
}

/// The rungs of `records`.
pub(super) fn rungs(epochs: &[u64], records: &[RungRecord], goal: Goal) -> Vec<Rung> {
    let of = |rung: usize| records.iter().filter(move |record| record.rung == rung);
    let count = |rung: usize| of(rung).count() as u64;
    let rung = |(rung, epochs): (usize, &u64)| Rung {
        epochs: *epochs,
        reached: count(rung),
        failed: of(rung).filter(|record| record.value.is_none()).count() as u64,
        promoted: count(rung + 1),
        best: of(rung).filter(|record| record.value.is_some()).reduce(|a, b| better(goal, a, b)).cloned(),
    };
    epochs.iter().enumerate().map(rung).collect()
}

/// Writes everything that a user reads; each file appears whole or not at all.
pub(super) fn write(
    summary: &TuneSummary,
    tuning: &Tuning,
    store: &Store,
    out: &Path,
) -> Result<Vec<PathBuf>, SearchError> {
    let failed = |file| move |e: csv::Error| SearchError::Output { file, reason: e.to_string() };
    let mut files = vec![
        ("records.csv", records_csv(summary, tuning).map_err(failed("records.csv"))?),
        ("wall.csv", wall_csv::write(&store.wall()?).map_err(failed("wall.csv"))?),
    ];
    files.extend(summary.recipe_table().map(|table| ("best-recipe.toml", table.into_bytes())));
    let mut written = Vec::new();
    for (name, bytes) in files {
        let path = out.join(name);
        store::write_atomically(&path, &bytes)?;
        written.push(path);
    }
    Ok(written)
}

fn records_csv(summary: &TuneSummary, tuning: &Tuning) -> Result<Vec<u8>, csv::Error> {
    let metrics: BTreeSet<&String> =
        summary.records.iter().flat_map(|record| record.metrics.keys()).collect();
    let fixed =
        ["number", "configuration", "rung", "epochs", "trained_epochs", "start", "end", "status", "reason"];
    let mut header: Vec<String> = fixed.map(String::from).to_vec();
    header.extend(tuning.space.0.keys().map(|name| format!("recipe.{name}")));
    header.extend(metrics.iter().map(|name| (*name).clone()));
    let row =
        |record: &RungRecord| {
            let RungRecord { number, configuration, rung, epochs, trained_epochs, start, .. } = record;
            let end = start + trained_epochs;
            let counts = [*number, *configuration, *rung as u64, *epochs, *trained_epochs, *start, end];
            let mut row: Vec<String> = counts.iter().map(u64::to_string).collect();
            row.extend([record.status.name().to_owned(), record.reason.clone().unwrap_or_default()]);
            row.extend(tuning.space.0.keys().map(|name| match record.values.get(name) {
                Some(Value::String(text)) => text.clone(),
                Some(value) => value.to_string(),
                None => String::new(),
            }));
            row.extend(metrics.iter().map(|name| {
                record.metrics.get(*name).map_or_else(String::new, |value| format!("{value:?}"))
            }));
            row
        };
    csv_text(std::iter::once(header).chain(summary.records.iter().map(row)))
}
