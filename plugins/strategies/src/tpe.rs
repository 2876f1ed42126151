//! `codebench/tpe`.

use crate::history::History;
use crate::parzen::Parzen;
use crate::start;
use codebench_sdk::math;
use codebench_sdk::prelude::*;

/// Stream of the seed.
const STREAM: u64 = 8;

/// Multivariate tree-structured Parzen estimator (Bergstra et al., 2011): draws from a density of the good trials, all choices
/// together, and proposes the draw that is likeliest to be of them and not of the others.
#[derive(Debug)]
pub struct Tpe {
    startup: usize,
    candidates: usize,
    share: f64,
    history: Option<History>,
}

impl Plugin for Tpe {
    type Kind = kinds::Strategy;

    fn info() -> PluginInfo {
        PluginInfo::new(
            "codebench/tpe",
            "0.1.0",
            "Multivariate tree-structured Parzen estimator: densities of good and of other trials over all choices together.",
        )
        .parameters(vec![
            ParameterDescription::integer("startup", 1, 100_000, 10, "Random trials before the first density."),
            ParameterDescription::integer("candidates", 1, 10_000, 24, "Draws of which the best is proposed."),
            ParameterDescription::float("share", 0.01, 0.9, 0.1, "Share of the trials that count as good; 25 at most."),
        ])
        .example("more draws", "[strategy]\nplugin = \"codebench/tpe\"\nparameters = { candidates = 100 }")
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        let size = |name| configuration.integer(name).map(|n| n.unsigned_abs() as usize);
        Ok(Tpe {
            startup: size("startup")?,
            candidates: size("candidates")?,
            share: configuration.float("share")?,
            history: None,
        })
    }
}

impl Strategy for Tpe {
    fn start(&mut self, context: &StrategyContext) -> Result<(), PluginError> {
        self.history = Some(History::new(context, STREAM)?);
        Ok(())
    }

    fn ask(&mut self, count: usize) -> Result<Vec<Genotype>, PluginError> {
        let (startup, candidates, share) = (self.startup, self.candidates, self.share);
        let history = self.history.as_mut().ok_or_else(start::not_started)?;
        (0..count)
            .map(|_| {
                let point = match history.known() < startup || history.outcomes.len() < 2 {
                    true => history.sample(),
                    false => propose(history, candidates, share)?,
                };
                Ok(history.propose(point))
            })
            .collect()
    }

    fn tell(&mut self, outcomes: &[Tell]) -> Result<(), PluginError> {
        self.history.as_mut().ok_or_else(start::not_started)?.tell(outcomes);
        Ok(())
    }
}

/// The unknown draw of the good density with the largest ratio of densities. Open proposals count as not good.
fn propose(history: &mut History, candidates: usize, share: f64) -> Result<Genotype, PluginError> {
    let order = history.ranking();
    let good = (math::ceil(share * order.len() as f64) as usize).clamp(1, 25);
    let mut is_good = vec![false; order.len()];
    order.iter().take(good).for_each(|i| is_good[*i] = true);
    let of = |wanted: bool| {
        let told = history.outcomes.iter().zip(&is_good).filter(move |(_, good)| **good == wanted);
        told.map(|(outcome, _)| &outcome.genotype)
    };
    let below = Parzen::new(history.points.space(), of(true).collect());
    let above = Parzen::new(history.points.space(), of(false).chain(history.open()).collect());
    let mut best: Option<(f64, Genotype)> = None;
    for _ in 0..candidates {
        let drawn = below.draw(&mut history.rng);
        let point = history.points.repair(&drawn).map_err(start::invalid)?;
        if history.is_known(&point) {
            continue;
        }
        let ratio = below.log_density(&point) - above.log_density(&point);
        if best.as_ref().is_none_or(|(known, _)| ratio > *known) {
            best = Some((ratio, point));
        }
    }
    match best {
        Some((_, point)) => Ok(point),
        None => {
            let best = history.outcomes[order[0]].genotype.clone();
            history.mutate(&best)
        }
    }
}
