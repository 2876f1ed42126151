//! `codebench/local-search`.

use crate::history::{History, shuffle};
use crate::start;
use codebench_sdk::prelude::*;

/// Stream of the seed.
const STREAM: u64 = 3;

/// Climbs from a random point to better neighbours, and starts again where there is none.
///
/// While the last neighbours of a point are evaluated, further proposals are random points, which are starts at hand.
#[derive(Debug)]
pub struct LocalSearch {
    climb_to_best: bool,
    state: Option<State>,
}

#[derive(Debug)]
struct State {
    history: History,
    climb_to_best: bool,
    centre: Option<Centre>,
    /// Evaluated random points that no climb has started from.
    starts: Vec<Genotype>,
}

#[derive(Debug)]
struct Centre {
    point: Genotype,
    /// All neighbours in random order.
    neighbours: Vec<Genotype>,
}

impl Plugin for LocalSearch {
    type Kind = kinds::Strategy;

    fn info() -> PluginInfo {
        PluginInfo::new(
            "codebench/local-search",
            "0.1.0",
            "Climbs to better neighbours from random starts, and starts again at every local optimum.",
        )
        .parameters(vec![ParameterDescription::choice(
            "climb",
            &["first", "best"],
            "first",
            "Whether it moves to the first better neighbour, or to the best of all neighbours.",
        )])
        .example("with restarts", "[strategy]\nplugin = \"codebench/local-search\"")
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        Ok(LocalSearch { climb_to_best: configuration.text("climb")? == "best", state: None })
    }
}

impl Strategy for LocalSearch {
    fn start(&mut self, context: &StrategyContext) -> Result<(), PluginError> {
        let history = History::new(context, STREAM)?;
        self.state =
            Some(State { history, climb_to_best: self.climb_to_best, centre: None, starts: Vec::new() });
        Ok(())
    }

    fn ask(&mut self, count: usize) -> Result<Vec<Genotype>, PluginError> {
        let state = self.state.as_mut().ok_or_else(start::not_started)?;
        (0..count).map(|_| state.propose()).collect()
    }

    fn tell(&mut self, outcomes: &[Tell]) -> Result<(), PluginError> {
        self.state.as_mut().ok_or_else(start::not_started)?.history.tell(outcomes);
        Ok(())
    }
}

impl State {
    fn propose(&mut self) -> Result<Genotype, PluginError> {
        self.climb()?;
        let unknown = |centre: &Centre| centre.neighbours.iter().find(|n| !self.history.is_known(n)).cloned();
        let point = match self.centre.as_ref().and_then(unknown) {
            Some(neighbour) => neighbour,
            None => {
                let point = self.history.sample();
                self.starts.push(point.clone());
                point
            }
        };
        Ok(self.history.propose(point))
    }

    /// Moves as far as what is known allows.
    fn climb(&mut self) -> Result<(), PluginError> {
        let values = self.history.values();
        loop {
            let Some(centre) = &self.centre else {
                let told = |point: &Genotype| self.history.position(point).is_some();
                let Some(next) = self.starts.iter().position(told) else { return Ok(()) };
                let point = self.starts.remove(next);
                self.go_to(point)?;
                continue;
            };
            let value_of = |point: &Genotype| self.history.position(point).map(|i| values[i]);
            let own = value_of(&centre.point).unwrap_or(f64::NEG_INFINITY);
            let open = centre
                .neighbours
                .iter()
                .any(|n| !self.history.is_known(n) || self.history.open().contains(n));
            let better = centre
                .neighbours
                .iter()
                .filter_map(|n| Some((n, value_of(n)?)))
                .filter(|(_, value)| *value > own);
            let best = better.fold(None, |best: Option<(&Genotype, f64)>, (n, value)| match best {
                Some((_, known)) if known >= value => best,
                _ => Some((n, value)),
            });
            match best.map(|(point, _)| point.clone()) {
                Some(point) if !open || !self.climb_to_best => self.go_to(point)?,
                None if !open => self.centre = None,
                _ => return Ok(()),
            }
        }
    }

    fn go_to(&mut self, point: Genotype) -> Result<(), PluginError> {
        let mut neighbours = self.history.points.neighbours(&point).map_err(start::invalid)?;
        shuffle(&mut neighbours, &mut self.history.rng);
        self.centre = Some(Centre { point, neighbours });
        Ok(())
    }
}
