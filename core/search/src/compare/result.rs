//! What a comparison comes to.

use super::statistics::{bootstrap, holm, mean, median, ranks, wilcoxon};
use super::{CompareOptions, Measure, curve};
use crate::experiment::Experiment;
use crate::objective::Goal;
use codebench_model::{Parameters, Record, Status};
use std::fmt::Write;

/// The query from which the area under the regret curve is taken, where a run is that long.
const AREA_FROM: usize = 10;

/// One run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunResult {
    /// Position of its strategy.
    pub strategy: usize,
    /// Its seed, counted from the experiment's.
    pub seed: u64,
    /// Best value so far after each trial, larger is better; `None` before the first good trial.
    pub values: Vec<Option<f64>>,
    /// Trials that were infeasible, and that failed.
    pub infeasible: usize,
    /// See [`RunResult::infeasible`].
    pub failed: usize,
    /// Seconds that the strategy took in all.
    pub seconds: f64,
}

/// One strategy over all seeds. Regret is the distance of the best value so far from the optimum.
#[derive(Debug, Clone, PartialEq)]
pub struct StrategyResult {
    /// As the user wrote it.
    pub name: String,
    /// Id of its plugin.
    pub plugin: String,
    /// Its complete parameters.
    pub parameters: Parameters,
    /// Mean regret after each query, and its 95 % bootstrap interval.
    pub curve: Vec<(f64, f64, f64)>,
    /// Regret of every seed at the end.
    pub finals: Vec<f64>,
    /// Mean regret over the queries from [`Comparison::area_from`] on, of every seed.
    pub areas: Vec<f64>,
    /// Queries to the target of every seed; infinite where it was not reached. Empty without a target.
    pub to_target: Vec<f64>,
    /// Mean over the seeds of the rank at the end, 1 being the best.
    pub rank: f64,
    /// Seconds that the strategy itself took per trial.
    pub seconds_per_query: f64,
    /// Trials in all, those infeasible, those failed.
    pub counts: (usize, usize, usize),
}

/// Two strategies on the same seeds: two-sided p-values of Wilcoxon's signed-rank test, corrected by Holm over all pairs.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// Positions of the strategies.
    pub strategies: (usize, usize),
    /// Mean difference of the areas, first minus second: negative if the first is better.
    pub area_difference: f64,
    /// Of the areas.
    pub area_p: f64,
    /// Of the regrets at the end.
    pub final_p: f64,
    /// Of the queries to the target; those that never reach it count as one more than the budget.
    pub target_p: Option<f64>,
}

/// The whole comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// Name of the experiment.
    pub name: String,
    /// What was compared by.
    pub measure: Measure,
    /// The value that regret is counted from, in the measure's own direction.
    pub optimum: f64,
    /// Trials of a run.
    pub queries: usize,
    /// Number of seeds.
    pub seeds: u64,
    /// First query of the area.
    pub area_from: usize,
    /// In the order in which they were named.
    pub strategies: Vec<StrategyResult>,
    /// Every two of them.
    pub pairs: Vec<Pair>,
    /// Every run, by strategy and seed.
    pub runs: Vec<RunResult>,
}

impl RunResult {
    pub(super) fn new(
        records: &[Record],
        seconds: f64,
        options: &CompareOptions,
        strategy: usize,
        seed: u64,
    ) -> Self {
        let count = |status| records.iter().filter(|r| r.status == status).count();
        RunResult {
            strategy,
            seed,
            values: curve::best_so_far(records, &options.measure),
            infeasible: count(Status::Infeasible),
            failed: count(Status::Failed),
            seconds,
        }
    }

    /// Value after `queries` trials: of a run that ended earlier, its last.
    fn after(&self, queries: usize) -> Option<f64> {
        self.values.get(queries.saturating_sub(1)).or(self.values.last()).copied().flatten()
    }
}

impl Comparison {
    pub(super) fn new(experiment: &Experiment, options: &CompareOptions, runs: Vec<RunResult>) -> Self {
        let measure = options.measure.clone();
        let sign = if measure.goal == Goal::Maximise || measure.metric.is_none() { 1.0 } else { -1.0 };
        let all = || runs.iter().flat_map(|run| run.values.iter().flatten().copied());
        let best = measure.optimum.map_or_else(|| all().fold(f64::NEG_INFINITY, f64::max), |x| sign * x);
        // A run without any good trial is as far away as the worst that was seen.
        let worst = all().fold(f64::INFINITY, f64::min);
        let (best, worst) = if worst.is_finite() { (best, worst) } else { (0.0, 0.0) };
        let queries = usize::try_from(experiment.budget.trials).unwrap_or(usize::MAX);
        let area_from = if queries > AREA_FROM { AREA_FROM } else { 1 };
        let regret = |run: &RunResult, after: usize| best - run.after(after).unwrap_or(worst);
        let target = measure.target.map(|x| sign * x);
        let strategies = options.strategies.iter().enumerate().map(|(s, (name, plugin))| {
            let of: Vec<&RunResult> = runs.iter().filter(|run| run.strategy == s).collect();
            let at = |after: usize| of.iter().map(|run| regret(run, after)).collect::<Vec<f64>>();
            let point = |after: usize| {
                let regrets = at(after);
                let (low, high) = bootstrap(&regrets);
                (mean(&regrets), low, high)
            };
            let area =
                |run: &&RunResult| mean(&(area_from..=queries).map(|q| regret(run, q)).collect::<Vec<f64>>());
            let reached = |run: &&RunResult| {
                let found = run.values.iter().position(|v| v.is_some_and(|v| Some(v) >= target));
                found.map_or(f64::INFINITY, |i| (i + 1) as f64)
            };
            let trials: usize = of.iter().map(|run| run.values.len()).sum();
            let sum = |count: fn(&RunResult) -> usize| of.iter().map(|run| count(run)).sum::<usize>();
            StrategyResult {
                name: name.clone(),
                plugin: plugin.plugin.clone(),
                parameters: plugin.parameters.clone(),
                curve: (1..=queries).map(point).collect(),
                finals: at(queries),
                areas: of.iter().map(area).collect(),
                to_target: if target.is_some() { of.iter().map(reached).collect() } else { Vec::new() },
                rank: 0.0,
                seconds_per_query: of.iter().map(|run| run.seconds).sum::<f64>() / trials.max(1) as f64,
                counts: (trials, sum(|run| run.infeasible), sum(|run| run.failed)),
            }
        });
        let mut strategies: Vec<StrategyResult> = strategies.collect();
        rank(&mut strategies);
        let pairs = pairs(&strategies, queries);
        Comparison {
            name: experiment.name.clone(),
            optimum: sign * best,
            measure,
            queries,
            seeds: options.seeds,
            area_from,
            strategies,
            pairs,
            runs,
        }
    }

    /// Tables for people: one line per strategy, one per pair.
    pub fn text(&self) -> String {
        let what = self.measure.metric.as_ref().map_or_else(|| "objective".to_owned(), ToString::to_string);
        let mut text = format!(
            "{}: {} strategies, {} seeds, {} queries each\nregret of {what} from {}; 95 % bootstrap intervals\n\n",
            self.name,
            self.strategies.len(),
            self.seeds,
            self.queries,
            short(self.optimum)
        );
        let width = self.strategies.iter().map(|s| s.name.len()).max().unwrap_or(8).max(8);
        let area = format!("area {}..{}", self.area_from, self.queries);
        let target =
            self.measure.target.map_or_else(String::new, |t| format!("{:>20}", format!("queries to {t}")));
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{:width$}  {:>25}  {:>25}  {:>6}{target}  {:>12}  {:>9}  {:>6}",
            "strategy", "final regret", area, "rank", "s per query", "infeasible", "failed"
        );
        for s in &self.strategies {
            let target =
                if s.to_target.is_empty() { String::new() } else { format!("{:>20}", queries(&s.to_target)) };
            let (_, infeasible, failed) = s.counts;
            let _ = writeln!(
                text,
                "{:width$}  {:>25}  {:>25}  {:>6.2}{target}  {:>12}  {infeasible:>10}  {failed:>6}",
                s.name,
                with_interval(&s.finals),
                with_interval(&s.areas),
                s.rank,
                short(s.seconds_per_query),
            );
        }
        text.push_str(
            "\nWilcoxon signed-rank tests on paired seeds, two-sided, p corrected by Holm over all pairs\n\n",
        );
        let target =
            if self.measure.target.is_some() { format!("{:>12}", "p queries") } else { String::new() };
        let _ = writeln!(
            text,
            "{:width$}  {:width$}  {:>12}  {:>10}  {:>10}{target}",
            "first", "second", "area 1st-2nd", "p area", "p final"
        );
        for pair in &self.pairs {
            let target = pair.target_p.map_or_else(String::new, |p| format!("{:>12}", probability(p)));
            let _ = writeln!(
                text,
                "{:width$}  {:width$}  {:>12}  {:>10}  {:>10}{target}",
                self.strategies[pair.strategies.0].name,
                self.strategies[pair.strategies.1].name,
                short(pair.area_difference),
                probability(pair.area_p),
                probability(pair.final_p),
            );
        }
        text
    }
}

/// Fills in the mean ranks at the end.
fn rank(strategies: &mut [StrategyResult]) {
    let seeds = strategies.first().map_or(0, |s| s.finals.len());
    let mut sums = vec![0.0; strategies.len()];
    for seed in 0..seeds {
        let finals: Vec<f64> = strategies.iter().map(|s| s.finals[seed]).collect();
        sums.iter_mut().zip(ranks(&finals)).for_each(|(sum, rank)| *sum += rank);
    }
    strategies.iter_mut().zip(sums).for_each(|(s, sum)| s.rank = sum / seeds.max(1) as f64);
}

fn pairs(strategies: &[StrategyResult], queries: usize) -> Vec<Pair> {
    let both: Vec<(usize, usize)> =
        (0..strategies.len()).flat_map(|i| (i + 1..strategies.len()).map(move |j| (i, j))).collect();
    let corrected = |values: &dyn Fn(&StrategyResult) -> Vec<f64>| {
        let p = both.iter().map(|(i, j)| wilcoxon(&values(&strategies[*i]), &values(&strategies[*j])));
        holm(&p.collect::<Vec<f64>>())
    };
    let areas = corrected(&|s| s.areas.clone());
    let finals = corrected(&|s| s.finals.clone());
    let censored =
        |s: &StrategyResult| s.to_target.iter().map(|q| q.min(queries as f64 + 1.0)).collect::<Vec<f64>>();
    let targets = corrected(&censored);
    let has_target = strategies.iter().any(|s| !s.to_target.is_empty());
    let pair = |(n, (i, j)): (usize, &(usize, usize))| Pair {
        strategies: (*i, *j),
        area_difference: mean(&strategies[*i].areas) - mean(&strategies[*j].areas),
        area_p: areas[n],
        final_p: finals[n],
        target_p: has_target.then(|| targets[n]),
    };
    both.iter().enumerate().map(pair).collect()
}

/// Median, with a distribution-free 95 % interval by order statistics.
fn queries(to_target: &[f64]) -> String {
    let mut sorted = to_target.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (n, spread) = (sorted.len() as f64, 0.98 * codebench_math::sqrt(sorted.len() as f64));
    let at = |i: f64| sorted[(i.max(0.0) as usize).min(sorted.len() - 1)];
    let show = |q: f64| if q.is_finite() { format!("{q}") } else { "never".to_owned() };
    format!("{} [{}, {}]", show(median(&sorted)), show(at(n / 2.0 - spread)), show(at(n / 2.0 + spread)))
}

fn with_interval(values: &[f64]) -> String {
    let (low, high) = bootstrap(values);
    format!("{} [{}, {}]", short(mean(values)), short(low), short(high))
}

fn probability(p: f64) -> String {
    if p < 1e-4 { "< 0.0001".into() } else { format!("{p:.4}") }
}

/// A number with four significant digits.
pub(super) fn short(x: f64) -> String {
    let size = x.abs();
    match size {
        0.0 => "0".into(),
        _ if (1e-3..1e5).contains(&size) => {
            let digits = (3.0 - codebench_math::floor(codebench_math::log10(size))).clamp(0.0, 6.0) as usize;
            format!("{x:.digits$}")
        }
        _ => format!("{x:.2e}"),
    }
}
