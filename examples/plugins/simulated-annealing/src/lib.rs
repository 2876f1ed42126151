//! Simulated annealing on any space: chains that step to a neighbour when it is better, and sometimes when it is worse, less
//! often the longer they run.

use codebench_sdk::math;
use codebench_sdk::prelude::*;
use codebench_sdk::space::{Points, Rng};

/// Stream of the seed that everything is drawn from.
const STREAM: u64 = 1;

/// Where a chain stands: a point and its value, once one is known.
struct Chain {
    here: Option<(Genotype, f64)>,
    temperature: f64,
}

/// The strategy.
pub struct SimulatedAnnealing {
    temperature: f64,
    cooling: f64,
    chains: usize,
    state: Option<State>,
}

struct State {
    points: Points,
    rng: Rng,
    chains: Vec<Chain>,
    /// The chain whose turn it is.
    next: usize,
    /// Proposals that were not told yet, with their chains.
    pending: Vec<(Genotype, usize)>,
}

impl Plugin for SimulatedAnnealing {
    type Kind = kinds::Strategy;

    fn info() -> PluginInfo {
        PluginInfo::new("example/simulated-annealing", "0.1.0", "Steps to neighbours, at first even to worse ones.")
            .parameters(vec![
                ParameterDescription::float("temperature", 1e-6, 1e3, 0.1, "A step that is worse by this much is taken with probability 1/e at the start."),
                ParameterDescription::float("cooling", 0.5, 1.0, 0.95, "Factor of the temperature after each step of a chain."),
                ParameterDescription::integer("chains", 1, 64, 4, "Chains that walk in turn."),
            ])
            .example("four chains", "[strategy]\nplugin = \"example/simulated-annealing\"\nparameters = { chains = 4, cooling = 0.9 }")
    }

    fn configure(configuration: &Configuration<'_>) -> Result<Self, PluginError> {
        Ok(SimulatedAnnealing {
            temperature: configuration.float("temperature")?,
            cooling: configuration.float("cooling")?,
            chains: configuration.integer("chains")?.unsigned_abs() as usize,
            state: None,
        })
    }
}

impl Strategy for SimulatedAnnealing {
    fn start(&mut self, context: &StrategyContext) -> Result<(), PluginError> {
        let points = Points::new(&context.space).map_err(|e| PluginError::invalid(e.to_string()))?;
        let chain = || Chain { here: None, temperature: self.temperature };
        let chains = std::iter::repeat_with(chain).take(self.chains).collect();
        let rng = Rng::new(context.seed, STREAM);
        self.state = Some(State { points, rng, chains, next: 0, pending: Vec::new() });
        Ok(())
    }

    fn ask(&mut self, count: usize) -> Result<Vec<Genotype>, PluginError> {
        let state = started(&mut self.state)?;
        (0..count).map(|_| state.propose()).collect()
    }

    fn tell(&mut self, outcomes: &[Tell]) -> Result<(), PluginError> {
        let cooling = self.cooling;
        let state = started(&mut self.state)?;
        for outcome in outcomes {
            state.learn(outcome, cooling);
        }
        Ok(())
    }
}

fn started(state: &mut Option<State>) -> Result<&mut State, PluginError> {
    state.as_mut().ok_or_else(|| PluginError::contract("asked or told before it was started"))
}

impl State {
    /// A neighbour of the next chain's point, or any point while the chain has none.
    fn propose(&mut self) -> Result<Genotype, PluginError> {
        let chain = self.next;
        self.next = (chain + 1) % self.chains.len();
        let point = match &self.chains[chain].here {
            None => self.points.sample(&mut self.rng),
            Some((here, _)) => {
                self.points.mutate(here, &mut self.rng).map_err(|e| PluginError::failed(e.to_string()))?
            }
        };
        self.pending.push((point.clone(), chain));
        Ok(point)
    }

    /// The chain that proposed the point decides whether it goes there. The study may have replaced a proposal: then the chain of
    /// the trial's number decides.
    fn learn(&mut self, outcome: &Tell, cooling: f64) {
        let chain = match self.pending.iter().position(|(point, _)| *point == outcome.genotype) {
            Some(at) => self.pending.remove(at).1,
            None => (outcome.trial % self.chains.len() as u64) as usize,
        };
        if outcome.status != Status::Ok {
            return;
        }
        let value = outcome.objectives.iter().sum::<f64>() - outcome.violation;
        let draw = self.rng.unit();
        let chain = &mut self.chains[chain];
        let accepted = match &chain.here {
            None => true,
            Some((_, old)) => value >= *old || draw < math::exp((value - old) / chain.temperature),
        };
        if accepted {
            chain.here = Some((outcome.genotype.clone(), value));
        }
        chain.temperature *= cooling;
    }
}

codebench_sdk::plugins![SimulatedAnnealing];

#[cfg(target_family = "wasm")]
codebench_sdk::export!(crate);
