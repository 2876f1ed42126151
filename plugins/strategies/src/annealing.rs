//! `codebench/simulated-annealing`.

use crate::history::{History, range};
use crate::start;
use codebench_sdk::math;
use codebench_sdk::prelude::*;

/// Stream of the seed.
const STREAM: u64 = 5;

/// Steps to a neighbour if it is better, and sometimes if it is worse: less often the longer it runs.
#[derive(Debug)]
pub struct SimulatedAnnealing {
    temperature: f64,
    cooling: f64,
    state: Option<State>,
}

#[derive(Debug)]
struct State {
    history: History,
    /// Position of the outcome where the walk stands.
    here: Option<usize>,
    /// Outcomes that the walk has decided on.
    judged: usize,
    /// Share of the range of values by which a step may be worse with probability 1/e.
    temperature: f64,
}

impl Plugin for SimulatedAnnealing {
    type Kind = kinds::Strategy;

    fn info() -> PluginInfo {
        PluginInfo::new("codebench/simulated-annealing", "0.1.0", "Steps to neighbours, at first even to worse ones.")
            .parameters(vec![
                ParameterDescription::float(
                    "temperature",
                    1e-6,
                    10.0,
                    0.1,
                    "A step that is worse by this share of the range of values so far is taken with probability 1/e at first.",
                ),
                ParameterDescription::float("cooling", 0.5, 1.0, 0.95, "Factor of the temperature after each outcome."),
            ])
            .example("slower cooling", "[strategy]\nplugin = \"codebench/simulated-annealing\"\nparameters = { cooling = 0.99 }")
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        Ok(SimulatedAnnealing {
            temperature: configuration.float("temperature")?,
            cooling: configuration.float("cooling")?,
            state: None,
        })
    }
}

impl Strategy for SimulatedAnnealing {
    fn start(&mut self, context: &StrategyContext) -> Result<(), PluginError> {
        let history = History::new(context, STREAM)?;
        self.state = Some(State { history, here: None, judged: 0, temperature: self.temperature });
        Ok(())
    }

    fn ask(&mut self, count: usize) -> Result<Vec<Genotype>, PluginError> {
        let state = self.state.as_mut().ok_or_else(start::not_started)?;
        (0..count)
            .map(|_| {
                let point = match state.here {
                    Some(here) => {
                        let here = state.history.outcomes[here].genotype.clone();
                        state.history.mutate(&here)?
                    }
                    None => state.history.sample(),
                };
                Ok(state.history.propose(point))
            })
            .collect()
    }

    fn tell(&mut self, outcomes: &[Tell]) -> Result<(), PluginError> {
        let cooling = self.cooling;
        let state = self.state.as_mut().ok_or_else(start::not_started)?;
        state.history.tell(outcomes);
        state.step(cooling);
        Ok(())
    }
}

impl State {
    /// Decides on every outcome that is new.
    fn step(&mut self, cooling: f64) {
        let values = self.history.values();
        let (low, high) = range(values.iter().copied());
        let scale = self.temperature.max(f64::MIN_POSITIVE) * (high - low);
        for new in self.judged..values.len() {
            let draw = self.history.rng.unit();
            let taken = self.here.is_none_or(|here| {
                let loss = values[here] - values[new];
                loss <= 0.0 || (scale > 0.0 && draw < math::exp(-loss / scale))
            });
            if taken {
                self.here = Some(new);
            }
            self.temperature *= cooling;
        }
        self.judged = values.len();
    }
}
