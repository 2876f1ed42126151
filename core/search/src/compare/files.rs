//! The files of a comparison.

use super::chart;
use super::result::Comparison;
use crate::csv_text;
use crate::error::SearchError;
use crate::store::write_atomically;
use std::path::Path;

/// Writes all of them.
pub(super) fn write(comparison: &Comparison, out: &Path) -> Result<(), SearchError> {
    let rows = |file: &'static str, rows: Vec<Vec<String>>| {
        csv_text(rows)
            .map(|bytes| (file, bytes))
            .map_err(|e| SearchError::Output { file, reason: e.to_string() })
    };
    let files = [
        ("comparison.txt", comparison.text().into_bytes()),
        ("comparison.svg", chart::svg(comparison).into_bytes()),
        rows("curves.csv", curves(comparison))?,
        rows("runs.csv", runs(comparison))?,
        rows("pairs.csv", pairs(comparison))?,
    ];
    for (file, bytes) in files {
        write_atomically(&out.join(file), &bytes)?;
    }
    Ok(())
}

fn header(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn curves(comparison: &Comparison) -> Vec<Vec<String>> {
    let mut rows = vec![header(&["strategy", "query", "mean_regret", "low_95", "high_95"])];
    for strategy in &comparison.strategies {
        for (query, (mean, low, high)) in strategy.curve.iter().enumerate() {
            let numbers = [mean, low, high].map(|x| format!("{x:?}"));
            rows.push([vec![strategy.name.clone(), (query + 1).to_string()], numbers.to_vec()].concat());
        }
    }
    rows
}

fn runs(comparison: &Comparison) -> Vec<Vec<String>> {
    let names =
        ["strategy", "seed", "final_regret", "area", "queries_to_target", "trials", "infeasible", "failed"];
    let mut rows = vec![header(&names)];
    let seeds = usize::try_from(comparison.seeds).unwrap_or(0).max(1);
    for (i, run) in comparison.runs.iter().enumerate() {
        let (strategy, seed) = (&comparison.strategies[run.strategy], i % seeds);
        let to_target = strategy.to_target.get(seed).filter(|q| q.is_finite());
        rows.push(vec![
            strategy.name.clone(),
            run.seed.to_string(),
            format!("{:?}", strategy.finals[seed]),
            format!("{:?}", strategy.areas[seed]),
            to_target.map_or_else(String::new, ToString::to_string),
            run.values.len().to_string(),
            run.infeasible.to_string(),
            run.failed.to_string(),
        ]);
    }
    rows
}

fn pairs(comparison: &Comparison) -> Vec<Vec<String>> {
    let mut rows = vec![header(&["first", "second", "area_difference", "p_area", "p_final", "p_queries"])];
    for pair in &comparison.pairs {
        rows.push(vec![
            comparison.strategies[pair.strategies.0].name.clone(),
            comparison.strategies[pair.strategies.1].name.clone(),
            format!("{:?}", pair.area_difference),
            format!("{:?}", pair.area_p),
            format!("{:?}", pair.final_p),
            pair.target_p.map_or_else(String::new, |p| format!("{p:?}")),
        ]);
    }
    rows
}
