//! `codebench/nsga2`.

use crate::history::{History, Outcome};
use crate::pareto::Ranks;
use crate::start;
use codebench_sdk::prelude::*;

/// Stream of the seed.
const STREAM: u64 = 7;
/// Children of a pair before an unknown one is made by mutation alone.
const CHILDREN: usize = 20;

/// NSGA-II (Deb et al., 2002): the population is the best of itself and its children by front and crowding.
#[derive(Debug)]
pub struct Nsga2 {
    population: usize,
    crossover: f64,
    state: Option<State>,
}

#[derive(Debug)]
struct State {
    history: History,
    size: usize,
    crossover: f64,
    /// Positions of the outcomes that may have children, the best first.
    parents: Vec<usize>,
    /// Outcomes that the last selection saw.
    selected: usize,
}

impl Plugin for Nsga2 {
    type Kind = kinds::Strategy;

    fn info() -> PluginInfo {
        PluginInfo::new(
            "codebench/nsga2",
            "0.1.0",
            "Evolution for several objectives: selects by Pareto front and crowding, with crossover and mutation.",
        )
        .parameters(vec![
            ParameterDescription::integer("population", 2, 100_000, 20, "Size of the population, and trials between two selections."),
            ParameterDescription::float("crossover", 0.0, 1.0, 0.9, "Probability that a child has two parents."),
        ])
        .example("a larger population", "[strategy]\nplugin = \"codebench/nsga2\"\nparameters = { population = 50 }")
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        Ok(Nsga2 {
            population: configuration.integer("population")?.unsigned_abs() as usize,
            crossover: configuration.float("crossover")?,
            state: None,
        })
    }
}

impl Strategy for Nsga2 {
    fn start(&mut self, context: &StrategyContext) -> Result<(), PluginError> {
        let history = History::new(context, STREAM)?;
        let (size, crossover) = (self.population, self.crossover);
        self.state = Some(State { history, size, crossover, parents: Vec::new(), selected: 0 });
        Ok(())
    }

    fn ask(&mut self, count: usize) -> Result<Vec<Genotype>, PluginError> {
        let state = self.state.as_mut().ok_or_else(start::not_started)?;
        (0..count)
            .map(|_| {
                let point = if state.parents.is_empty() || state.history.known() < state.size {
                    state.history.sample()
                } else {
                    state.child()?
                };
                Ok(state.history.propose(point))
            })
            .collect()
    }

    fn tell(&mut self, outcomes: &[Tell]) -> Result<(), PluginError> {
        let state = self.state.as_mut().ok_or_else(start::not_started)?;
        state.history.tell(outcomes);
        state.select();
        Ok(())
    }
}

impl State {
    /// Selects once a whole generation is told; before the first, all that is told may have children.
    fn select(&mut self) {
        let told = self.history.outcomes.len();
        if told - self.selected < self.size && self.parents.len() >= self.size {
            return;
        }
        let candidates: Vec<usize> = self.parents.iter().copied().chain(self.selected..told).collect();
        let points: Vec<&Outcome> = candidates.iter().map(|i| &self.history.outcomes[*i]).collect();
        let ranks = Ranks::new(&points);
        let mut order: Vec<usize> = (0..candidates.len()).collect();
        order.sort_by(|i, j| ranks.compare(*i, *j));
        self.parents = order.into_iter().take(self.size).map(|i| candidates[i]).collect();
        self.selected = told;
    }

    /// An unknown child of the winners of binary tournaments.
    fn child(&mut self) -> Result<Genotype, PluginError> {
        for _ in 0..CHILDREN {
            let mother = self.winner();
            let father = self.winner();
            let rng = &mut self.history.rng;
            let mut child = self.history.outcomes[mother].genotype.clone();
            if rng.unit() < self.crossover {
                let other = &self.history.outcomes[father].genotype;
                child = self.history.points.crossover(&child, other, rng).map_err(start::invalid)?;
            }
            child = self.history.points.mutate(&child, rng).map_err(start::invalid)?;
            if !self.history.is_known(&child) {
                return Ok(child);
            }
        }
        let mother = self.winner();
        let mother = self.history.outcomes[mother].genotype.clone();
        self.history.mutate(&mother)
    }

    /// The better of two members drawn at random: the parents stand in order of selection.
    fn winner(&mut self) -> usize {
        let count = self.parents.len();
        let drawn = self.history.rng.index(count).min(self.history.rng.index(count));
        self.parents[drawn]
    }
}
