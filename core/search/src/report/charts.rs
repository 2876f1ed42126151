//! The charts of a report.

use super::Report;
use super::scale::{Scale, Unit, plain_name, short, with_unit};
use super::svg::{BOTTOM, HEIGHT, LEFT, RIGHT, Svg, TOP, WIDTH};
use crate::objective::{Aim, Goal, MetricName, pareto_front};
use codebench_model::{Metrics, Record, Status};
use serde::Serialize;
use std::collections::BTreeMap;

/// A drawing with its heading and explanation.
#[derive(Debug, Serialize)]
pub(super) struct Chart {
    title: String,
    caption: String,
    svg: String,
}

/// Trials drawn beside the front; more would only be a blot.
const MOST_POINTS: usize = 1500;
/// Layers drawn in the chart of layers.
const MOST_LAYERS: usize = 60;

struct Point<'a> {
    record: &'a Record,
    x: f64,
    y: f64,
}

/// One scatter per pair of metrics that the objective weighs against each other.
pub(super) fn trade_offs(report: &Report<'_>) -> Vec<Chart> {
    let metrics: Vec<(&MetricName, Goal)> =
        report.experiment.objective.metrics().into_iter().filter_map(|(m, goal)| Some((m, goal?))).collect();
    let Some(&y) = metrics.iter().find(|(_, goal)| *goal == Goal::Maximise).or(metrics.first()) else {
        return Vec::new();
    };
    let others =
        metrics.iter().filter(|(m, goal)| *m != y.0 && (*goal == Goal::Minimise || y.1 == Goal::Minimise));
    others.take(4).filter_map(|&x| scatter(report, x, y)).collect()
}

fn scatter(report: &Report<'_>, x: (&MetricName, Goal), y: (&MetricName, Goal)) -> Option<Chart> {
    let value = |record: &Record, metric: &MetricName| {
        record.metrics.get(&metric.evaluator).and_then(|m| m.values.get(&metric.metric)).copied()
    };
    let point = |record| Some(Point { record, x: value(record, x.0)?, y: value(record, y.0)? });
    let ok = report.records.iter().filter(|r| r.status == Status::Ok);
    let points: Vec<Point<'_>> = ok.filter_map(point).collect();
    if points.is_empty() {
        return None;
    }
    let largest = |of: fn(&Point<'_>) -> f64| points.iter().map(of).fold(0.0, |a: f64, b| a.max(b.abs()));
    let (x_unit, y_unit) = (Unit::of(&x.0.metric, largest(|p| p.x)), Unit::of(&y.0.metric, largest(|p| p.y)));
    let xs = Scale::new(points.iter().map(|p| x_unit.convert(p.x)), LEFT, WIDTH - RIGHT);
    let ys = Scale::new(points.iter().map(|p| y_unit.convert(p.y)), HEIGHT - BOTTOM, TOP);
    let at = |p: &Point<'_>| (xs.at(x_unit.convert(p.x)), ys.at(y_unit.convert(p.y)));
    let feasible: Vec<&Point<'_>> = points.iter().filter(|p| p.record.violation == 0.0).collect();
    let better = |value: f64, goal: Goal| if goal == Goal::Maximise { value } else { -value };
    let values: Vec<Vec<f64>> = feasible.iter().map(|p| vec![better(p.x, x.1), better(p.y, y.1)]).collect();
    let mut front: Vec<&Point<'_>> = pareto_front(&values).into_iter().map(|i| feasible[i]).collect();
    front.sort_by(|a, b| a.x.total_cmp(&b.x).then(a.y.total_cmp(&b.y)));

    let label = format!("{} against {}", y.0, x.0);
    let mut svg = Svg::new(WIDTH, HEIGHT, &label);
    svg.axes(&xs, &ys, &x_unit.title(&x.0.metric), &y_unit.title(&y.0.metric));
    let note = |p: &Point<'_>| {
        let (x_text, y_text) = (with_unit(&x.0.metric, p.x), with_unit(&y.0.metric, p.y));
        format!("trial {}: {} = {y_text}, {} = {x_text}", p.record.trial, y.0, x.0)
    };
    let every = points.len().div_ceil(MOST_POINTS);
    for p in points.iter().step_by(every) {
        let class = if p.record.violation == 0.0 { "trial" } else { "trial violating" };
        let (px, py) = at(p);
        svg.point(class, px, py, 3.5, &note(p));
    }
    svg.line("front", &staircase(&front.iter().map(|p| at(p)).collect::<Vec<_>>()));
    for p in &front {
        let (px, py) = at(p);
        svg.point("best-trial", px, py, 4.5, &note(p));
    }
    if let Some(best) = &report.summary.best
        && let Some(p) = points.iter().find(|p| p.record.trial == best.trial)
    {
        let (px, py) = at(p);
        svg.point("chosen", px, py, 8.0, &format!("the best pair, {}", note(p)));
    }
    let thinned = if every > 1 { format!(" One trial in {every} is drawn.") } else { String::new() };
    let violating = points.len() - feasible.len();
    let hollow = if violating > 0 { " Hollow trials violate a constraint." } else { "" };
    Some(Chart {
        title: format!("{} against {}", plain_name(&y.0.metric), plain_name(&x.0.metric)),
        caption: format!(
            "{} trials; the line is their Pareto front, the ring the best pair.{hollow}{thinned}",
            points.len()
        ),
        svg: svg.finish(),
    })
}

/// Between two points of a front nothing better is known than the worse of both.
fn staircase(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut line: Vec<(f64, f64)> = Vec::new();
    for &(x, y) in points {
        if let Some(&(_, before)) = line.last() {
            // Pixels grow downwards: the worse of both is the larger.
            line.push(if y < before { (x, before) } else { (line[line.len() - 1].0, y) });
        }
        line.push((x, y));
    }
    line
}

/// Objective of each trial and the best so far; one chart per axis of a Pareto front.
pub(super) fn progress(report: &Report<'_>) -> Vec<Chart> {
    match &report.experiment.objective.aim {
        Aim::WeightedSum(_) => curve(report, 0, "objective", 1.0).into_iter().collect(),
        Aim::Pareto(axes) => axes
            .iter()
            .enumerate()
            .take(4)
            .filter_map(|(i, axis)| {
                let sign = if axis.goal == Goal::Maximise { 1.0 } else { -1.0 };
                curve(report, i, &axis.metric.to_string(), sign)
            })
            .collect(),
    }
}

/// `sign` turns an objective, of which larger is better, into the value that is drawn.
fn curve(report: &Report<'_>, axis: usize, name: &str, sign: f64) -> Option<Chart> {
    let ok = report.records.iter().filter(|r| r.status == Status::Ok);
    let values: Vec<(&Record, f64)> = ok.filter_map(|r| Some((r, *r.objectives.get(axis)?))).collect();
    let last = report.records.last()?.trial;
    let metric = name.rsplit('.').next().unwrap_or(name);
    let unit = Unit::of(metric, values.iter().fold(0.0, |a: f64, (_, x)| a.max(x.abs())));
    let shown = |x: f64| unit.convert(sign * x);
    let floor = floor(&values)?;
    let drawn = || values.iter().filter(|(_, x)| *x >= floor);
    let ys = Scale::linear(drawn().map(|(_, x)| shown(*x)), HEIGHT - BOTTOM, TOP);
    let xs = Scale::linear([1.0, (last + 1) as f64].into_iter(), LEFT, WIDTH - RIGHT);
    let mut svg = Svg::new(WIDTH, HEIGHT, &format!("{name} by trial"));
    svg.axes(&xs, &ys, "trials", &unit.title(metric));
    let every = values.len().div_ceil(MOST_POINTS);
    let mut best: Option<f64> = None;
    let mut line: Vec<(f64, f64)> = Vec::new();
    for (i, (record, value)) in values.iter().enumerate() {
        let x = xs.at((record.trial + 1) as f64);
        if i % every == 0 && *value >= floor {
            let class = if record.violation == 0.0 { "trial" } else { "trial violating" };
            let note = format!("trial {}: {}", record.trial, with_unit(metric, sign * value));
            svg.point(class, x, ys.at(shown(*value)), 3.0, &note);
        }
        if record.violation == 0.0 && best.is_none_or(|b| *value > b) {
            if let Some(b) = best {
                line.push((x, ys.at(shown(b))));
            }
            line.push((x, ys.at(shown(*value))));
            best = Some(*value);
        }
    }
    if let Some(b) = best {
        line.push((xs.at((last + 1) as f64), ys.at(shown(b))));
    }
    svg.line("front", &line);
    let mut caption =
        "Each point is a trial, the line the best of those that satisfy the constraints.".to_owned();
    let worse = values.len() - drawn().count();
    if worse > 0 {
        caption.push_str(&format!(" The worst {worse} lie outside the chart."));
    }
    Some(Chart { title: format!("Best {} so far", plain_name(name)), caption, svg: svg.finish() })
}

/// The least objective that is drawn: trials that lie below the median by more than five times what the best lies above it
/// would flatten the rest. No best trial so far is left out.
fn floor(values: &[(&Record, f64)]) -> Option<f64> {
    let mut sorted: Vec<f64> = values.iter().map(|(_, x)| *x).collect();
    sorted.sort_by(f64::total_cmp);
    let (least, most) = (*sorted.first()?, *sorted.last()?);
    let median = *sorted.get(sorted.len() / 2)?;
    let low = if most > median { least.max(median - 5.0 * (most - median)) } else { least };
    let first = values.iter().find(|(record, _)| record.violation == 0.0).map(|(_, x)| *x);
    Some(first.map_or(low, |first| low.min(first)))
}

struct Column<'a> {
    name: String,
    values: &'a [f64],
}

/// What each layer of the best pair costs.
pub(super) fn layers(report: &Report<'_>) -> Option<Chart> {
    let best = report.summary.best.as_ref()?;
    let columns = columns(&best.metrics);
    let count = columns.first()?.values.len();
    let costs = |i: usize| columns.iter().any(|c| c.values[i] != 0.0);
    let costly: Vec<usize> = (0..count).filter(|&i| costs(i)).collect();
    let mut largest = costly.clone();
    largest.sort_by(|&i, &j| columns[0].values[j].total_cmp(&columns[0].values[i]).then(i.cmp(&j)));
    largest.truncate(MOST_LAYERS);
    largest.sort_unstable();
    let left_out = costly.len() - largest.len();
    let name = |i: usize| {
        let layer = report.workload.filter(|w| w.layers.len() == count).and_then(|w| w.layers.get(i));
        layer.map_or_else(|| format!("layer {i}"), |layer| layer.name.clone())
    };
    let longest = largest.iter().map(|&i| name(i).chars().count()).max().unwrap_or(0) as f64;
    let (label, column, row) = ((longest * 7.2).clamp(60.0, 260.0) + 12.0, 330.0, 20.0);
    let height = 34.0 + row * largest.len() as f64;
    let mut svg = Svg::new(label + column * columns.len() as f64, height, "cost of each layer");
    for (c, of) in columns.iter().enumerate() {
        let left = label + column * c as f64;
        let most = of.values.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
        let total: f64 = of.values.iter().sum();
        svg.text("title", left, 16.0, &format!("{} (sum {})", of.name, with_unit(&of.name, total)));
        for (r, &i) in largest.iter().enumerate() {
            let (y, value) = (28.0 + row * r as f64, of.values[i]);
            if c == 0 {
                svg.text("tick end", label - 8.0, y + 13.0, &name(i));
            }
            let width = if most > 0.0 { value.abs() / most * (column - 130.0) } else { 0.0 };
            let share = if total != 0.0 { 100.0 * value / total } else { 0.0 };
            let text = format!("{} ({} %)", with_unit(&of.name, value), short((share * 10.0).round() / 10.0));
            svg.bar(if c % 2 == 0 { "bar a" } else { "bar b" }, left, y, width.max(1.0), row - 5.0, &text);
            svg.text("tick", left + width.max(1.0) + 6.0, y + 13.0, &text);
        }
    }
    let free = count - costly.len();
    let mut caption = format!("{} of {count} layers", largest.len());
    if free > 0 {
        caption.push_str(&format!("; {free} cost nothing of their own"));
    }
    if left_out > 0 {
        caption.push_str(&format!("; {left_out} smaller ones are left out"));
    }
    Some(Chart {
        title: "Cost of each layer of the best pair".into(),
        caption: caption + ".",
        svg: svg.finish(),
    })
}

/// Costs per layer of the same layers: those in seconds, then those in joules. Other metrics, such as densities, are no costs and have
/// no sum.
fn columns(metrics: &BTreeMap<String, Metrics>) -> Vec<Column<'_>> {
    let mut columns: Vec<Column<'_>> = Vec::new();
    for (evaluator, of) in metrics {
        let costs = |name: &str| name.ends_with("_s") || name.ends_with("_j");
        for (name, values) in of.per_layer.iter().filter(|(name, values)| costs(name) && !values.is_empty()) {
            columns.push(Column { name: format!("{evaluator}.{name}"), values });
        }
    }
    columns.sort_by(|a, b| (a.name.ends_with("_j"), &a.name).cmp(&(b.name.ends_with("_j"), &b.name)));
    let count = columns.first().map_or(0, |c| c.values.len());
    columns.retain(|c| c.values.len() == count);
    columns.truncate(3);
    columns
}

#[cfg(test)]
mod tests {
    use super::*;
    use codebench_model::Genotype;

    fn record(trial: u64, violation: f64) -> Record {
        Record {
            trial,
            batch: 0,
            genotype: Genotype(Vec::new()),
            status: Status::Ok,
            reason: None,
            metrics: BTreeMap::new(),
            objectives: Vec::new(),
            violation,
            evaluator_keys: BTreeMap::new(),
        }
    }

    fn floor_of(values: &[f64], violation: f64) -> Option<f64> {
        let records: Vec<Record> = (0u64..).zip(values).map(|(trial, _)| record(trial, violation)).collect();
        floor(&records.iter().zip(values.iter().copied()).collect::<Vec<_>>())
    }

    #[test]
    fn far_worse_trials_are_cut_off_but_no_best_one() {
        assert_eq!(floor_of(&[0.5, 0.0, 0.75, 1.0, 0.75], 0.0), Some(0.0));
        // The median is 0.875 and the best 1, so 0.25 is the floor.
        assert_eq!(floor_of(&[0.875, -9.0, 0.875, 1.0, 0.5], 0.0), Some(0.25));
        assert_eq!(
            floor_of(&[-9.0, 0.875, 0.875, 1.0, 0.5], 0.0),
            Some(-9.0),
            "the first is the best so far"
        );
        assert_eq!(floor_of(&[-9.0, 0.875, 0.875, 1.0, 0.5], 1.0), Some(0.25), "but not if it violates");
        assert_eq!(floor_of(&[2.0, 1.0, 2.0], 0.0), Some(1.0));
        assert_eq!(floor_of(&[], 0.0), None);
    }

    #[test]
    fn a_front_is_drawn_as_the_worse_of_two_neighbours() {
        // Pixels grow downwards: the second point is better in y and worse in x.
        assert_eq!(staircase(&[(1.0, 9.0), (4.0, 5.0)]), [(1.0, 9.0), (4.0, 9.0), (4.0, 5.0)]);
    }
}
