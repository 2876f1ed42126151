//! `codebench/regularised-evolution`.

use crate::history::History;
use crate::start;
use codebench_sdk::prelude::*;

/// Stream of the seed.
const STREAM: u64 = 4;

/// Regularised evolution (Real et al., 2019): the youngest of the population live, the best of a random sample has a child.
#[derive(Debug)]
pub struct RegularisedEvolution {
    population: usize,
    sample: usize,
    history: Option<History>,
}

impl Plugin for RegularisedEvolution {
    type Kind = kinds::Strategy;

    fn info() -> PluginInfo {
        PluginInfo::new(
            "codebench/regularised-evolution",
            "0.1.0",
            "Mutates the best of a random sample of the population, of which the oldest dies.",
        )
        .parameters(vec![
            ParameterDescription::integer("population", 2, 100_000, 20, "Trials that may have children: the last ones."),
            ParameterDescription::integer("sample", 1, 100_000, 5, "Members drawn, of which the best is the parent."),
        ])
        .example("a larger population", "[strategy]\nplugin = \"codebench/regularised-evolution\"\nparameters = { population = 50, sample = 10 }")
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        let size = |name| configuration.integer(name).map(|n| n.unsigned_abs() as usize);
        Ok(RegularisedEvolution { population: size("population")?, sample: size("sample")?, history: None })
    }
}

impl Strategy for RegularisedEvolution {
    fn start(&mut self, context: &StrategyContext) -> Result<(), PluginError> {
        self.history = Some(History::new(context, STREAM)?);
        Ok(())
    }

    fn ask(&mut self, count: usize) -> Result<Vec<Genotype>, PluginError> {
        let history = self.history.as_mut().ok_or_else(start::not_started)?;
        let values = history.values();
        (0..count)
            .map(|_| {
                let first = values.len().saturating_sub(self.population);
                if values.is_empty() || history.known() < self.population {
                    let point = history.sample();
                    return Ok(history.propose(point));
                }
                let mut parent = first;
                for draw in 0..self.sample {
                    let member = first + history.rng.index(values.len() - first);
                    if draw == 0 || values[member] > values[parent] {
                        parent = member;
                    }
                }
                let parent = history.outcomes[parent].genotype.clone();
                let child = history.mutate(&parent)?;
                Ok(history.propose(child))
            })
            .collect()
    }

    fn tell(&mut self, outcomes: &[Tell]) -> Result<(), PluginError> {
        self.history.as_mut().ok_or_else(start::not_started)?.tell(outcomes);
        Ok(())
    }
}
