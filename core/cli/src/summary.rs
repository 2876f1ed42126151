//! The few lines with which a run ends; the report has the rest.

use crate::progress::clock;
use codebench_model::Block;
use codebench_search::{BestCandidate, Outcome, Summary};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

/// Columns of the text.
const WIDTH: usize = 100;

/// What came of a run that took `time`.
pub fn text(summary: &Summary, time: Duration) -> String {
    let counts = summary.counts;
    let mut text = format!(
        "{}: {} of {} trials ({} ok, {} infeasible, {} failed) in {}\n",
        summary.name,
        counts.total(),
        summary.trials,
        counts.ok,
        counts.infeasible,
        counts.failed,
        clock(time)
    );
    text += match summary.outcome {
        Outcome::Completed => "",
        Outcome::Exhausted => "Every candidate of the space is evaluated.\n",
        Outcome::StrategyDone => "The strategy has no more to propose.\n",
        Outcome::Interrupted => "Stopped. The same command with --resume goes on.\n",
    };
    if let Some((reason, times)) = &summary.main_reason
        && counts.ok < counts.total() / 2
    {
        text += &format!("Most frequent reason of trials without a result ({times} times): {reason}\n");
    }
    match &summary.best {
        Some(best) => text += &best_text(best, summary.front.len()),
        None if counts.total() > 0 => text += "No trial has a result, so there is no best candidate.\n",
        None => {}
    }
    for file in &summary.files {
        text += &format!("wrote {}\n", file.display());
    }
    text
}

fn best_text(best: &BestCandidate, front: usize) -> String {
    let objectives: Vec<String> = best.objectives.iter().map(|x| number(*x)).collect();
    let mut text = format!("Best candidate: trial {}, objective {}", best.trial, objectives.join(", "));
    if objectives.len() > 1 {
        text += &format!(" (a compromise on a Pareto front of {front})");
    }
    text.push('\n');
    if !best.feasible {
        text += "  It violates a constraint, as every trial does.\n";
    }
    for (evaluator, metrics) in &best.metrics {
        let values = metrics.values.iter().map(|(name, value)| format!("{name} {}", number(*value)));
        text += &wrapped(evaluator, values);
    }
    for (group, values) in grouped(best) {
        text += &wrapped(group, values.into_iter());
    }
    if let Some(reason) = &best.final_failure {
        text += &format!("  The final measurement failed: {reason}\n");
    }
    text
}

/// Choices of the CNN, of the accelerator, and others; edges of modules are for the report.
fn grouped(best: &BestCandidate) -> BTreeMap<&'static str, Vec<String>> {
    let mut groups: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (name, value) in best.values.iter().filter(|(name, _)| !name.contains(".edge.")) {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let (group, name) = match best.blocks.get(name) {
            Some(Block::Cnn) => ("cnn", name.strip_prefix("cnn.").unwrap_or(name)),
            Some(Block::Accelerator) => ("accelerator", name.as_str()),
            None => ("choices", name.as_str()),
        };
        groups.entry(group).or_default().push(format!("{name} {value}"));
    }
    groups
}

/// `  head  a, b, c`, broken into lines.
fn wrapped(head: &str, items: impl Iterator<Item = String>) -> String {
    const INDENT: usize = 15;
    let mut text = format!("  {head:<width$} ", width = INDENT - 3);
    let mut column = text.chars().count();
    for (i, item) in items.enumerate() {
        let length = item.chars().count();
        if i > 0 {
            text.push(',');
            if column + length + 2 > WIDTH {
                // Writing to a string does not fail.
                let _ = write!(text, "\n{:INDENT$}", "");
                column = INDENT;
            } else {
                text.push(' ');
                column += 2;
            }
        }
        text += &item;
        column += length;
    }
    text.push('\n');
    text
}

/// Five digits: plain where they are easy to read, with an exponent elsewhere.
fn number(x: f64) -> String {
    let size = x.abs();
    if x == x.trunc() && size < 1e15 {
        format!("{x}")
    } else if (1e-3..1e5).contains(&size) {
        let text = format!("{x:.4}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        format!("{x:.4e}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use codebench_model::{Metrics, ParameterValue};
    use codebench_search::Counts;

    #[test]
    fn numbers_are_short() {
        assert_eq!(
            [0.0, 28938.0, 0.992565, 9.19732e-7, 150.0].map(number),
            ["0", "28938", "0.9926", "9.1973e-7", "150"]
        );
    }

    #[test]
    fn the_text_names_what_a_user_asks_for() {
        let metrics =
            Metrics { values: BTreeMap::from([("test_accuracy".into(), 0.99)]), ..Metrics::default() };
        let values =
            [("cnn.stacks", 2), ("cnn.stack0.edge.v1-v2", 1), ("edge_1_0", 3), ("pib", 4), ("lr", 5)];
        let blocks = [("cnn.stacks", Block::Cnn), ("edge_1_0", Block::Cnn), ("pib", Block::Accelerator)];
        let summary = Summary {
            name: "q".into(),
            outcome: Outcome::Completed,
            trials: 4,
            counts: Counts { ok: 3, infeasible: 1, failed: 0 },
            space_size: "10".into(),
            best: Some(BestCandidate {
                trial: 2,
                values: values.map(|(k, v)| (k.to_owned(), ParameterValue::Integer(v))).into(),
                blocks: blocks.map(|(k, block)| (k.to_owned(), block)).into(),
                objectives: vec![0.5],
                feasible: true,
                metrics: BTreeMap::from([("train".into(), metrics)]),
                final_failure: None,
            }),
            front: vec![2],
            main_reason: None,
            note: None,
            files: vec!["out/report.html".into()],
        };
        assert_eq!(
            text(&summary, Duration::from_secs(70)),
            "q: 4 of 4 trials (3 ok, 1 infeasible, 0 failed) in 1:10\n\
             Best candidate: trial 2, objective 0.5\n  \
             train        test_accuracy 0.99\n  \
             accelerator  pib 4\n  \
             choices      lr 5\n  \
             cnn          stacks 2, edge_1_0 3\n\
             wrote out/report.html\n"
        );
    }
}
